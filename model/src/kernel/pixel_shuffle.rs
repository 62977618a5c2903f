//! Trading pixels for channels and back, in PyTorch's channel order.
//!
//! The `factor²` planes of pixels that make one larger plane lie side by side, as many numbers as the larger plane has:
//! every channel is a task, and each way is the other's backward pass.

use burn::tensor::{Shape, Tensor};

use super::{
    dispatch::{Simd, multiversion},
    operation::{Kernel, fits, run1},
    plain,
    rectangle::{Unwritten, unwritten, written},
    threads::Share,
};

/// `PixelUnshuffle(factor)`: `output[c * f * f + i * f + j, y, x] = input[c, y * f + i, x * f + j]`.
///
/// # Shapes
/// - x `[B, C, H, W]`, H and W multiples of the factor
/// - output `[B, C * factor², H / factor, W / factor]`
pub fn pixel_unshuffle(x: Tensor<4>, factor: usize) -> Tensor<4> {
    let [batch, channels, height, width] = x.dims();
    if !fits(&x) || factor == 0 || height % factor != 0 || width % factor != 0 {
        return plain::pixel_unshuffle(x, factor);
    }
    let kernel = PixelShuffle {
        batch,
        channels,
        small: [height / factor, width / factor],
        factor,
        enlarge: false,
    };
    run1(kernel, x)
}

/// `PixelShuffle(factor)`, the inverse of [`pixel_unshuffle`].
///
/// # Shapes
/// - x `[B, C * factor², H, W]`
/// - output `[B, C, H * factor, W * factor]`
pub fn pixel_shuffle(x: Tensor<4>, factor: usize) -> Tensor<4> {
    let [batch, channels, height, width] = x.dims();
    if !fits(&x) || factor == 0 || channels % (factor * factor) != 0 {
        return plain::pixel_shuffle(x, factor);
    }
    let kernel = PixelShuffle {
        batch,
        channels: channels / (factor * factor),
        small: [height, width],
        factor,
        enlarge: true,
    };
    run1(kernel, x)
}

#[derive(Clone, Debug)]
struct PixelShuffle {
    batch: usize,
    /// Of the larger planes.
    channels: usize,
    /// Height and width of the smaller planes.
    small: [usize; 2],
    factor: usize,
    enlarge: bool,
}

impl Kernel<1> for PixelShuffle {
    type Saved = ();

    fn output_shape(&self) -> Shape {
        let Self {
            batch,
            channels,
            small: [height, width],
            factor,
            enlarge,
        } = *self;
        Shape::new(if enlarge {
            [batch, channels, height * factor, width * factor]
        } else {
            [batch, channels * factor * factor, height, width]
        })
    }

    fn reads(&self, _: [bool; 1]) -> [bool; 1] {
        [false]
    }

    fn forward(&self, [x]: [&[f32]; 1]) -> (Vec<f32>, ()) {
        (self.moved(x, self.enlarge), ())
    }

    fn backward(&self, _: [&[f32]; 1], (): (), gradient: &[f32], _: [bool; 1]) -> [Option<Vec<f32>>; 1] {
        [Some(self.moved(gradient, !self.enlarge))]
    }
}

impl PixelShuffle {
    fn moved(&self, from: &[f32], enlarge: bool) -> Vec<f32> {
        let simd = Simd::current();
        let ([height, width], factor) = (self.small, self.factor);
        let mut to = unwritten(from.len());
        let plane = height * width * factor * factor;
        let planes = to.chunks_exact_mut(plane).zip(from.chunks_exact(plane));
        planes.share(|(to, from)| {
            for row in 0..height * factor {
                // A row of the larger plane holds a row of each of `factor` smaller planes that follow each other.
                let large = row * width * factor..(row + 1) * width * factor;
                let (y, first) = (row / factor, row % factor * factor);
                let small = (first * height + y) * width;
                if enlarge {
                    interleave(simd, &mut to[large], &from[small..], height * width, factor);
                } else {
                    part(simd, &mut to[small..], &from[large], height * width, factor);
                }
            }
        });
        // SAFETY: the rows cover the larger planes, and their parts the smaller ones.
        unsafe { written(to) }
    }
}

multiversion! {
    /// `row[x * factor + j] = small[j * plane + x]`
    fn interleave<A, L>(row: &mut [Unwritten], small: &[f32], plane: usize, factor: usize) {
        let width = row.len() / factor;
        if let (Some(second), 2) = (small.get(plane..plane + width), factor) {
            for ((pair, &a), &b) in row.as_chunks_mut::<2>().0.iter_mut().zip(small).zip(second) {
                pair[0].write(a);
                pair[1].write(b);
            }
            return;
        }
        for j in 0..factor {
            let small = &small[j * plane..][..width];
            for (number, &small) in row[j..].iter_mut().step_by(factor).zip(small) {
                number.write(small);
            }
        }
    }
}

multiversion! {
    /// `small[j * plane + x] = row[x * factor + j]`
    fn part<A, L>(small: &mut [Unwritten], row: &[f32], plane: usize, factor: usize) {
        let width = row.len() / factor;
        if factor == 2 {
            let (first, second) = small.split_at_mut(plane);
            for ((pair, a), b) in row.as_chunks::<2>().0.iter().zip(first).zip(second) {
                a.write(pair[0]);
                b.write(pair[1]);
            }
            return;
        }
        for j in 0..factor {
            let small = &mut small[j * plane..][..width];
            for (small, &number) in small.iter_mut().zip(row[j..].iter().step_by(factor)) {
                small.write(number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Int};
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::agreement::{assert_agrees, assert_independent_of_threads};

    type Operation = fn(Tensor<4>, usize) -> Tensor<4>;

    fn shaped(size: [usize; 4], factor: usize, operation: Operation) -> impl Fn(&[Tensor<1>]) -> Tensor<4> + Sync {
        move |leaves| operation(leaves[0].clone().reshape(size), factor)
    }

    fn counting(shape: [usize; 4]) -> Tensor<4> {
        let count: usize = shape.iter().product();
        Tensor::<1, Int>::arange(0..count as i64, &Device::flex())
            .float()
            .reshape(shape)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn both_equal_plain(
            b in 1_usize..3, c in 1_usize..4, h in 1_usize..20, w in 1_usize..40, factor in 1_usize..5, seed: u64
        ) {
            let large = [b, c, h * factor, w * factor];
            let small = [b, c * factor * factor, h, w];
            let length = [large.iter().product()];
            let own = shaped(large, factor, pixel_unshuffle);
            assert_agrees(&length, seed >> 1, &own, &shaped(large, factor, plain::pixel_unshuffle));
            let own = shaped(small, factor, pixel_shuffle);
            assert_agrees(&length, seed >> 1, &own, &shaped(small, factor, plain::pixel_shuffle));
        }
    }

    #[test]
    fn unshuffled_channels_hold_rows_before_columns() {
        let values = pixel_unshuffle(counting([1, 1, 4, 4]), 2)
            .into_data()
            .try_to_vec::<f32>()
            .unwrap();
        let expected = [0, 2, 8, 10, 1, 3, 9, 11, 4, 6, 12, 14, 5, 7, 13, 15].map(|v| v as f32);
        assert_eq!(values, expected);
    }

    #[test]
    fn shuffle_undoes_unshuffle() {
        let x = counting([2, 3, 6, 4]);
        let there = pixel_unshuffle(x.clone(), 2);
        assert_eq!(there.dims(), [2, 12, 3, 2]);
        pixel_shuffle(there, 2).into_data().assert_eq(&x.into_data(), true);
    }

    #[test]
    fn threads_do_not_change_bits() {
        let own = shaped([2, 12, 31, 17], 2, pixel_shuffle);
        assert_independent_of_threads(&[2 * 12 * 31 * 17], &own);
    }
}
