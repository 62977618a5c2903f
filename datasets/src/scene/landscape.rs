//! Sky, mountains that fade with distance, meadows or ploughed fields in perspective, trees.

use super::canvas::Canvas;
use super::colour::{Rgb, hex};
use super::field::{fractal, noise, ridge};
use super::plant;
use super::point::{Bounds, at, smooth};
use super::sky::Sky;
use crate::random::Stream;

const ROCKS: [u32; 5] = [0x5b5a56, 0x6a5444, 0x4d5b63, 0x7c6a58, 0x3f4d44];
const GRASSES: [u32; 7] = [0x5f7f3a, 0x7d8b42, 0xa89a4f, 0x4d6b3c, 0xb58a4a, 0x88643c, 0x6f9a58];
const LEAVES: [u32; 6] = [0x3d5a34, 0x2f4a3a, 0x5a6e32, 0xb0692c, 0xc79a35, 0x49703f];

pub fn draw(canvas: &mut Canvas, stream: &mut Stream) {
    let horizon = stream.span(0.42, 0.68);
    let sky = Sky::random(stream, canvas.aspect, horizon);
    sky.paint(canvas);
    mountains(canvas, stream, &sky);
    ground(canvas, stream, &sky);
    trees(canvas, stream, &sky);
}

fn mountains(canvas: &mut Canvas, stream: &mut Stream, sky: &Sky) {
    let layers = 2 + stream.below(3);
    let snow = stream.chance(0.45);
    for layer in 0..layers {
        let near = (layer + 1) as f32 / layers as f32;
        let seed = stream.bits32();
        let rock = hex(*stream.pick(&ROCKS))
            .mix(hex(*stream.pick(&LEAVES)), 0.7 * near)
            .vary(stream, 0.1);
        let peak = sky.level * stream.span(0.32, 0.62) * (1.2 - 0.75 * near);
        let wide = stream.span(1.2, 2.4) * (0.7 + 0.6 * near);
        let base = sky.level + 0.02;
        let top = canvas.profile(|x| base - peak * (0.55 + 0.8 * ridge(seed, x * wide, 6)));
        let air = 0.75 * (1.0 - near) + 0.12;
        canvas.fill(
            Bounds::new(-1.0, 0.0, 1e3, base + 0.02),
            |p| (top.at(p.x) - p.y) * 0.7,
            |p| {
                // Light from the left: the slope of a rugged field that stretches downhill.
                let q = at(p.x * 9.0, (p.y - 0.35 * p.x) * 5.0);
                let slope = fractal(seed ^ 1, q, 4) - fractal(seed ^ 1, q + at(0.25, 0.08), 4);
                let down = (p.y - top.at(p.x)) / peak;
                let cap = snow && near < 0.7;
                let white = if cap {
                    smooth(0.42, 0.1, down + 0.5 * fractal(seed ^ 2, q * 1.3, 3))
                } else {
                    0.0
                };
                let surface = rock.mix(Rgb(0.95, 0.96, 1.0), white) * (0.85 + 1.5 * slope);
                sky.through_air(surface, (air + 0.3 * down.max(0.0) * (1.0 - near)).min(1.0))
            },
        );
    }
}

fn ground(canvas: &mut Canvas, stream: &mut Stream, sky: &Sky) {
    let seed = stream.bits32();
    let (near, far) = (
        hex(*stream.pick(&GRASSES)).vary(stream, 0.15),
        hex(*stream.pick(&GRASSES)).vary(stream, 0.15),
    );
    let ploughed = stream.chance(0.4);
    let rows = stream.span(2.5, 6.0);
    let vanish = canvas.aspect * stream.span(0.1, 0.9);
    let path = stream.chance(0.5);
    let texel = canvas.texel;
    let level = sky.level;
    let edge = canvas.profile(|x| level + 0.02 * ridge(seed ^ 5, x * 2.0, 3));
    canvas.fill(
        Bounds::new(-1.0, level - 0.1, 1e3, 2.0),
        |p| edge.at(p.x) - p.y,
        |p| {
            let depth = (p.y - level).max(0.004);
            let across = (p.x - vanish) / (depth + 0.02);
            let away = 0.25 / (depth + 0.02);
            let patches = fractal(seed, at(across * 0.6, away * 1.2), 4);
            let mut colour = near.mix(far, smooth(-0.3, 0.4, patches + 0.35 - 1.2 * depth));
            // Detail finer than a few texels fades instead of flickering.
            let fine = smooth(0.01, 0.12, depth - 3.0 * texel);
            let blades = noise(seed ^ 1, at(across * 26.0, away * 14.0)) + noise(seed ^ 2, at(p.x * 90.0, p.y * 24.0));
            colour = colour * (0.95 + 0.28 * fine * blades);
            if ploughed {
                let phase = (across * rows + 0.15 * patches).fract().abs();
                let furrow = smooth(0.15, 0.4, (phase - 0.5).abs());
                colour = colour.mix(colour.tint(Rgb(0.6, 0.5, 0.4)), 0.75 * furrow * smooth(0.0, 0.1, depth));
            }
            if path {
                let middle = 0.5 * ridge(seed ^ 8, away * 0.5, 2);
                let on = smooth(0.24, 0.18, (across - middle).abs());
                let dust = Rgb(0.72, 0.63, 0.5) * (0.9 + 0.2 * fine * blades);
                colour = colour.mix(dust, 0.85 * on);
            }
            sky.through_air(colour, smooth(0.14, 0.0, depth) * 0.6)
        },
    );
}

fn trees(canvas: &mut Canvas, stream: &mut Stream, sky: &Sky) {
    let count = 2 + stream.below(12);
    let firs = stream.chance(0.5);
    let colour = hex(*stream.pick(&LEAVES));
    let mut feet: Vec<f32> = (0..count)
        .map(|_| {
            let far = stream.unit_f32();
            0.015 + 0.42 * far * far * far
        })
        .collect();
    feet.sort_by(f32::total_cmp);
    for depth in feet {
        let foot = at(canvas.aspect * stream.span(-0.05, 1.05), sky.level + depth);
        let height = (0.08 + 1.15 * depth) * stream.span(0.8, 1.25);
        let leaf = sky.through_air(colour.vary(stream, 0.25), smooth(0.1, 0.0, depth) * 0.5);
        let spot = at(foot.x + 0.15 * height, foot.y);
        let half = at(0.4 * height, 0.05 * height);
        canvas.shadow(Bounds::around(spot, 0.6 * height), 0.45, 0.02 * height, |p| {
            super::shape::ellipse(p, spot, half)
        });
        if firs {
            plant::fir(canvas, stream, foot, height, leaf);
        } else {
            plant::broadleaf(canvas, stream, foot, height * 0.9, leaf);
        }
    }
}
