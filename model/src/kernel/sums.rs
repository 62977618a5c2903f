//! Sums whose order is fixed: over lanes, over channels, over the parts that parallel tasks computed.

use super::{
    dispatch::{Simd, multiversion},
    rectangle::{Rectangle, rectangles},
    threads::Share,
};

multiversion! {
    /// The sum of all numbers, in blocks, so that the error does not grow with the length.
    pub(super) fn sum<A, L>(numbers: &[f32]) -> f32 {
        numbers.chunks(4096).map(lane_sum::<L>).sum()
    }
}

multiversion! {
    /// The sum of the squares of all numbers, in blocks.
    pub(super) fn sum_of_squares<A, L>(numbers: &[f32]) -> f32 {
        let mut total = 0.0;
        for block in numbers.chunks(4096) {
            let mut lanes = [0.0_f32; L];
            let (whole, rest) = block.as_chunks::<L>();
            for chunk in whole {
                for lane in 0..L {
                    lanes[lane] = A::mul_add(chunk[lane], chunk[lane], lanes[lane]);
                }
            }
            total += lanes.iter().sum::<f32>() + rest.iter().map(|number| number * number).sum::<f32>();
        }
        total
    }
}

/// The sum of all numbers in `L` partial sums.
#[inline(always)]
pub(super) fn lane_sum<const L: usize>(numbers: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; L];
    let (whole, rest) = numbers.as_chunks::<L>();
    for chunk in whole {
        for lane in 0..L {
            lanes[lane] += chunk[lane];
        }
    }
    lanes.iter().sum::<f32>() + rest.iter().sum::<f32>()
}

/// Sums a `[batch, channels, pixels]` buffer over batch and pixels: the gradient of a bias.
pub(super) fn channel_sums(simd: Simd, numbers: &[f32], channels: usize, pixels: usize) -> Vec<f32> {
    let planes = numbers.chunks_exact(pixels).share_map(|plane| sum(simd, plane));
    sum_parts(&planes, channels)
}

/// Sums the parts `[parts, length]` element by element, in their order.
pub(super) fn sum_parts(parts: &[f32], length: usize) -> Vec<f32> {
    let mut total = parts[..length].to_vec();
    total.chunks_mut(4096).enumerate().share(|(index, total)| {
        for part in parts.chunks_exact(length).skip(1) {
            let part = &part[index * 4096..][..total.len()];
            total.iter_mut().zip(part).for_each(|(total, part)| *total += part);
        }
    });
    total
}

/// Most parts, and the numbers that all of them together may have: clearing and adding them takes time, too.
const MOST_PARTS: usize = 16;
const MOST_NUMBERS: usize = 1 << 18;

/// Into how many parts the sum of a matrix may be cut. Depends on the size alone.
pub(super) fn part_count([rows, columns]: [usize; 2], pieces: usize) -> usize {
    (MOST_NUMBERS / (rows * columns).max(1))
        .clamp(2, MOST_PARTS)
        .min(pieces.max(1))
}

/// A matrix that is a sum over `pieces`, which `add` adds to the rectangle that it is given; `scratch` makes what `add` may
/// write to. Runs of pieces go to parallel tasks, and so do tiles of so many rows and columns.
pub(super) fn sum_pieces<P: Sync, S>(
    [rows, columns]: [usize; 2],
    tile: [usize; 2],
    pieces: &[P],
    scratch: impl Fn() -> S + Sync + Send,
    add: impl Fn(&mut S, &mut Rectangle<f32>, &P) + Sync + Send,
) -> Vec<f32> {
    let run = pieces.len().div_ceil(part_count([rows, columns], pieces.len())).max(1);
    let mut parts = vec![0.0; pieces.len().div_ceil(run).max(1) * rows * columns];
    let tasks = rectangles(&mut parts, [rows, columns], tile);
    tasks.into_iter().share_with(scratch, |scratch, mut rectangle| {
        for piece in pieces.iter().skip(rectangle.item * run).take(run) {
            add(scratch, &mut rectangle, piece);
        }
    });
    sum_parts(&parts, rows * columns)
}
