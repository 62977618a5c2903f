//! Leaves upon leaves, from the dark behind to the lit in front, and flowers among them: edges at every angle.

use std::f32::consts::TAU;

use super::canvas::Canvas;
use super::colour::{Palette, Rgb, hex};
use super::field::{fractal, noise};
use super::point::{Bounds, Point, Turn, at, smooth};
use super::shape;
use crate::random::Stream;

const GREENS: [u32; 7] = [0x4c7a34, 0x2f6b4a, 0x7a9a3c, 0x386150, 0x9aa84f, 0xa8542f, 0xc99a3a];

pub fn draw(canvas: &mut Canvas, stream: &mut Stream) {
    let green = hex(*stream.pick(&GREENS)).vary(stream, 0.15);
    let palette = Palette::random(stream);
    let seed = stream.bits32();
    let behind = palette.any(stream).mix(green, 0.6) * stream.span(0.3, 0.8);
    canvas.paint(|p| {
        // What is out of focus: soft discs of light.
        let glow = smooth(0.05, 0.5, fractal(seed, p * 3.0, 2));
        behind * (0.6 + 0.7 * glow)
    });
    let (large, slim) = (stream.span(0.07, 0.17), stream.span(0.22, 0.5));
    let count = (canvas.aspect * stream.span(2.6, 4.5) / (large * large * slim * 2.4)) as usize;
    let count = count.clamp(30, 260);
    let main = stream.span(0.0, TAU);
    for i in 0..count {
        let near = i as f32 / count as f32;
        let centre = at(canvas.aspect * stream.span(-0.05, 1.05), stream.span(-0.05, 1.05));
        let size = large * (0.55 + 0.6 * near) * stream.span(0.7, 1.25);
        let angle = main + 1.1 * stream.normal();
        let colour = green.vary(stream, 0.22) * (0.35 + 0.75 * near);
        leaf(canvas, stream, centre, size, slim, Turn::by(angle), colour);
    }
    let flowers = if stream.chance(0.65) { 1 + stream.below(9) } else { 0 };
    for _ in 0..flowers {
        let centre = at(canvas.aspect * stream.span(0.03, 0.97), stream.span(0.05, 0.95));
        let colour = palette.any(stream).saturate(1.25);
        let size = stream.span(0.05, 0.15);
        flower(canvas, stream, centre, size, colour);
    }
}

fn leaf(canvas: &mut Canvas, stream: &mut Stream, centre: Point, size: f32, slim: f32, turn: Turn, colour: Rgb) {
    let seed = stream.bits32();
    let bounds = Bounds::around(centre, 1.05 * size);
    let bend = stream.span(-0.35, 0.35);
    let veins = stream.span(5.0, 9.0);
    let local = move |p: Point| {
        let q = turn.undo(p - centre);
        at(q.x, q.y + bend * (q.x * q.x / size - 0.25 * size))
    };
    let drop = at(0.006, 0.014);
    canvas.shadow(bounds, 0.42, 0.12 * size, |p| {
        shape::leaf(local(p - drop), size, slim * size)
    });
    canvas.fill(
        bounds,
        |p| shape::leaf(local(p), size, slim * size),
        |p| {
            let q = local(p) * (1.0 / size);
            let half = if q.y > 0.0 { 0.86 } else { 1.1 };
            let rib = smooth(0.05, 0.02, q.y.abs());
            let side = super::field::fraction((q.x - 0.8 * q.y.abs()) * veins);
            let vein = smooth(0.16, 0.04, (side - 0.5).abs());
            let shine = 0.18 * smooth(0.4, 0.0, (q.y + 0.18).abs()) + 0.1 * noise(seed, q * 5.0);
            colour * (half + shine - 0.15 * q.x + 0.14 * vein + 0.3 * rib)
        },
    );
}

fn flower(canvas: &mut Canvas, stream: &mut Stream, centre: Point, size: f32, colour: Rgb) {
    let petals = 5 + stream.below(8);
    let start = stream.span(0.0, TAU);
    let wide = stream.span(0.18, 0.34) * (7.0 / petals as f32).min(1.2);
    let tip = colour.mix(Rgb::WHITE, stream.span(0.0, 0.4));
    canvas.shadow(Bounds::around(centre, 1.4 * size), 0.4, 0.3 * size, |p| {
        shape::circle(p, centre + at(0.01, 0.02), 0.85 * size)
    });
    for petal in 0..petals {
        let turn = Turn::by(start + petal as f32 * TAU / petals as f32 + 0.08 * stream.normal());
        let middle = centre + turn.direction() * (0.56 * size);
        let bright = stream.span(0.86, 1.1);
        canvas.fill(
            Bounds::around(middle, 0.6 * size),
            |p| shape::ellipse(turn.undo(p - middle), at(0.0, 0.0), at(0.48 * size, wide * size)),
            |p| {
                let q = turn.undo(p - middle) * (1.0 / size);
                let line = 0.08 * smooth(0.03, 0.01, q.y.abs()) + 0.1 * smooth(-0.1, 0.1, q.y);
                colour.mix(tip, smooth(-0.4, 0.45, q.x)) * (bright - line + 0.3 * q.x)
            },
        );
    }
    let heart = Rgb(0.9, 0.7, 0.25).vary(stream, 0.25);
    let seed = stream.bits32();
    canvas.fill(
        Bounds::around(centre, 0.3 * size),
        |p| shape::circle(p, centre, 0.24 * size),
        |p| {
            let q = (p - centre) * (1.0 / size);
            heart * (0.95 - 1.2 * q.y + 0.4 * noise(seed, q * 22.0))
        },
    );
}
