//! Printed matter: paper with columns of writing, headlines, bands, circles, a small picture, slightly turned and creased.

use std::f32::consts::TAU;

use super::canvas::Canvas;
use super::colour::{Palette, Rgb};
use super::field::{fractal, noise};
use super::glyph;
use super::point::{Bounds, Point, Turn, at, smooth};
use super::shape;
use super::texture::{PRINTED, Texture};
use crate::random::Stream;

pub fn draw(canvas: &mut Canvas, stream: &mut Stream) {
    let palette = Palette::random(stream);
    let light_paper = stream.chance(0.65);
    let (paper, ink) = if light_paper {
        (palette.lightest().mix(Rgb::WHITE, 0.4), palette.darkest() * 0.7)
    } else {
        (palette.darkest(), palette.lightest())
    };
    canvas.paint(|_| paper);
    shapes(canvas, stream, &palette);
    let mut y = stream.span(0.03, 0.1);
    while y < 0.95 {
        let height = match stream.below(4) {
            0 => stream.span(0.09, 0.17),
            1 => stream.span(0.055, 0.085),
            _ => stream.span(0.034, 0.055),
        };
        let margin = canvas.aspect * stream.span(0.03, 0.12);
        match stream.below(6) {
            0 => {
                band(canvas, stream, &palette, y, height);
                y += height * 1.3;
            }
            1 => {
                let side = stream.span(0.18, 0.34);
                picture(canvas, stream, &palette, at(margin, y), side);
                let beside = margin + side * 1.3 + 0.04;
                let mut row = y;
                while row + 0.05 < y + side {
                    glyph::line(
                        canvas,
                        stream,
                        at(beside, row),
                        0.036,
                        canvas.aspect - beside - margin,
                        ink,
                    );
                    row += 0.056;
                }
                y += side + 0.04;
            }
            _ => {
                let colour = if stream.chance(0.7) { ink } else { palette.any(stream) };
                let length = (canvas.aspect - 2.0 * margin) * stream.span(0.55, 1.0);
                glyph::line(canvas, stream, at(margin, y), height, length, colour);
                y += height * 1.5;
            }
        }
    }
    age(canvas, stream);
}

fn shapes(canvas: &mut Canvas, stream: &mut Stream, palette: &Palette) {
    for _ in 0..2 + stream.below(5) {
        let fabric = Texture::random(stream, palette, &PRINTED, [0.04, 0.12], canvas.texel);
        let centre = at(canvas.aspect * stream.unit_f32(), stream.unit_f32());
        let size = stream.span(0.08, 0.32);
        let turn = Turn::random(stream);
        let bounds = Bounds::around(centre, 1.5 * size);
        let colour = |p: Point| fabric.at(p);
        match stream.below(4) {
            0 => canvas.fill(bounds, |p| shape::circle(p, centre, size), colour),
            1 => canvas.fill(bounds, |p| shape::circle(p, centre, size).abs() - 0.14 * size, colour),
            2 => canvas.fill(
                bounds,
                |p| shape::rectangle(turn.undo(p - centre), at(0.0, 0.0), at(size, 0.45 * size), 0.0),
                colour,
            ),
            _ => {
                let corners = [0.0, TAU / 3.0, TAU / 1.5].map(|a| centre + Turn::by(a).direction() * size);
                canvas.fill(bounds, |p| shape::polygon(p, &corners), colour);
            }
        }
    }
}

fn band(canvas: &mut Canvas, stream: &mut Stream, palette: &Palette, y: f32, height: f32) {
    let (ground, writing) = palette.two(stream);
    canvas.fill(
        Bounds::new(-1.0, y, 1e3, y + height),
        |p| (p.y - y - 0.5 * height).abs() - 0.5 * height,
        |_| ground,
    );
    let from = at(canvas.aspect * stream.span(0.03, 0.3), y + 0.22 * height);
    glyph::line(
        canvas,
        stream,
        from,
        0.56 * height,
        canvas.aspect - from.x - 0.04,
        writing,
    );
}

/// A small printed landscape: bands of hills under a sun.
fn picture(canvas: &mut Canvas, stream: &mut Stream, palette: &Palette, corner: Point, side: f32) {
    let seed = stream.bits32();
    let sun = corner + at(side * stream.span(0.3, 1.0), side * stream.span(0.2, 0.45));
    let colours = &palette.0;
    let bounds = Bounds::new(corner.x, corner.y, corner.x + 1.3 * side, corner.y + side);
    canvas.fill(
        bounds,
        |p| shape::sheet(p, corner.x, corner.y, corner.x + 1.3 * side, corner.y + side),
        |p| {
            let q = (p - corner) * (1.0 / side);
            let mut colour = colours[0].mix(colours[1], q.y);
            if shape::circle(p, sun, 0.14 * side) < 0.0 {
                colour = colours[2];
            }
            for layer in 0..3u32 {
                let hill = 0.5 + 0.16 * layer as f32 + 0.2 * noise(seed ^ layer, at(q.x * 2.2, 0.3));
                if q.y > hill {
                    colour = colours[3 + layer as usize % 3] * (1.0 - 0.12 * layer as f32);
                }
            }
            colour
        },
    );
}

/// Creases, stains and the shade of a bent sheet.
fn age(canvas: &mut Canvas, stream: &mut Stream) {
    let seed = stream.bits32();
    let turn = Turn::random(stream);
    let (fold, bend) = (stream.span(-0.3, 0.3), stream.span(0.0, 0.25));
    let middle = at(canvas.aspect * 0.5, 0.5);
    canvas.change(Bounds::ALL, |p, under| {
        let q = turn.undo(p - middle);
        let crease = smooth(0.012, 0.0, (q.x - fold).abs()) * if q.x > fold { 0.12 } else { -0.12 };
        let stain = 0.1 * fractal(seed, p * 2.5, 4);
        under * (1.0 + crease + stain + bend * q.y)
    });
}
