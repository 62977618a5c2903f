//! The sea under a sky: waves in perspective that mirror it, the sun's glitter, islands, sails and a beach.

use super::canvas::Canvas;
use super::colour::{Palette, Rgb, hex};
use super::field::{fractal, noise, ridge};
use super::point::{Bounds, Point, at, smooth};
use super::shape;
use super::sky::Sky;
use crate::random::Stream;

const SEAS: [u32; 5] = [0x1f4e5f, 0x17636b, 0x2b4a6f, 0x3b6e63, 0x27405a];
const SANDS: [u32; 3] = [0xd9c39a, 0xb99d77, 0xe6d8bd];

pub fn draw(canvas: &mut Canvas, stream: &mut Stream) {
    let level = stream.span(0.35, 0.6);
    let sky = Sky::random(stream, canvas.aspect, level);
    sky.paint(canvas);
    islands(canvas, stream, &sky);
    sea(canvas, stream, &sky);
    let palette = Palette::random(stream);
    let mut boats: Vec<f32> = (0..stream.below(5)).map(|_| stream.span(0.01, 0.28)).collect();
    boats.sort_by(f32::total_cmp);
    for depth in boats {
        let keel = at(canvas.aspect * stream.span(0.08, 0.92), level + depth);
        boat(canvas, stream, &palette, keel, 0.1 + 0.9 * depth);
    }
    if stream.chance(0.7) {
        beach(canvas, stream, &sky);
    }
}

fn islands(canvas: &mut Canvas, stream: &mut Stream, sky: &Sky) {
    for _ in 0..stream.below(3) {
        let seed = stream.bits32();
        let (middle, half) = (canvas.aspect * stream.unit_f32(), stream.span(0.12, 0.5));
        let height = stream.span(0.04, 0.16);
        let rock = Rgb(0.32, 0.34, 0.28).vary(stream, 0.2);
        let air = stream.span(0.2, 0.65);
        let level = sky.level;
        let top = canvas.profile(|x| {
            let off = (x - middle) / half;
            level - height * ((1.0 - off * off) * (0.8 + 0.5 * ridge(seed, x * 7.0, 4))).max(-0.2)
        });
        canvas.fill(
            Bounds::new(middle - half * 1.2, 0.0, middle + half * 1.2, level + 0.01),
            |p| (top.at(p.x) - p.y) * 0.6,
            |p| sky.through_air(rock * (0.9 + 0.7 * fractal(seed ^ 2, p * 22.0, 3)), air),
        );
    }
}

fn sea(canvas: &mut Canvas, stream: &mut Stream, sky: &Sky) {
    let seed = stream.bits32();
    let deep = hex(*stream.pick(&SEAS)).vary(stream, 0.12).tint(sky.light);
    let rough = stream.span(0.4, 1.1);
    let level = sky.level;
    let above = canvas.clone();
    canvas.fill(
        Bounds::new(-1.0, level - 0.01, 1e3, 2.0),
        |p| level - p.y,
        |p| {
            let depth = p.y - level + 0.012;
            let wave = at((p.x - 0.5) / depth * 1.3, 0.55 / depth);
            let swell = fractal(seed, at(wave.x * 0.5, wave.y * 1.7), 4);
            let chop = fractal(seed ^ 1, at(wave.x * 2.0, wave.y * 5.0), 2) * smooth(0.0, 0.12, depth);
            let tilt = rough * (swell + 0.6 * chop);
            // A tilted face mirrors a higher or lower piece of the sky.
            let height = (p.y - level) * 1.1 + 0.14 * tilt;
            let mirrored = above.look(at(p.x + 0.04 * tilt, (level - height).clamp(0.0, level - 0.01)));
            let mirror = (0.25 + 0.6 * smooth(0.35, 0.0, depth) + 0.35 * tilt).clamp(0.05, 0.95);
            let mut colour = deep * (0.9 + 0.3 * tilt);
            colour = colour.mix(mirrored, mirror * 0.8);
            let column = 1.0 - ((p.x - sky.sun.x) / (0.05 + 0.5 * depth)).abs();
            let glitter = smooth(0.15, 0.5, tilt + 0.35 * column) * column.max(0.0);
            let foam = smooth(0.62, 0.8, tilt) * smooth(0.03, 0.2, depth);
            colour
                .mix(sky.horizon.mix(Rgb::WHITE, 0.5), glitter)
                .mix(Rgb::WHITE.tint(sky.light), 0.7 * foam)
        },
    );
}

fn boat(canvas: &mut Canvas, stream: &mut Stream, palette: &Palette, keel: Point, size: f32) {
    let (hull, sail) = (palette.any(stream), palette.lightest().mix(palette.any(stream), 0.3));
    let side = if stream.chance(0.5) { 1.0 } else { -1.0 };
    let spot = move |x: f32, y: f32| at(keel.x + side * size * x, keel.y + size * y);
    let bounds = Bounds::around(spot(0.0, -0.4), 0.8 * size);
    let body = [spot(-0.42, -0.14), spot(0.5, -0.16), spot(0.34, 0.0), spot(-0.32, 0.0)];
    let main = [spot(0.03, -1.0), spot(0.03, -0.2), spot(-0.4, -0.2)];
    let jib = [spot(0.08, -0.86), spot(0.08, -0.2), spot(0.44, -0.2)];
    let mirror = Bounds::new(keel.x - 0.5 * size, keel.y, keel.x + 0.5 * size, keel.y + 0.25 * size);
    canvas.veil(mirror, hull * 0.4, |p| {
        0.5 * smooth(0.25 * size, 0.0, p.y - keel.y) * smooth(0.45 * size, 0.3 * size, (p.x - keel.x).abs())
    });
    canvas.fill(
        bounds,
        |p| shape::segment(p, spot(0.05, 0.0), spot(0.05, -1.02)) - 0.012 * size,
        |_| hull * 0.5,
    );
    for (cloth, shade) in [(main, 1.0), (jib, 0.86)] {
        canvas.fill(
            bounds,
            |p| shape::polygon(p, &cloth),
            |p| sail * (shade - 0.35 * side * (p.x - keel.x) / size),
        );
    }
    canvas.fill(
        bounds,
        |p| shape::polygon(p, &body),
        |p| hull * (1.0 - 2.0 * (p.y - keel.y + 0.1 * size) / size),
    );
}

fn beach(canvas: &mut Canvas, stream: &mut Stream, sky: &Sky) {
    let seed = stream.bits32();
    let sand = hex(*stream.pick(&SANDS)).vary(stream, 0.1).tint(sky.light);
    let (start, slope) = (stream.span(0.74, 0.95), stream.span(-0.18, 0.18));
    let middle = canvas.aspect * 0.5;
    let line = canvas.profile(|x| start + slope * (x - middle) + 0.03 * ridge(seed, x * 2.5, 3));
    let bounds = Bounds::new(-1.0, 0.5, 1e3, 2.0);
    canvas.veil(bounds, Rgb(0.95, 0.97, 0.96).tint(sky.light), |p| {
        let off = p.y - line.at(p.x) + 0.035;
        0.85 * smooth(0.03, 0.0, off.abs() + 0.02 * noise(seed ^ 3, p * 30.0))
    });
    canvas.fill(
        bounds,
        |p| line.at(p.x) - p.y,
        |p| {
            let inland = p.y - line.at(p.x);
            let wet = smooth(0.1, 0.0, inland + 0.03 * noise(seed ^ 1, p * 8.0));
            let grain = 0.16 * noise(seed ^ 2, p * 85.0) + 0.2 * fractal(seed ^ 4, at(p.x * 9.0, p.y * 26.0), 3);
            sand * ((1.0 + grain * (1.0 - 0.7 * wet)) * (1.0 - 0.35 * wet))
        },
    );
}
