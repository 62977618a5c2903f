//! Pebbles, cobbles and fallen things on the ground: a mosaic of rounded stones of many colours, some under clear water.

use super::canvas::Canvas;
use super::colour::{Palette, Rgb};
use super::field::{cell, fractal, noise};
use super::point::{Bounds, Turn, at, smooth};
use crate::random::Stream;

pub fn draw(canvas: &mut Canvas, stream: &mut Stream) {
    let palette = Palette::random(stream);
    let seed = stream.bits32();
    let size = stream.span(0.09, 0.3);
    let grey = stream.span(0.1, 0.75);
    let (light, round) = (Turn::random(stream).direction(), stream.span(0.4, 1.3));
    // Seen along the ground, stones shrink towards the top.
    let tilt = if stream.chance(0.5) { stream.span(0.3, 1.1) } else { 0.0 };
    let earth = palette.darkest() * stream.span(0.35, 0.9);
    let texel = canvas.texel;
    let colours = &palette.0;
    canvas.paint(|p| {
        let far = 1.0 + tilt * (1.0 - p.y);
        let place = at((p.x - 0.5) * far, p.y * far * (1.0 + 0.3 * tilt)) * (1.0 / size);
        let bent = place + at(noise(seed ^ 1, place * 1.7), noise(seed ^ 2, place * 1.7)) * 0.16;
        let stone = cell(seed, bent);
        let own = stone.id;
        let tone = 0.7 + 0.5 * ((own >> 8) & 255) as f32 / 255.0;
        let mut colour = colours[(own >> 3) as usize % colours.len()].saturate(1.0 - grey) * tone;
        let q = place * 3.0;
        match own % 4 {
            0 => colour = colour * (1.0 + 0.5 * fractal(own, q * 2.2, 3)),
            1 => {
                let vein = fractal(own, q * 0.5, 3).abs();
                colour = colour.mix(Rgb(0.92, 0.9, 0.86), 0.7 * smooth(0.06, 0.02, vein));
            }
            2 => colour = colour.mix(earth, 0.6 * smooth(0.2, 0.45, noise(own, q * 3.0))),
            _ => colour = colour * (1.0 + 0.15 * noise(own, at(q.x + q.y, q.y - q.x) * 0.9)),
        }
        let soft = 1.5 * texel * far / size;
        let inside = smooth(0.035 - soft, 0.05 + soft, stone.border);
        let bulge = smooth(0.0, 0.22, stone.border);
        let facing = 0.68 + 0.36 * bulge - round * 0.42 * light.dot(stone.offset);
        earth.mix(colour * facing.clamp(0.15, 1.5), inside)
    });
    if stream.chance(0.4) {
        water(canvas, stream);
    }
}

/// A sheet of clear water: a bluish tint, caustic lines of light.
fn water(canvas: &mut Canvas, stream: &mut Stream) {
    let seed = stream.bits32();
    let tint = Rgb(0.72, 0.92, 0.95).vary(stream, 0.08);
    let edge = stream.span(-0.2, 0.5);
    let strength = stream.span(0.25, 0.6);
    canvas.change(Bounds::ALL, |p, under| {
        let wet = smooth(0.0, 0.02, p.y - edge + 0.12 * noise(seed ^ 1, p * 2.2));
        let bent = p + at(noise(seed, p * 5.0), noise(seed ^ 2, p * 5.0)) * 0.05;
        let line = smooth(0.09, 0.0, cell(seed ^ 3, bent * 6.0).border);
        let below = under.tint(tint) * 0.88 + Rgb(0.9, 1.0, 0.95) * (strength * line * line * 0.5);
        under.mix(below, wet)
    });
}
