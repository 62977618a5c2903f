//! Trees, for landscapes and streets.

use super::canvas::Canvas;
use super::colour::Rgb;
use super::field::{fractal, noise};
use super::point::{Bounds, Point, at, smooth};
use super::shape;
use crate::random::Stream;

/// A fir: a tapering stack of drooping branches.
pub fn fir(canvas: &mut Canvas, stream: &mut Stream, foot: Point, height: f32, colour: Rgb) {
    let seed = stream.bits32();
    let tiers = stream.span(6.0, 11.0);
    let lean = stream.span(0.24, 0.36);
    let bounds = Bounds::new(foot.x - 0.4 * height, foot.y - height, foot.x + 0.4 * height, foot.y);
    canvas.fill(
        bounds,
        |p| {
            let up = (foot.y - p.y) / height;
            let saw = super::field::fraction(up * tiers);
            let half = lean * (1.0 - up) * (1.0 - 0.45 * saw) + 0.05 * noise(seed, (p - foot) * (14.0 / height));
            let trunk = (p.x - foot.x).abs() - 0.02 * height;
            let crown = (p.x - foot.x).abs() - half * height;
            if up < 0.1 { trunk } else { crown * 0.7 }
        },
        |p| {
            let side = (p.x - foot.x) / (0.3 * height);
            let shade = 0.78 - 0.25 * side + 0.5 * fractal(seed ^ 1, (p - foot) * (16.0 / height), 3);
            colour * shade
        },
    );
}

/// A broadleaf tree: a trunk and a cloud of leaves.
pub fn broadleaf(canvas: &mut Canvas, stream: &mut Stream, foot: Point, height: f32, colour: Rgb) {
    let seed = stream.bits32();
    let trunk = Rgb(0.3, 0.22, 0.16).tint(Rgb::WHITE.mix(colour, 0.3));
    let bend = height * stream.span(-0.08, 0.08);
    let top = at(foot.x + bend, foot.y - 0.6 * height);
    let bounds = Bounds::new(
        foot.x - 0.6 * height,
        foot.y - 1.1 * height,
        foot.x + 0.6 * height,
        foot.y,
    );
    canvas.fill(
        bounds,
        |p| shape::segment(p, foot, top) - 0.028 * height,
        |p| trunk * (0.9 - 8.0 * (p.x - foot.x) / height * 0.3),
    );
    let crown = at(foot.x + bend, foot.y - 0.66 * height);
    let half = at(height * stream.span(0.26, 0.38), height * stream.span(0.26, 0.34));
    canvas.fill(
        bounds,
        |p| shape::ellipse(p, crown, half) + 0.22 * height * fractal(seed, (p - foot) * (5.0 / height), 4),
        |p| {
            let q = at((p.x - crown.x) / half.x, (p.y - crown.y) / half.y);
            let light = 0.72 - 0.22 * q.x - 0.3 * q.y;
            let leaves = fractal(seed ^ 7, (p - foot) * (22.0 / height), 3);
            colour.mix(
                Rgb(0.95, 0.95, 0.5).tint(colour + Rgb(0.2, 0.2, 0.1)),
                smooth(0.1, 0.5, leaves),
            ) * (light + 0.35 * leaves)
        },
    );
}
