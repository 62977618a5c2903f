//! Layer norm over channels and the 1x1 convolution behind it, in one: how attention and feed-forward network of a
//! transformer block begin.
//!
//! A block of pixels with all its channels is normalised in the second cache and multiplied there; the normalised values
//! are never in memory. The backward pass normalises once more, multiplies by the output's gradient on the same visit
//! (`dW = dY N^T`), and sends `dN = W^T dY` straight through the norm. Of small pictures nothing is in the way of doing
//! one after the other, which is then the quicker.

use std::ops::Range;

use burn::tensor::{Shape, Tensor};

use super::{
    dispatch::Simd,
    layer_norm::{BLOCK, Rows, Statistics, layer_norm, measure, normalise, normalise_gradient},
    matrix::{Matrix, add_product, set_product},
    operation::{Kernel, fits, run3, run4},
    pointwise::pointwise,
    rectangle::{Rectangle, Unwritten, ranges, rectangles, unwritten, written},
    sums::sum_parts,
    threads::Share,
};

/// Pictures of fewer pixels are normalised first and multiplied then.
const FEW_PIXELS: usize = 2048;

/// Most tasks of the backward pass, each of which sums a weight gradient of its own.
const MOST_TASKS: usize = 8;

/// `pointwise(layer_norm(x, norm, norm_bias, eps), weight)`
///
/// # Shapes
/// - x `[B, I, H, W]`, norm and norm_bias `[I]`, weight `[O, I, 1, 1]`
/// - output `[B, O, H, W]`
pub fn norm_pointwise(
    x: Tensor<4>,
    norm: Tensor<1>,
    norm_bias: Option<Tensor<1>>,
    eps: f64,
    weight: Tensor<4>,
) -> Tensor<4> {
    let [batch, inputs, height, width] = x.dims();
    if !fits(&x) || height * width < FEW_PIXELS {
        return pointwise(layer_norm(x, norm, norm_bias, eps), weight, None);
    }
    let [outputs, ..] = weight.dims();
    assert!(
        norm.dims() == [inputs] && weight.dims() == [outputs, inputs, 1, 1],
        "norm_pointwise: the norm is [I], the weight [O, I, 1, 1]"
    );
    let kernel = NormPointwise {
        batch,
        inputs,
        outputs,
        height,
        width,
        eps: eps as f32,
    };
    match norm_bias {
        Some(norm_bias) => run4(kernel, x, norm, weight, norm_bias),
        None => run3(kernel, x, norm, weight),
    }
}

/// The inputs: x, the norm's weight, the convolution's, and perhaps the norm's bias.
#[derive(Clone, Debug)]
struct NormPointwise {
    batch: usize,
    inputs: usize,
    outputs: usize,
    height: usize,
    width: usize,
    eps: f32,
}

impl<const N: usize> Kernel<N> for NormPointwise {
    /// Of every picture, a row of means and a row of inverse deviations.
    type Saved = Vec<f32>;

    fn output_shape(&self) -> Shape {
        Shape::new([self.batch, self.outputs, self.height, self.width])
    }

    fn reads(&self, wanted: [bool; N]) -> [bool; N] {
        let norm = wanted[0] || wanted[1] || (N > 3 && wanted[3]);
        let mut reads = [true; N];
        reads[2] = norm;
        reads
    }

    fn forward(&self, inputs: [&[f32]; N]) -> (Vec<f32>, Vec<f32>) {
        let simd = Simd::current();
        let pixels = self.pixels();
        let mut output = unwritten(self.batch * self.outputs * pixels);
        let mut statistics = unwritten(self.batch * 2 * pixels);
        let weight = Matrix::new(inputs[2], [self.outputs, self.inputs], self.inputs);
        let outputs = rectangles(&mut output, [self.outputs, pixels], [self.outputs, self.block()]);
        let statistics_of = rectangles(&mut statistics, [2, pixels], [2, self.block()]);
        outputs.into_iter().zip(statistics_of).share_with(
            || unwritten(self.inputs * self.block()),
            |normed, (output, mut statistics)| {
                let x = self.rows(inputs[0], output.item, output.columns.clone());
                measure(simd, &mut statistics, x.clone(), self.inputs, self.eps);
                // SAFETY: both rows were just written.
                let mut statistics = unsafe { statistics.assume_written() };
                let [mean, inverse] = statistics.two_rows();
                let statistics = Statistics { mean, inverse };
                let normed = self.normalised(simd, normed, x, statistics, inputs[1], inputs.get(3).copied());
                set_product(output, weight, normed);
            },
        );
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
        let (pixels, block) = (self.pixels(), self.block());
        let norm_wanted = wanted[0] || wanted[1] || (N > 3 && wanted[3]);
        let mut x_gradient = unwritten(if norm_wanted { inputs[0].len() } else { 0 });
        let mut blocks: Vec<Option<Rectangle<Unwritten>>> =
            rectangles(&mut x_gradient, [self.inputs, pixels], [self.inputs, block])
                .into_iter()
                .map(Some)
                .collect();
        let places: Vec<(usize, Range<usize>)> = (0..self.batch)
            .flat_map(|item| ranges(pixels, block).map(move |columns| (item, columns)))
            .collect();
        blocks.resize_with(places.len(), || None);
        let mut work: Vec<_> = places.into_iter().zip(blocks).collect();

        let run = work.len().div_ceil(MOST_TASKS);
        let weights = if wanted[2] { self.outputs * self.inputs } else { 0 };
        let part = weights + 2 * self.inputs;
        let mut parts = vec![0.0; work.len().div_ceil(run) * part];
        work.chunks_mut(run).zip(parts.chunks_exact_mut(part)).share_with(
            || [(); 2].map(|()| unwritten(self.inputs * block)),
            |[normed, sent], (work, part)| {
                let (weight_sums, norm_sums) = part.split_at_mut(weights);
                for ((item, columns), output) in work {
                    let x = self.rows(inputs[0], *item, columns.clone());
                    let (mean, inverse) = statistics[*item * 2 * pixels..].split_at(pixels);
                    let statistics = Statistics {
                        mean: &mean[columns.clone()],
                        inverse: &inverse[columns.clone()],
                    };
                    let picture = &gradient[*item * self.outputs * pixels..];
                    let own = Matrix::new(picture, [self.outputs, pixels], pixels);
                    let own = own.part(0..self.outputs, columns.clone());
                    if wanted[2] {
                        let bias = inputs.get(3).copied();
                        let normed = self.normalised(simd, normed, x.clone(), statistics, inputs[1], bias);
                        for mut sums in
                            rectangles(weight_sums, [self.outputs, self.inputs], [self.outputs, self.inputs])
                        {
                            add_product(&mut sums, own, normed.transposed());
                        }
                    }
                    if let Some(output) = output {
                        let weight = Matrix::new(inputs[2], [self.outputs, self.inputs], self.inputs);
                        let length = columns.len();
                        let sent = self.product(sent, weight.transposed(), own, length);
                        let sent = Rows {
                            numbers: sent,
                            stride: length,
                            columns: 0..length,
                        };
                        let sums = norm_sums.split_at_mut(self.inputs);
                        normalise_gradient(simd, output, sums, x, sent, statistics, inputs[1], N > 3);
                    }
                }
            },
        );
        let sums = sum_parts(&parts, part);
        let (weight_sums, norm_sums) = sums.split_at(weights);
        let mut gradients = [const { None }; N];
        if wanted[0] {
            // SAFETY: the rectangles cover the buffer, and `normalise_gradient` wrote all of each.
            gradients[0] = Some(unsafe { written(x_gradient) });
        }
        gradients[1] = wanted[1].then(|| norm_sums[..self.inputs].to_vec());
        gradients[2] = wanted[2].then(|| weight_sums.to_vec());
        if N > 3 && wanted[3] {
            gradients[3] = Some(norm_sums[self.inputs..].to_vec());
        }
        gradients
    }
}

impl NormPointwise {
    fn pixels(&self) -> usize {
        self.height * self.width
    }

    /// Pixels of a block: normalised, with all channels, about 100 KiB.
    fn block(&self) -> usize {
        (24_576 / self.inputs).clamp(64, BLOCK) / 16 * 16
    }

    /// Some pixels of one picture of x.
    fn rows<'a>(&self, x: &'a [f32], item: usize, columns: Range<usize>) -> Rows<'a> {
        let picture = self.inputs * self.pixels();
        Rows {
            numbers: &x[item * picture..][..picture],
            stride: self.pixels(),
            columns,
        }
    }

    /// The block in `x`, normalised into `scratch`.
    fn normalised<'a>(
        &self,
        simd: Simd,
        scratch: &'a mut [Unwritten],
        x: Rows,
        statistics: Statistics,
        norm: &[f32],
        bias: Option<&[f32]>,
    ) -> Matrix<'a> {
        let length = x.columns.len();
        let shape = [self.inputs, length];
        let scratch = &mut scratch[..self.inputs * length];
        normalise(simd, &mut Rectangle::whole(scratch, shape), x, statistics, norm, bias);
        // SAFETY: `normalise` wrote every row.
        Matrix::new(unsafe { scratch.assume_init_ref() }, shape, length)
    }

    /// `a b` of `length` columns in `scratch`.
    fn product<'a>(&self, scratch: &'a mut [Unwritten], a: Matrix, b: Matrix, length: usize) -> &'a [f32] {
        let shape = [self.inputs, length];
        let scratch = &mut scratch[..self.inputs * length];
        set_product(Rectangle::whole(scratch, shape), a, b);
        // SAFETY: the product was written to every element.
        unsafe { scratch.assume_init_ref() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::{
        agreement::{assert_agrees, assert_independent_of_threads},
        plain,
    };

    type Operation = fn(Tensor<4>, Tensor<1>, Option<Tensor<1>>, f64, Tensor<4>) -> Tensor<4>;

    const PLAIN: Operation =
        |x, norm, bias, eps, weight| plain::pointwise(plain::layer_norm(x, norm, bias, eps), weight, None);

    /// Sizes are batch, inputs, outputs, height, width.
    fn shaped(
        [b, i, o, h, w]: [usize; 5],
        bias: bool,
        operation: Operation,
    ) -> impl Fn(&[Tensor<1>]) -> Tensor<4> + Sync {
        move |leaves| {
            let x = leaves[0].clone().add_scalar(0.3).reshape([b, i, h, w]);
            let [norm, offset, weight] = [1, 2, 3].map(|leaf| leaves[leaf].clone());
            operation(x, norm, bias.then_some(offset), 1e-5, weight.reshape([o, i, 1, 1]))
        }
    }

    fn lengths([b, i, o, h, w]: [usize; 5]) -> [usize; 4] {
        [b * i * h * w, i, i, o * i]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]

        #[test]
        fn equals_plain(
            b in 1_usize..3, i in 4_usize..20, o in 1_usize..40, h in 40_usize..60, w in 40_usize..60, bias: bool, seed: u64
        ) {
            let size = [b, i, o, h, w];
            let (own, plain) = (shaped(size, bias, norm_pointwise), shaped(size, bias, PLAIN));
            assert_agrees(&lengths(size), seed >> 1, &own, &plain);
        }
    }

    #[test]
    fn a_small_picture_equals_plain() {
        let size = [2, 9, 5, 3, 7];
        let (own, plain) = (shaped(size, true, norm_pointwise), shaped(size, true, PLAIN));
        assert_agrees(&lengths(size), 5, &own, &plain);
    }

    #[test]
    fn threads_do_not_change_bits() {
        let size = [2, 30, 17, 53, 47];
        assert_independent_of_threads(&lengths(size), &shaped(size, true, norm_pointwise));
    }
}
