//! Layer norm over the channels of every pixel (Restormer's two variants, biased variance).
//!
//! A block of pixels with all its channels stays in the second cache while it is passed over: for the mean, for the
//! variance, for the result. The mean and the inverse deviation of each pixel are kept for the backward pass.
//! With `u = (x - mean) / deviation`, the gradient of the normalised value `g = dy * weight`, and averages over channels:
//! - with a bias: `dx = (g - avg(g) - u avg(g u)) / deviation`
//! - without, where the value is `v = x / deviation`: `dx = (g - u avg(g v)) / deviation`

use std::ops::Range;

use burn::tensor::{FloatDType, Shape, Tensor};

use crate::layer::{in_f32, is_half};

use super::{
    dispatch::{Simd, multiversion},
    operation::{Kernel, fits, run2, run3},
    plain,
    rectangle::{Rectangle, Unwritten, rectangles, unwritten, written},
    sums::{lane_sum, sum_parts},
    threads::Share,
};

/// With a bias: `(x - mean) / sqrt(var + eps) * weight + bias`. Without: `x / sqrt(var + eps) * weight`
/// (Restormer's `BiasFree`, whose variance is still taken about the mean).
///
/// # Shapes
/// - x `[B, C, H, W]`, weight `[C]`, bias `[C]`
/// - output `[B, C, H, W]`
pub fn layer_norm(x: Tensor<4>, weight: Tensor<1>, bias: Option<Tensor<1>>, eps: f64) -> Tensor<4> {
    if is_half(&x) {
        let wide = |values: Tensor<1>| values.cast(FloatDType::F32);
        return in_f32(x, |x| layer_norm(x, wide(weight), bias.map(wide), eps));
    }
    if !fits(&x) {
        return plain::layer_norm(x, weight, bias, eps);
    }
    let shape = x.dims();
    assert_eq!(weight.dims(), [shape[1]], "layer_norm: weight is [C]");
    let kernel = LayerNorm { shape, eps: eps as f32 };
    match bias {
        Some(bias) => run3(kernel, x, weight, bias),
        None => run2(kernel, x, weight),
    }
}

/// Most pixels of a block.
pub(super) const BLOCK: usize = 512;

/// With two inputs, x and weight, this is the variant without a bias.
#[derive(Clone, Debug)]
struct LayerNorm {
    shape: [usize; 4],
    eps: f32,
}

impl<const N: usize> Kernel<N> for LayerNorm {
    /// Of every picture, a row of means and a row of inverse deviations.
    type Saved = Vec<f32>;

    fn output_shape(&self) -> Shape {
        Shape::new(self.shape)
    }

    fn reads(&self, wanted: [bool; N]) -> [bool; N] {
        let mut reads = [false; N];
        reads[..2].copy_from_slice(&[wanted[0] || wanted[1], wanted[0]]);
        reads
    }

    fn forward(&self, inputs: [&[f32]; N]) -> (Vec<f32>, Vec<f32>) {
        let simd = Simd::current();
        let (channels, pixels) = self.channels_and_pixels();
        let mut output = unwritten(inputs[0].len());
        let mut statistics = unwritten(self.shape[0] * 2 * pixels);
        let blocks = rectangles(&mut output, [channels, pixels], [channels, self.block()]);
        let statistics_of = rectangles(&mut statistics, [2, pixels], [2, self.block()]);
        blocks
            .into_iter()
            .zip(statistics_of)
            .share(|(mut output, mut statistics)| {
                let x = Rows {
                    numbers: &inputs[0][output.item * channels * pixels..][..channels * pixels],
                    stride: pixels,
                    columns: output.columns.clone(),
                };
                measure(simd, &mut statistics, x.clone(), channels, self.eps);
                // SAFETY: both rows were just written.
                let mut statistics = unsafe { statistics.assume_written() };
                let [mean, inverse] = statistics.two_rows();
                let statistics = Statistics { mean, inverse };
                normalise(simd, &mut output, x, statistics, inputs[1], inputs.get(2).copied());
            });
        // SAFETY: the rectangles cover both buffers.
        unsafe { (written(output), written(statistics)) }
    }

    fn backward(
        &self,
        inputs: [&[f32]; N],
        statistics: Vec<f32>,
        gradient: &[f32],
        wanted: [bool; N],
    ) -> [Option<Vec<f32>>; N] {
        let simd = Simd::current();
        let (channels, pixels) = self.channels_and_pixels();
        // Without a wanted x gradient the weight was not kept; ones in its place change nothing that is wanted.
        let ones = if wanted[0] { Vec::new() } else { vec![1.0; channels] };
        let weight = if wanted[0] { inputs[1] } else { &ones };
        let mut output = unwritten(gradient.len());
        let blocks = rectangles(&mut output, [channels, pixels], [channels, self.block()]);
        let mut parts = vec![0.0; blocks.len() * 2 * channels];
        parts
            .chunks_exact_mut(2 * channels)
            .zip(blocks)
            .share(|(parts, mut output)| {
                let picture = output.item * channels * pixels;
                let columns = output.columns.clone();
                let (mean, inverse) = statistics[output.item * 2 * pixels..].split_at(pixels);
                let statistics = Statistics {
                    mean: &mean[columns.clone()],
                    inverse: &inverse[columns.clone()],
                };
                let rows = |numbers| Rows {
                    numbers,
                    stride: pixels,
                    columns: columns.clone(),
                };
                let x = rows(inputs[0].get(picture..).unwrap_or_default());
                let sums = parts.split_at_mut(channels);
                normalise_gradient(
                    simd,
                    &mut output,
                    sums,
                    x,
                    rows(&gradient[picture..]),
                    statistics,
                    weight,
                    N > 2,
                );
            });
        let sums = sum_parts(&parts, 2 * channels);
        let mut gradients = [const { None }; N];
        // SAFETY: the rectangles cover the buffer.
        let x_gradient = unsafe { written(output) };
        gradients[0] = wanted[0].then_some(x_gradient);
        gradients[1] = wanted[1].then(|| sums[..channels].to_vec());
        if N > 2 && wanted[2] {
            gradients[2] = Some(sums[channels..].to_vec());
        }
        gradients
    }
}

impl LayerNorm {
    fn channels_and_pixels(&self) -> (usize, usize) {
        let [_, channels, height, width] = self.shape;
        (channels, height * width)
    }

    /// Pixels of a block: with all channels about 128 KiB, or the half of a small picture.
    fn block(&self) -> usize {
        let (channels, pixels) = self.channels_and_pixels();
        (32_768 / channels)
            .clamp(64, BLOCK)
            .min(pixels.div_ceil(2))
            .next_multiple_of(16)
    }
}

/// The rows of a matrix in some of its columns.
#[derive(Clone, Debug)]
pub(super) struct Rows<'a> {
    pub numbers: &'a [f32],
    /// From one row to the next.
    pub stride: usize,
    pub columns: Range<usize>,
}

impl<'a> Rows<'a> {
    /// `None` where the matrix was not kept.
    #[inline(always)]
    fn get(&self, row: usize) -> Option<&'a [f32]> {
        let row = self.numbers.get(row * self.stride..)?;
        row.get(self.columns.clone())
    }

    #[inline(always)]
    fn row(&self, row: usize) -> &'a [f32] {
        &self.numbers[row * self.stride..][self.columns.clone()]
    }
}

/// The statistics of some pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Statistics<'a> {
    pub mean: &'a [f32],
    /// One over the deviation.
    pub inverse: &'a [f32],
}

multiversion! {
    /// Means and inverse deviations of the pixels in `x`, into the two rows of `statistics`.
    pub(super) fn measure<A, L>(statistics: &mut Rectangle<Unwritten>, x: Rows, channels: usize, eps: f32) {
        let share = 1.0 / channels as f32;
        let (mut mean, mut inverse) = ([0.0_f32; BLOCK], [0.0_f32; BLOCK]);
        let (mean, inverse) = (&mut mean[..x.columns.len()], &mut inverse[..x.columns.len()]);
        for channel in 0..channels {
            for (mean, x) in mean.iter_mut().zip(x.row(channel)) {
                *mean += x;
            }
        }
        for mean in mean.iter_mut() {
            *mean *= share;
        }
        for channel in 0..channels {
            for ((inverse, mean), x) in inverse.iter_mut().zip(&*mean).zip(x.row(channel)) {
                *inverse = A::mul_add(x - mean, x - mean, *inverse);
            }
        }
        for inverse in inverse.iter_mut() {
            *inverse = 1.0 / (*inverse * share + eps).sqrt();
        }
        statistics.row(0).write_copy_of_slice(mean);
        statistics.row(1).write_copy_of_slice(inverse);
    }
}

multiversion! {
    /// The normalised pixels. Without a bias, the mean is not taken away.
    pub(super) fn normalise<A, L>(
        output: &mut Rectangle<Unwritten>,
        x: Rows,
        statistics: Statistics,
        weight: &[f32],
        bias: Option<&[f32]>,
    ) {
        let zeros = [0.0_f32; BLOCK];
        let inverse = statistics.inverse;
        let mean = if bias.is_some() { statistics.mean } else { &zeros[..inverse.len()] };
        for (channel, &weight) in weight.iter().enumerate() {
            let bias = bias.map_or(0.0, |bias| bias[channel]);
            let x = x.row(channel).iter().zip(mean).zip(inverse);
            for (output, ((x, mean), inverse)) in output.row(channel).iter_mut().zip(x) {
                output.write(A::mul_add((x - mean) * inverse, weight, bias));
            }
        }
    }
}

multiversion! {
    /// The gradient of the pixels in `x`; adds to `sums` the gradients of weight and bias.
    pub(super) fn normalise_gradient<A, L>(
        output: &mut Rectangle<Unwritten>,
        sums: (&mut [f32], &mut [f32]),
        x: Rows,
        gradient: Rows,
        statistics: Statistics,
        weight: &[f32],
        with_bias: bool,
    ) {
        let length = gradient.columns.len();
        let share = 1.0 / weight.len() as f32;
        let Statistics { mean, inverse } = statistics;
        let mut buffers = [[0.0_f32; BLOCK]; 4];
        let [centre, average, projection, products] = buffers.each_mut().map(|buffer| &mut buffer[..length]);
        if with_bias {
            centre.copy_from_slice(mean);
        }
        for (channel, &weight) in weight.iter().enumerate() {
            let gradient = gradient.row(channel);
            if let Some(x) = x.get(channel) {
                for p in 0..length {
                    products[p] = gradient[p] * ((x[p] - centre[p]) * inverse[p]);
                    projection[p] = A::mul_add(weight, products[p], projection[p]);
                }
                sums.0[channel] += lane_sum::<L>(products);
            }
            if with_bias {
                for p in 0..length {
                    average[p] = A::mul_add(weight, gradient[p], average[p]);
                }
                sums.1[channel] += lane_sum::<L>(gradient);
            }
        }
        for p in 0..length {
            average[p] *= share * inverse[p];
            projection[p] *= share * inverse[p] * inverse[p];
        }
        for (channel, &weight) in weight.iter().enumerate() {
            let gradient = gradient.row(channel);
            let output = output.row(channel);
            if let Some(x) = x.get(channel) {
                for p in 0..length {
                    let own = A::mul_add(weight * gradient[p], inverse[p], -average[p]);
                    output[p].write(A::mul_add(mean[p] - x[p], projection[p], own));
                }
            } else {
                output.fill(std::mem::MaybeUninit::new(0.0));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::agreement::{assert_agrees, assert_independent_of_threads};

    type Operation = fn(Tensor<4>, Tensor<1>, Option<Tensor<1>>, f64) -> Tensor<4>;

    fn shaped(size: [usize; 4], bias: bool, operation: Operation) -> impl Fn(&[Tensor<1>]) -> Tensor<4> + Sync {
        move |leaves| {
            let x = leaves[0].clone().add_scalar(0.3).reshape(size);
            operation(x, leaves[1].clone(), bias.then(|| leaves[2].clone()), 1e-5)
        }
    }

    fn lengths(size: [usize; 4]) -> [usize; 3] {
        [size.iter().product(), size[1], size[1]]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        #[test]
        fn equals_plain(b in 1_usize..3, c in 4_usize..20, h in 1_usize..40, w in 1_usize..40, bias: bool, seed: u64) {
            let size = [b, c, h, w];
            let (own, plain) = (shaped(size, bias, layer_norm), shaped(size, bias, plain::layer_norm));
            assert_agrees(&lengths(size), seed >> 1, &own, &plain);
        }
    }

    #[test]
    fn many_channels_equal_plain() {
        for bias in [false, true] {
            let size = [1, 700, 9, 11];
            let (own, plain) = (shaped(size, bias, layer_norm), shaped(size, bias, plain::layer_norm));
            assert_agrees(&lengths(size), 2, &own, &plain);
        }
    }

    #[test]
    fn bias_alone_gets_the_gradients_sum() {
        let device = burn::tensor::Device::flex().autodiff();
        let x = Tensor::<4>::ones([2, 3, 4, 5], &device);
        let weight = Tensor::<1>::ones([3], &device);
        let bias = Tensor::<1>::zeros([3], &device).require_grad();
        let gradients = layer_norm(x, weight, Some(bias.clone()), 1e-5).sum().backward();
        assert_eq!(
            bias.grad(&gradients).unwrap().into_data().try_to_vec::<f32>().unwrap(),
            [40.0; 3]
        );
    }

    #[test]
    fn threads_do_not_change_bits() {
        let size = [2, 30, 53, 47];
        assert_independent_of_threads(&lengths(size), &shaped(size, true, layer_norm));
    }
}
