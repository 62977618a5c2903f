//! Sums whose order is fixed: over lanes, over channels, over the parts that parallel tasks computed.

use super::{
    dispatch::{Simd, multiversion},
    matrix::{Sum, TASK, product_tile},
    rectangle::{rectangles, unwritten, written},
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

/// Numbers of a sum of parts that a task adds up.
const CHUNK: usize = 4096;

/// Sums the parts `[parts, length]` element by element, in their order.
pub(super) fn sum_parts(parts: &[f32], length: usize) -> Vec<f32> {
    let (first, others) = parts.split_at(length);
    let mut total = unwritten(length);
    let chunks = total.chunks_mut(CHUNK).zip(first.chunks(CHUNK)).enumerate();
    chunks.share(|(index, (total, first))| {
        let total = total.write_copy_of_slice(first);
        for part in others.chunks_exact(length) {
            let part = &part[index * CHUNK..][..total.len()];
            total.iter_mut().zip(part).for_each(|(total, part)| *total += part);
        }
    });
    // SAFETY: the chunks of the first part cover it.
    unsafe { written(total) }
}

/// Most parts, and the numbers that all of them together may have: adding them takes time, too.
const MOST_PARTS: usize = 16;
const MOST_NUMBERS: usize = 1 << 18;

/// Into how many parts, each worth a task, to cut a sum of products `[rows, depth] x [depth, columns]` over pieces of its
/// depth. Depends on the sizes alone.
fn part_count([rows, depth, columns]: [usize; 3], pieces: usize) -> usize {
    (rows * depth * columns / TASK)
        .next_power_of_two()
        .min(MOST_PARTS)
        .min(MOST_NUMBERS / (rows * columns).max(1))
        .min(pieces)
        .max(1)
}

/// A product `[rows, depth] x [depth, columns]` that is a sum over `pieces` of its depth: `add` adds a piece to the sum in
/// a rectangle; `scratch` makes what `add` may write to. Runs of pieces go to parallel tasks, and so do tiles of so many
/// rows and columns, or of some whole rows.
pub(super) fn sum_pieces<P: Sync, S>(
    [rows, depth, columns]: [usize; 3],
    tile: Option<[usize; 2]>,
    pieces: &[P],
    scratch: impl Fn() -> S + Sync + Send,
    add: impl Fn(&mut S, &mut Sum, &P) + Sync + Send,
) -> Vec<f32> {
    let run = pieces
        .len()
        .div_ceil(part_count([rows, depth, columns], pieces.len()))
        .max(1);
    let count = pieces.len().div_ceil(run).max(1);
    let whole_rows = || [product_tile(count, [rows, depth / count, columns])[0], columns];
    let mut parts = unwritten(count * rows * columns);
    let tasks = rectangles(&mut parts, [rows, columns], tile.unwrap_or_else(whole_rows));
    tasks.into_iter().share_with(scratch, |scratch, target| {
        let pieces = pieces.iter().skip(target.item * run).take(run);
        let mut sum = Sum::new(target);
        pieces.for_each(|piece| add(scratch, &mut sum, piece));
        sum.finish();
    });
    // SAFETY: the rectangles cover the buffer.
    let parts = unsafe { written(parts) };
    if count == 1 {
        parts
    } else {
        sum_parts(&parts, rows * columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{matrix::Matrix, rectangle::ranges};

    #[test]
    fn a_sum_has_parts_for_its_work_but_not_too_many_numbers_of_them() {
        for (size, pieces, parts) in [
            ([84, 64, 16], 1, 1),
            ([84, 4096, 16], 8, 8),
            ([84, 4096, 16], 5, 5),
            ([288, 1 << 14, 48], 32, 16),
            ([576, 1 << 14, 192], 32, 2),
            ([1021, 1 << 14, 384], 32, 1),
        ] {
            assert_eq!(part_count(size, pieces), parts, "{size:?}");
        }
    }

    #[test]
    fn pieces_are_added_up_in_every_tile_and_none_are_zero() {
        let (rows, depth, columns) = (30, 5000, 20);
        // What is 1 in its own place and else 0: the product counts the numbers of the depth that come to each place.
        let one_at = |side: usize| -> Vec<f32> {
            (0..depth * side)
                .map(|index| f32::from(u8::from(index / side % side == index % side)))
                .collect()
        };
        let (a, b) = (one_at(rows), one_at(columns));
        let [a, b] = [(&a, rows), (&b, columns)].map(|(numbers, side)| Matrix::new(numbers, [depth, side], side));
        let expected: Vec<f32> = (0..rows * columns)
            .map(|place| {
                let both = |number: &usize| number % rows == place / columns && number % columns == place % columns;
                (0..depth).filter(both).count() as f32
            })
            .collect();
        for tile in [None, Some([7, 6])] {
            let pieces: Vec<_> = ranges(depth, 300).collect();
            let sum = sum_pieces(
                [rows, depth, columns],
                tile,
                &pieces,
                || (),
                |(), sum, piece| {
                    let a = a.part(piece.clone(), sum.rows()).transposed();
                    sum.add_product(a, b.part(piece.clone(), sum.columns()));
                },
            );
            assert_eq!(sum, expected);
        }
        let nothing = sum_pieces([2, 0, 3], None, &[(); 0], || (), |(), _, ()| ());
        assert_eq!(nothing, [0.0; 6]);
    }
}
