//! Writing nobody can read: strokes on a 3 x 5 lattice, in words and lines. Thin strokes at all angles are what blur and
//! noise destroy first.

use super::canvas::Canvas;
use super::colour::Rgb;
use super::point::{Bounds, Point, at};
use super::shape;
use crate::random::Stream;

/// A line of writing from its left upper corner, letters `height` tall, no longer than `length`.
pub fn line(canvas: &mut Canvas, stream: &mut Stream, from: Point, height: f32, length: f32, ink: Rgb) {
    let bold = height * stream.span(0.06, 0.13);
    let slant = stream.span(-0.05, 0.25);
    let mut x = 0.0;
    let mut left_in_word = 2 + stream.below(7);
    while x + 0.7 * height < length {
        if left_in_word == 0 {
            x += 0.5 * height;
            left_in_word = 2 + stream.below(7);
            continue;
        }
        let wide = height * stream.span(0.36, 0.62);
        letter(canvas, stream, from + at(x, 0.0), at(wide, height), bold, slant, ink);
        x += wide + 0.24 * height;
        left_in_word -= 1;
    }
}

/// One letter: two to four strokes between lattice points, or a bowl.
fn letter(canvas: &mut Canvas, stream: &mut Stream, corner: Point, size: Point, bold: f32, slant: f32, ink: Rgb) {
    let spot = |column: usize, row: usize| {
        let (x, y) = (column as f32 / 2.0, row as f32 / 4.0);
        corner + at(x * size.x + slant * (1.0 - y) * size.y * 0.5, y * size.y)
    };
    let mut strokes = Vec::new();
    if stream.chance(0.75) {
        strokes.push((spot(0, 0), spot(0, 4)));
    }
    let more = 1 + stream.below(3);
    for _ in 0..more {
        let row = 2 * stream.below(3);
        strokes.push(match stream.below(5) {
            0 => (spot(2, 0), spot(2, 4)),
            1 => (spot(0, 0), spot(2, 4)),
            2 => (spot(0, 4), spot(2, 0)),
            _ => (spot(0, row), spot(2, row)),
        });
    }
    let bowl = stream
        .chance(0.35)
        .then(|| (spot(1, 1 + 2 * stream.below(2)), 0.42 * size.x));
    let bounds = Bounds::new(
        corner.x - bold - 0.1 * size.y,
        corner.y - bold,
        corner.x + size.x + 0.25 * size.y + bold,
        corner.y + size.y + bold,
    );
    canvas.fill(
        bounds,
        |p| {
            let mut nearest = f32::MAX;
            for (a, b) in &strokes {
                nearest = nearest.min(shape::segment(p, *a, *b));
            }
            if let Some((centre, radius)) = bowl {
                nearest = nearest.min(shape::circle(p, centre, radius).abs());
            }
            nearest - bold
        },
        |_| ink,
    );
}
