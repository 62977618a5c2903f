//! Cloth in folds: patches of printed patterns, bent by the folds they are shaded by, with a visible weave and seams.

use super::canvas::Canvas;
use super::colour::Palette;
use super::field::{cell, fractal, fraction};
use super::point::{Point, Turn, at, smooth};
use super::texture::{PRINTED, Texture};
use crate::random::Stream;

pub fn draw(canvas: &mut Canvas, stream: &mut Stream) {
    let palette = Palette::random(stream);
    let patches: Vec<Texture> = (0..2 + stream.below(5))
        .map(|_| Texture::random(stream, &palette, &PRINTED, [0.05, 0.22], canvas.texel))
        .collect();
    let seed = stream.bits32();
    let (wide, deep) = (stream.span(1.2, 2.8), stream.span(0.1, 0.3));
    let turn = Turn::random(stream);
    let quilted = stream.chance(0.5);
    let patch_size = stream.span(0.25, 0.55);
    let texel = canvas.texel;
    let threads = 1.0 / (9.0 * texel).max(0.02);
    let height = move |p: Point| {
        let q = turn.undo(p);
        fractal(seed, at(q.x * wide, q.y * wide * 0.35), 3)
    };
    canvas.paint(|p| {
        let here = height(p);
        let slope = at(height(p + at(0.012, 0.0)) - here, height(p + at(0.0, 0.012)) - here) * (deep / 0.012);
        // The cloth is drawn in where it bends away.
        let place = p + slope * 0.06;
        let (index, seam) = if quilted {
            let grid = at(place.x / patch_size, place.y / patch_size);
            let edge = at(
                0.5 - (fraction(grid.x) - 0.5).abs(),
                0.5 - (fraction(grid.y) - 0.5).abs(),
            );
            let id = super::field::hash(seed, super::field::floor(grid.x), super::field::floor(grid.y));
            (id as usize, edge.x.min(edge.y) * patch_size)
        } else {
            let found = cell(seed, place * 1.5);
            (found.id as usize, found.border / 1.5)
        };
        let patch = &patches[index % patches.len()];
        let weave = 0.05 * (fraction(place.x * threads) - 0.5) * (fraction(place.y * threads) - 0.5) * 4.0;
        let stitch = if patches.len() > 1 {
            0.5 * smooth(0.016, 0.004, seam)
        } else {
            0.0
        };
        let light = 0.95 - 0.3 * slope.x - 0.36 * slope.y + 0.15 * here;
        patch.at(place) * ((light + weave).clamp(0.3, 1.35) * (1.0 - stitch))
    });
}
