//! A wall seen close: bricks, boards or plaster, a window and a door with their shadows, ivy, a sign, a slanting light.

use super::canvas::Canvas;
use super::colour::{Palette, Rgb, hex};
use super::field::{fractal, noise};
use super::glyph;
use super::point::{Bounds, Point, Turn, at, smooth};
use super::shape;
use super::texture::{BUILT, Texture};
use crate::random::Stream;

pub fn draw(canvas: &mut Canvas, stream: &mut Stream) {
    let palette = Palette::random(stream);
    let wall = Texture::random(stream, &palette, &BUILT, [0.09, 0.24], canvas.texel).level();
    let seed = stream.bits32();
    canvas.paint(|p| {
        let damp = fractal(seed, at(p.x * 3.0, p.y * 1.3), 4);
        wall.at(p) * (0.95 + 0.22 * damp)
    });
    let count = 1 + stream.below(3);
    let pitch = canvas.aspect / count as f32;
    for place in 0..count {
        let middle = pitch * (place as f32 + 0.5) + 0.1 * pitch * stream.span(-1.0, 1.0);
        let half = at(pitch * stream.span(0.2, 0.34), stream.span(0.14, 0.24));
        if stream.chance(0.35) {
            door(canvas, stream, &palette, middle, half.x.min(0.2));
        } else {
            let centre = at(middle, stream.span(0.3, 0.55));
            window(canvas, stream, &palette, centre, half);
        }
    }
    if stream.chance(0.5) {
        sign(canvas, stream, &palette);
    }
    if stream.chance(0.6) {
        ivy(canvas, stream);
    }
    slanting_light(canvas, stream);
}

fn window(canvas: &mut Canvas, stream: &mut Stream, palette: &Palette, centre: Point, half: Point) {
    let frame = palette.lightest().vary(stream, 0.1);
    let (sky, dark) = (hex(0xa9c4d6).vary(stream, 0.2), hex(0x1d2530).vary(stream, 0.2));
    let curtain = palette.any(stream);
    let drawn = stream.span(0.0, 0.45);
    let seed = stream.bits32();
    let bounds = Bounds::new(
        centre.x - half.x - 0.1,
        centre.y - half.y - 0.1,
        centre.x + half.x + 0.1,
        centre.y + half.y + 0.12,
    );
    let outer = half + at(0.022, 0.022);
    canvas.shadow(bounds, 0.5, 0.02, |p| {
        shape::rectangle(p, centre + at(0.018, 0.022), outer, 0.0)
    });
    canvas.fill(
        bounds,
        |p| shape::rectangle(p, centre, outer, 0.004),
        |p| frame * (1.0 - 0.2 * (p.y - centre.y)),
    );
    let panes = at((1 + stream.below(3)) as f32, (1 + stream.below(3)) as f32);
    canvas.fill(
        bounds,
        |p| {
            let q = at(
                (p.x - centre.x + half.x) / (2.0 * half.x) * panes.x,
                (p.y - centre.y + half.y) / (2.0 * half.y) * panes.y,
            );
            let from_bar = at(
                (0.5 - (q.x - (q.x as i32) as f32 - 0.5).abs()) * 2.0 * half.x / panes.x,
                (0.5 - (q.y - (q.y as i32) as f32 - 0.5).abs()) * 2.0 * half.y / panes.y,
            );
            shape::rectangle(p, centre, half, 0.0).max(0.007 - from_bar.x.min(from_bar.y))
        },
        |p| {
            let mirrored = smooth(
                -0.25,
                0.3,
                fractal(seed, at(p.x * 4.0 + p.y * 2.0, p.y * 6.0), 3) - (p.y - centre.y) * 2.0,
            );
            let glass = dark.mix(sky, 0.75 * mirrored);
            let inwards = 1.0 - ((p.x - centre.x) / half.x).abs();
            let folds = 0.8 + 0.25 * libm::sinf(p.x * 160.0 + 3.0 * noise(seed, p * 6.0));
            glass.mix(curtain * folds, if inwards < drawn { 0.8 } else { 0.0 })
        },
    );
    let sill = centre + at(0.0, outer.y + 0.012);
    canvas.shadow(bounds, 0.45, 0.018, |p| {
        shape::rectangle(p, sill + at(0.008, 0.022), at(outer.x + 0.02, 0.012), 0.0)
    });
    canvas.fill(
        bounds,
        |p| shape::rectangle(p, sill, at(outer.x + 0.02, 0.012), 0.004),
        |_| frame * 0.88,
    );
}

fn door(canvas: &mut Canvas, stream: &mut Stream, palette: &Palette, middle: f32, half: f32) {
    let paint = palette.any(stream);
    let frame = palette.darkest();
    let top = stream.span(0.25, 0.42);
    let panels = 2 + stream.below(3);
    let seed = stream.bits32();
    let bounds = Bounds::new(middle - half - 0.08, top - 0.08, middle + half + 0.1, 1.1);
    canvas.shadow(bounds, 0.5, 0.03, |p| {
        shape::sheet(p, middle - half, top, middle + half + 0.03, 1.2)
    });
    canvas.fill(
        bounds,
        |p| shape::sheet(p, middle - half - 0.025, top - 0.025, middle + half + 0.025, 1.2),
        |_| frame,
    );
    canvas.fill(
        bounds,
        |p| shape::sheet(p, middle - half, top, middle + half, 1.2),
        |p| paint * (0.95 + 0.14 * noise(seed, at(p.x * 60.0, p.y * 5.0))),
    );
    let step = (1.0 - top) / panels as f32;
    for row in 0..panels {
        for side in [-0.5, 0.5] {
            let centre = at(middle + side * half, top + step * (row as f32 + 0.5));
            let size = at(0.36 * half, 0.36 * step);
            // A panel is an edge lit from above on one side and dark on the other.
            canvas.change(bounds, |p, under| {
                let d = shape::rectangle(p, centre, size, 0.006).abs();
                let above = if p.y < centre.y { 0.72 } else { 1.25 };
                under * (1.0 + (above - 1.0) * smooth(0.012, 0.004, d))
            });
        }
    }
    let knob = at(middle + 0.82 * half, 0.5 * (top + 1.05));
    canvas.fill(
        bounds,
        |p| shape::circle(p, knob, 0.014),
        |p| Rgb(0.85, 0.7, 0.35) * (1.0 - 20.0 * (p.y - knob.y)),
    );
}

fn sign(canvas: &mut Canvas, stream: &mut Stream, palette: &Palette) {
    let board = palette.any(stream);
    let ink = if board.grey() > 0.5 {
        palette.darkest()
    } else {
        palette.lightest()
    };
    let half = at(canvas.aspect * stream.span(0.18, 0.36), stream.span(0.045, 0.075));
    let centre = at(canvas.aspect * stream.span(0.35, 0.65), stream.span(0.1, 0.16));
    let bounds = Bounds::around(centre, half.x + 0.05);
    canvas.shadow(bounds, 0.5, 0.02, |p| {
        shape::rectangle(p, centre + at(0.012, 0.018), half, 0.01)
    });
    canvas.fill(
        bounds,
        |p| shape::rectangle(p, centre, half, 0.012),
        |p| board * (1.05 - 0.8 * (p.y - centre.y)),
    );
    canvas.fill(
        bounds,
        |p| (shape::rectangle(p, centre, half * 0.93, 0.01)).abs() - 0.003,
        |_| ink,
    );
    let from = at(centre.x - 0.85 * half.x, centre.y - 0.5 * half.y);
    glyph::line(canvas, stream, from, half.y, 1.7 * half.x, ink);
}

fn ivy(canvas: &mut Canvas, stream: &mut Stream) {
    let green = hex(0x4f7a3a).vary(stream, 0.3);
    let left = stream.chance(0.5);
    let reach = stream.span(0.15, 0.45);
    for _ in 0..160 {
        let inward = stream.unit_f32() * stream.unit_f32();
        let x = if left {
            inward * reach
        } else {
            canvas.aspect - inward * reach
        };
        let centre = at(x, stream.unit_f32());
        let size = stream.span(0.018, 0.04);
        let turn = Turn::random(stream);
        let colour = green.vary(stream, 0.35) * (1.1 - 0.5 * inward);
        let bounds = Bounds::around(centre, size * 1.3);
        canvas.shadow(bounds, 0.35, 0.5 * size, |p| {
            shape::circle(p, centre + at(0.004, 0.008), 0.8 * size)
        });
        canvas.fill(
            bounds,
            |p| shape::leaf(turn.undo(p - centre), size, 0.55 * size),
            |p| {
                let q = turn.undo(p - centre);
                colour * (if q.y > 0.0 { 1.12 } else { 0.88 })
            },
        );
    }
}

/// Half of the wall in the shadow of something across the street.
fn slanting_light(canvas: &mut Canvas, stream: &mut Stream) {
    let turn = Turn::by(stream.span(-1.2, 1.2));
    let edge = stream.span(-0.4, 0.4);
    let middle = at(canvas.aspect * 0.5, 0.5);
    let strength = stream.span(0.0, 0.5);
    canvas.shadow(Bounds::ALL, strength, 0.012, |p| turn.undo(p - middle).y - edge);
}
