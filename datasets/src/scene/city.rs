//! A street: a far skyline, houses with windows, roofs and signs, a road that runs to a vanishing point, trees and lamps.

use super::canvas::Canvas;
use super::colour::{Palette, Rgb, hex};
use super::field::{floor, fractal, fraction, noise, uniform};
use super::glyph;
use super::plant;
use super::point::{Bounds, at, smooth};
use super::shape;
use super::sky::Sky;
use crate::random::Stream;

pub fn draw(canvas: &mut Canvas, stream: &mut Stream) {
    let level = stream.span(0.68, 0.84);
    let sky = Sky::random(stream, canvas.aspect, level);
    sky.paint(canvas);
    skyline(canvas, stream, &sky);
    let palette = Palette::random(stream);
    let mut left = -0.05;
    while left < canvas.aspect {
        let width = stream.span(0.14, 0.42);
        let top = level - stream.span(0.2, 0.62);
        house(canvas, stream, &sky, &palette, [left, top, left + width, level]);
        left += width
            + if stream.chance(0.3) {
                stream.span(0.02, 0.1)
            } else {
                0.0
            };
    }
    road(canvas, stream, &sky);
    for _ in 0..stream.below(4) {
        let foot = at(canvas.aspect * stream.unit_f32(), level + stream.span(0.0, 0.05));
        let leaf = hex(0x4d6b3c).vary(stream, 0.4).tint(sky.light);
        let height = stream.span(0.2, 0.42);
        plant::broadleaf(canvas, stream, foot, height, leaf);
    }
    for _ in 0..stream.below(3) {
        lamp(canvas, stream, level);
    }
}

fn skyline(canvas: &mut Canvas, stream: &mut Stream, sky: &Sky) {
    for layer in 0..2 {
        let seed = stream.bits32();
        let wide = stream.span(9.0, 16.0);
        let wall = Rgb(0.36, 0.38, 0.42).vary(stream, 0.2);
        let air = 0.72 - 0.2 * layer as f32;
        let level = sky.level;
        canvas.fill(
            Bounds::new(-1.0, 0.0, 1e3, level),
            |p| {
                let block = floor(p.x * wide);
                level - 0.12 - (0.42 - 0.1 * layer as f32) * uniform(seed, block, 0) - p.y
            },
            |p| {
                let lit = uniform(seed ^ 1, floor(p.x * wide * 5.0), floor(p.y * 60.0)) > 0.6;
                sky.through_air(if lit { wall * 1.5 } else { wall }, air)
            },
        );
    }
}

fn house(canvas: &mut Canvas, stream: &mut Stream, sky: &Sky, palette: &Palette, [left, top, right, foot]: [f32; 4]) {
    let seed = stream.bits32();
    let wall = palette
        .any(stream)
        .mix(Rgb(0.7, 0.66, 0.6), 0.35)
        .vary(stream, 0.15)
        .tint(sky.light);
    let trim = palette.lightest().tint(sky.light);
    let glass = sky.zenith.mix(Rgb(0.1, 0.12, 0.16), stream.span(0.3, 0.85));
    let lamp = Rgb(1.0, 0.85, 0.5);
    let lit = if sky.light.grey() < 0.7 { 0.5 } else { 0.06 };
    let columns = (2 + stream.below(4)) as f32;
    let floors = ((foot - top) / stream.span(0.1, 0.16)).max(1.5) as i32 as f32;
    let (wide, high) = (stream.span(0.25, 0.38), stream.span(0.25, 0.36));
    let arched = stream.chance(0.25);
    let bounds = Bounds::new(left, top - 0.2, right, foot);

    if stream.chance(0.4) {
        let roof = hex(0x8a4b3a).vary(stream, 0.4).tint(sky.light);
        let peak = at(0.5 * (left + right), top - stream.span(0.06, 0.16));
        let corners = [at(left - 0.015, top), peak, at(right + 0.015, top)];
        canvas.fill(
            Bounds::new(left - 0.02, top - 0.2, right + 0.02, top),
            |p| shape::polygon(p, &corners),
            |p| roof * (0.85 + 0.25 * fraction(p.y * 45.0) + 0.15 * noise(seed, p * 40.0)),
        );
    }
    canvas.fill(
        bounds,
        |p| shape::sheet(p, left, top, right, foot),
        |p| {
            let side = 1.08 - 0.28 * (p.x - left) / (right - left);
            let stain = 0.12 * fractal(seed ^ 1, at(p.x * 14.0, p.y * 5.0), 4);
            let joint = if fraction(p.y * 28.0) < 0.12 { 0.94 } else { 1.0 };
            wall * ((side + stain) * joint)
        },
    );
    let pitch = at((right - left) / columns, (foot - top) / floors);
    canvas.change(bounds, |p, wall| {
        let place = at((p.x - left) / pitch.x, (p.y - top) / pitch.y);
        if p.y < top || p.y > foot {
            return wall;
        }
        let (column, storey) = (floor(place.x), floor(place.y));
        let q = at(
            (fraction(place.x) - 0.5) * pitch.x,
            (fraction(place.y) - 0.48) * pitch.y,
        );
        let half = at(wide * pitch.x, high * pitch.y);
        let mut pane = shape::rectangle(q, at(0.0, 0.0), half, 0.0);
        if arched {
            pane = pane.max(shape::ellipse(q, at(0.0, half.y), at(half.x * 1.15, half.y * 2.0)));
        }
        let blur = canvas_soft(pitch.y);
        let frame = 1.0 - smooth(-blur, blur, pane - 0.012);
        let inner = 1.0 - smooth(-blur, blur, pane);
        let bars = smooth(0.006, 0.003, q.x.abs()).max(smooth(0.006, 0.003, (q.y + 0.2 * half.y).abs()));
        let sheen = 0.75 + 0.5 * smooth(-0.2, 0.2, (q.x + q.y) / pitch.y + uniform(seed, column, storey) - 0.5);
        let mut look = glass * sheen;
        if uniform(seed ^ 2, column, storey) < lit {
            look = lamp * (0.8 + 0.2 * sheen);
        }
        wall.mix(trim, frame).mix(look.mix(trim * 0.8, 0.8 * bars), inner)
    });
    if stream.chance(0.35) {
        let sign = palette.any(stream);
        let box_bounds = Bounds::new(left + 0.02, foot - 0.1, right - 0.02, foot - 0.05);
        canvas.fill(
            box_bounds,
            |p| shape::sheet(p, left + 0.02, foot - 0.1, right - 0.02, foot - 0.05),
            |_| sign,
        );
        let ink = if sign.grey() > 0.5 {
            palette.darkest()
        } else {
            palette.lightest()
        };
        glyph::line(
            canvas,
            stream,
            at(left + 0.035, foot - 0.09),
            0.03,
            right - left - 0.07,
            ink,
        );
    }
}

/// The width over which a window's edge is smoothed.
fn canvas_soft(pitch: f32) -> f32 {
    0.02 * pitch
}

fn road(canvas: &mut Canvas, stream: &mut Stream, sky: &Sky) {
    let seed = stream.bits32();
    let vanish = canvas.aspect * stream.span(0.2, 0.8);
    let asphalt = Rgb(0.3, 0.3, 0.32).vary(stream, 0.15).tint(sky.light);
    let stone = Rgb(0.62, 0.6, 0.56).vary(stream, 0.15).tint(sky.light);
    let slabs = stream.span(2.0, 4.0);
    let level = sky.level;
    canvas.fill(
        Bounds::new(-1.0, level - 0.01, 1e3, 2.0),
        |p| level - p.y,
        |p| {
            let depth = p.y - level + 0.03;
            let (across, away) = ((p.x - vanish) / depth, 0.3 / depth);
            let grain = 0.1 * noise(seed, at(across * 14.0, away * 30.0)) + 0.08 * noise(seed ^ 1, p * 70.0);
            let seams =
                smooth(0.06, 0.03, fraction(across * slabs)).max(smooth(0.08, 0.04, fraction(away * slabs * 1.5)));
            let pavement = stone * (1.0 + grain - 0.3 * seams * smooth(0.03, 0.1, depth));
            let dash = if fraction(away * 1.6) < 0.5 { 1.0 } else { 0.0 };
            let mark = smooth(0.09, 0.06, (across - 0.1).abs()) * dash;
            let lane = asphalt.mix(Rgb(0.9, 0.88, 0.8).tint(sky.light), 0.85 * mark) * (1.0 + 1.4 * grain);
            let kerb = smooth(1.25, 1.2, across.abs());
            pavement.mix(lane, kerb)
        },
    );
    canvas.shadow(Bounds::new(-1.0, level - 0.02, 1e3, level + 0.06), 0.4, 0.03, |p| {
        p.y - level - 0.01
    });
}

fn lamp(canvas: &mut Canvas, stream: &mut Stream, level: f32) {
    let foot = at(canvas.aspect * stream.unit_f32(), level + stream.span(0.04, 0.14));
    let top = at(foot.x, foot.y - stream.span(0.35, 0.55));
    let arm = at(top.x + if stream.chance(0.5) { 0.07 } else { -0.07 }, top.y - 0.01);
    let iron = Rgb(0.13, 0.14, 0.16);
    let bounds = Bounds::new(foot.x - 0.1, top.y - 0.05, foot.x + 0.1, foot.y);
    canvas.fill(
        bounds,
        |p| (shape::segment(p, foot, top) - 0.006).min(shape::segment(p, top, arm) - 0.005),
        |_| iron,
    );
    canvas.fill(
        bounds,
        |p| shape::ellipse(p, arm, at(0.022, 0.012)),
        |_| Rgb(1.0, 0.95, 0.8),
    );
}
