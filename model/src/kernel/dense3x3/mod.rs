//! Dense 3x3 convolution, zero padding of 1, stride 1 or 2.
//!
//! A task takes a run of output pixels, gathers what the nine taps of every input channel see there as the columns of a
//! matrix, and multiplies: `Y = W columns(X) + b`, `dW = dY columns(X)^T`. The gradient of x is the same convolution of
//! dY with the taps turned round and inputs and outputs exchanged; for stride 2 it has [a way of its own](spread).

mod spread;
mod view;

use std::cell::RefCell;

use burn::tensor::{Shape, Tensor};

use super::{
    dispatch::Simd,
    matrix::{Matrix, Start, set_product_onto},
    operation::{Kernel, fits, run_convolution},
    plain,
    rectangle::{ranges, rectangles, unwritten, written},
    sums::{channel_sums, sum_pieces},
    threads::Share,
};
pub(super) use view::View;

/// # Shapes
/// - x `[B, I, H, W]`, weight `[O, I, 3, 3]`, bias `[O]`
/// - output `[B, O, ceil(H / stride), ceil(W / stride)]`
pub fn dense3x3(x: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>, stride: usize) -> Tensor<4> {
    if !fits(&x) || !(1..=2).contains(&stride) {
        return plain::dense3x3(x, weight, bias, stride);
    }
    let [batch, inputs, height, width] = x.dims();
    let [outputs, ..] = weight.dims();
    assert_eq!(
        weight.dims(),
        [outputs, inputs, 3, 3],
        "dense3x3: weight is [O, I, 3, 3]"
    );
    let view = View {
        channels: inputs,
        height,
        width,
        stride,
    };
    run_convolution(Dense3x3 { batch, outputs, view }, x, weight, bias)
}

#[derive(Clone, Debug)]
pub(super) struct Dense3x3 {
    pub batch: usize,
    pub outputs: usize,
    pub view: View,
}

impl<const N: usize> Kernel<N> for Dense3x3 {
    type Saved = ();

    fn output_shape(&self) -> Shape {
        let [height, width] = self.view.output();
        Shape::new([self.batch, self.outputs, height, width])
    }

    fn reads(&self, wanted: [bool; N]) -> [bool; N] {
        let mut reads = [false; N];
        reads[..2].copy_from_slice(&[wanted[1], wanted[0]]);
        reads
    }

    fn forward(&self, inputs: [&[f32]; N]) -> (Vec<f32>, ()) {
        (
            convolve(
                inputs[0],
                self.view,
                self.batch,
                inputs[1],
                inputs.get(2).copied(),
                false,
            ),
            (),
        )
    }

    fn backward(&self, inputs: [&[f32]; N], (): (), gradient: &[f32], wanted: [bool; N]) -> [Option<Vec<f32>>; N] {
        let mut gradients = [const { None }; N];
        gradients[0] = wanted[0].then(|| self.x_gradient(inputs[1], gradient));
        gradients[1] = wanted[1].then(|| self.weight_gradient(inputs[0], gradient));
        if N > 2 && wanted[2] {
            gradients[2] = Some(channel_sums(
                Simd::current(),
                gradient,
                self.outputs,
                self.view.pixels(),
            ));
        }
        gradients
    }
}

impl Dense3x3 {
    /// A convolution of dY with stride 1.
    fn x_gradient(&self, weight: &[f32], gradient: &[f32]) -> Vec<f32> {
        if self.view.stride == 2 {
            return spread::x_gradient(self, weight, gradient);
        }
        let view = View {
            channels: self.outputs,
            ..self.view
        };
        convolve(gradient, view, self.batch, &self.turned(weight), None, false)
    }

    /// The weight with its taps turned round, as `[I, O, 3, 3]`.
    fn turned(&self, weight: &[f32]) -> Vec<f32> {
        let inputs = self.view.channels;
        let mut turned = unwritten(weight.len());
        let own = self.outputs * 9;
        turned.chunks_mut(TURNED * own).enumerate().share(|(group, turned)| {
            for output in 0..self.outputs {
                let taps = weight[(output * inputs + group * TURNED) * 9..].chunks_exact(9);
                for (turned, taps) in turned.chunks_exact_mut(own).zip(taps) {
                    turned[output * 9..][..9].write_copy_of_slice(taps).reverse();
                }
            }
        });
        // SAFETY: every nine numbers were written.
        unsafe { written(turned) }
    }

    /// A task takes the taps of some input channels and a part of the pixels.
    fn weight_gradient(&self, x: &[f32], gradient: &[f32]) -> Vec<f32> {
        let (view, pixels) = (self.view, self.view.pixels());
        let pieces: Vec<_> = (0..self.batch)
            .flat_map(|item| ranges(pixels, SUMMED).map(move |run| (item, run)))
            .collect();
        sum_pieces(
            [self.outputs, self.batch * pixels, view.depth()],
            Some([self.outputs, CHANNELS * 9]),
            &pieces,
            Vec::new,
            |columns, sum, (item, run)| {
                let own = &gradient[item * self.outputs * pixels..];
                let own = Matrix::new(own, [self.outputs, pixels], pixels).part(sum.rows(), run.clone());
                let channels = sum.columns().start / 9..sum.columns().end / 9;
                let seen = view.gather(columns, view.picture(x, *item), channels, run);
                sum.add_product(own, seen.transposed());
            },
        )
    }
}

/// Inputs whose taps are turned together: memory gives all of a line at once.
const TURNED: usize = 16;

/// Pixels that a task sums over before it turns to the next.
const SUMMED: usize = 256;

/// Channels of a task of the weight's gradient: their taps nearly fill a panel of the product.
const CHANNELS: usize = 7;

/// Pixels of a task of a convolution: a panel of the product.
const RUN: usize = 64;

/// Tasks that keep some cores busy. With fewer runs, outputs are parted as well.
const TASKS: usize = 32;

/// Fewer outputs than these are not worth gathering once more what the taps see.
const FEW_OUTPUTS: usize = 48;

thread_local! {
    /// What taps see, gathered together.
    static COLUMNS: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// `weight columns(x) + bias` for every picture, what is negative set to 0 if it shall be rectified; weight is
/// `[O, 9 channels]`.
pub(super) fn convolve(
    x: &[f32],
    view: View,
    batch: usize,
    weight: &[f32],
    bias: Option<&[f32]>,
    rectify: bool,
) -> Vec<f32> {
    let (depth, pixels) = (view.depth(), view.pixels());
    let outputs = weight.len() / depth;
    let weight = Matrix::new(weight, [outputs, depth], depth);
    let mut output = unwritten(batch * outputs * pixels);
    let targets = rectangles(&mut output, [outputs, pixels], [row_tile(outputs, batch * pixels), RUN]);
    targets.into_iter().share(|target| {
        let weight = weight.part(target.rows.clone(), 0..depth);
        let start = bias.map_or(Start::Nothing, Start::Bias);
        let mut result = COLUMNS.with_borrow_mut(|columns| {
            let (picture, run) = (view.picture(x, target.item), target.columns.clone());
            let seen = view.gather(columns, picture, 0..view.channels, &run);
            set_product_onto(target, start, weight, seen)
        });
        if rectify {
            for row in 0..result.rows.len() {
                result.row(row).iter_mut().for_each(|number| {
                    // Not `max`, which would hide a number that is none.
                    *number = if *number < 0.0 { 0.0 } else { *number };
                });
            }
        }
    });
    // SAFETY: the rectangles cover the output.
    unsafe { written(output) }
}

/// How many outputs a task computes.
fn row_tile(outputs: usize, pixels: usize) -> usize {
    let parts = TASKS.div_ceil(pixels.div_ceil(RUN)).min(outputs.div_ceil(FEW_OUTPUTS));
    outputs.div_ceil(parts).next_multiple_of(6)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::agreement::{assert_agrees, assert_independent_of_threads};

    type Operation = fn(Tensor<4>, Tensor<4>, Option<Tensor<1>>, usize) -> Tensor<4>;

    /// Sizes are batch, inputs, outputs, height, width.
    fn shaped(
        [b, i, o, h, w]: [usize; 5],
        bias: bool,
        stride: usize,
        operation: Operation,
    ) -> impl Fn(&[Tensor<1>]) -> Tensor<4> + Sync {
        move |leaves| {
            let [x, weight, offset] = [0, 1, 2].map(|leaf| leaves[leaf].clone());
            operation(
                x.reshape([b, i, h, w]),
                weight.reshape([o, i, 3, 3]),
                bias.then_some(offset),
                stride,
            )
        }
    }

    fn lengths([b, i, o, h, w]: [usize; 5]) -> [usize; 3] {
        [b * i * h * w, o * i * 9, o]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn equals_plain(
            b in 1_usize..3, i in 1_usize..12, o in 1_usize..12, h in 1_usize..30, w in 1_usize..30,
            bias: bool, stride in 1_usize..3, seed: u64
        ) {
            let size = [b, i, o, h, w];
            let own = shaped(size, bias, stride, dense3x3);
            assert_agrees(&lengths(size), seed >> 1, &own, &shaped(size, bias, stride, plain::dense3x3));
        }
    }

    #[test]
    fn one_pixel_and_one_column_equal_plain() {
        for (size, stride) in [
            ([1, 2, 3, 1, 1], 1),
            ([1, 2, 3, 1, 1], 2),
            ([2, 1, 2, 9, 1], 2),
            ([2, 1, 2, 1, 6], 2),
        ] {
            let own = shaped(size, true, stride, dense3x3);
            assert_agrees(&lengths(size), 4, &own, &shaped(size, true, stride, plain::dense3x3));
        }
    }

    #[test]
    fn runs_that_cut_rows_equal_plain() {
        for stride in [1, 2] {
            let size = [1, 20, 40, 31, 67];
            let own = shaped(size, true, stride, dense3x3);
            assert_agrees(&lengths(size), 6, &own, &shaped(size, true, stride, plain::dense3x3));
        }
    }

    #[test]
    fn threads_do_not_change_bits() {
        let size = [2, 17, 33, 40, 37];
        assert_independent_of_threads(&lengths(size), &shaped(size, true, 1, dense3x3));
    }
}
