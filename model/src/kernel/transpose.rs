//! Transposing: 16x16 numbers at a time, so that what is read and what is written lies together.

use super::{dispatch::multiversion, rectangle::Unwritten};

/// Side of a block.
const SIDE: usize = 16;

multiversion! {
    /// `target[c][r] = source[r][c]` for `rows` x `columns` of the source; rows of either are as far apart as its
    /// stride says.
    pub(super) fn transpose<A, L>(
        target: &mut [Unwritten],
        target_stride: usize,
        source: &[f32],
        source_stride: usize,
        rows: usize,
        columns: usize,
    ) {
        for row in (0..rows).step_by(SIDE) {
            for column in (0..columns).step_by(SIDE) {
                let [height, width] = [SIDE.min(rows - row), SIDE.min(columns - column)];
                let source = &source[row * source_stride + column..];
                let target = &mut target[column * target_stride + row..];
                if height == SIDE && width == SIDE {
                    let block: [&[f32; SIDE]; SIDE] =
                        std::array::from_fn(|r| source[r * source_stride..].first_chunk().expect("a whole block"));
                    for c in 0..SIDE {
                        let line: [f32; SIDE] = std::array::from_fn(|r| block[r][c]);
                        target[c * target_stride..][..SIDE].write_copy_of_slice(&line);
                    }
                } else {
                    for c in 0..width {
                        for r in 0..height {
                            target[c * target_stride + r].write(source[r * source_stride + c]);
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{
        dispatch::Simd,
        rectangle::{unwritten, written},
    };

    #[test]
    fn rows_become_columns() {
        for [rows, columns] in [[1, 1], [16, 16], [17, 40], [3, 33], [50, 7]] {
            let source: Vec<f32> = (0..rows * columns).map(|number| number as f32).collect();
            for simd in Simd::available() {
                let mut target = unwritten(source.len());
                transpose(simd, &mut target, rows, &source, columns, rows, columns);
                // SAFETY: all of it was written.
                let target = unsafe { written(target) };
                for (index, number) in source.iter().enumerate() {
                    assert_eq!(target[index % columns * rows + index / columns], *number);
                }
            }
        }
    }
}
