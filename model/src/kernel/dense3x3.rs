//! Dense 3x3 convolution, zero padding of 1, stride 1 or 2.
//!
//! A task takes a run of output pixels, gathers what the nine taps of every input channel see there as the columns of a
//! matrix, and multiplies: `Y = W columns(X) + b`, `dW = dY columns(X)^T`. The gradient of x is the same convolution of
//! dY with the taps turned round and inputs and outputs exchanged; for stride 2, zeros are put between the numbers of dY.

use std::{borrow::Cow, cell::RefCell, ops::Range};

use burn::tensor::{Shape, Tensor};
use rayon::prelude::*;

use super::{
    dispatch::Simd,
    matrix::{Matrix, Start, add_product, product_tile, set_product_onto},
    operation::{Kernel, fits, run_convolution},
    plain,
    rectangle::{copy_row, ranges, rectangles, unwritten, written},
    sums::{channel_sums, part_count, sum_pieces},
};

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

/// A picture as the taps see it.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    pub channels: usize,
    pub height: usize,
    pub width: usize,
    pub stride: usize,
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
        if wanted[0] {
            let weight = self.turned(inputs[1]);
            let view = View {
                channels: self.outputs,
                stride: 1,
                ..self.view
            };
            gradients[0] = Some(convolve(&self.spread(gradient), view, self.batch, &weight, None, false));
        }
        if wanted[1] {
            gradients[1] = Some(self.weight_gradient(inputs[0], gradient));
        }
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
    /// The weight with its taps turned round, as `[I, O, 3, 3]`.
    fn turned(&self, weight: &[f32]) -> Vec<f32> {
        let inputs = self.view.channels;
        let mut turned = vec![0.0; weight.len()];
        for (input, turned) in turned.chunks_exact_mut(self.outputs * 9).enumerate() {
            for (output, turned) in turned.chunks_exact_mut(9).enumerate() {
                turned.copy_from_slice(&weight[(output * inputs + input) * 9..][..9]);
                turned.reverse();
            }
        }
        turned
    }

    /// The output's gradient at the input's size: number `(r, c)` comes to `(stride r, stride c)`, between zeros.
    fn spread<'a>(&self, gradient: &'a [f32]) -> Cow<'a, [f32]> {
        let View {
            height, width, stride, ..
        } = self.view;
        if stride == 1 {
            return Cow::Borrowed(gradient);
        }
        let columns = self.view.output()[1];
        let mut spread = vec![0.0; self.batch * self.outputs * height * width];
        let planes = spread
            .par_chunks_exact_mut(height * width)
            .zip(gradient.par_chunks_exact(self.view.pixels()));
        planes.for_each(|(spread, gradient)| {
            for (spread, gradient) in spread.chunks_mut(stride * width).zip(gradient.chunks_exact(columns)) {
                spread[..width]
                    .iter_mut()
                    .step_by(stride)
                    .zip(gradient)
                    .for_each(|(target, number)| *target = *number);
            }
        });
        Cow::Owned(spread)
    }

    fn weight_gradient(&self, x: &[f32], gradient: &[f32]) -> Vec<f32> {
        let (view, pixels, depth) = (self.view, self.view.pixels(), self.view.depth());
        let pieces: Vec<_> = (0..self.batch)
            .flat_map(|item| ranges(pixels, view.run()).map(move |run| (item, run)))
            .collect();
        let row_tile = product_tile(
            part_count([self.outputs, depth], pieces.len()),
            [self.outputs, depth, self.batch * pixels],
        )[0];
        sum_pieces(
            [self.outputs, depth],
            row_tile,
            &pieces,
            || (),
            |(), target, (item, run)| {
                let gradient = Matrix::new(
                    &gradient[item * self.outputs * pixels..],
                    [self.outputs, pixels],
                    pixels,
                );
                let gradient = gradient.part(target.rows.clone(), run.clone());
                view.gathered(view.picture(x, *item), run, |columns| {
                    add_product(target, gradient, columns.transposed());
                });
            },
        )
    }
}

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
    let [row_tile, _] = product_tile(batch, [outputs, depth, pixels]);
    let targets = rectangles(&mut output, [outputs, pixels], [row_tile, view.run()]);
    targets.into_par_iter().for_each(|target| {
        let (picture, run) = (view.picture(x, target.item), target.columns.clone());
        let weight = weight.part(target.rows.clone(), 0..depth);
        let start = bias.map_or(Start::Nothing, Start::Bias);
        let mut result = view.gathered(picture, &run, |columns| {
            set_product_onto(target, start, weight, columns)
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

impl View {
    fn output(&self) -> [usize; 2] {
        [self.height, self.width].map(|size| size.div_ceil(self.stride))
    }

    /// Of the output.
    fn pixels(&self) -> usize {
        self.output().iter().product()
    }

    /// Numbers in a column.
    fn depth(&self) -> usize {
        self.channels * 9
    }

    /// Columns gathered at a time: about half a megabyte of numbers.
    fn run(&self) -> usize {
        (131_072 / self.depth()).clamp(128, 2048) / 16 * 16
    }

    fn picture<'a>(&self, x: &'a [f32], item: usize) -> &'a [f32] {
        let length = self.channels * self.height * self.width;
        &x[item * length..][..length]
    }

    /// Writes the matrix `[9 channels, run]` of what each tap sees at a run of output pixels, and gives it to `work`.
    fn gathered<R>(&self, picture: &[f32], run: &Range<usize>, work: impl FnOnce(Matrix) -> R) -> R {
        COLUMNS.with_borrow_mut(|columns| {
            let size = self.depth() * run.len();
            columns.resize(columns.len().max(size), 0.0);
            self.gather(picture, run, &mut columns[..size]);
            work(Matrix::new(&columns[..size], [self.depth(), run.len()], run.len()))
        })
    }

    fn gather(&self, picture: &[f32], run: &Range<usize>, columns: &mut [f32]) {
        let width = self.output()[1];
        let rows = run.start / width..(run.end - 1) / width + 1;
        let mut targets = columns.chunks_exact_mut(run.len());
        for plane in picture.chunks_exact(self.height * self.width) {
            for tap in 0..9 {
                let mut target = targets.next().unwrap_or_default();
                for row in rows.clone() {
                    let start = run.start.max(row * width) - row * width;
                    let end = run.end.min((row + 1) * width) - row * width;
                    let (part, rest) = target.split_at_mut(end - start);
                    let seen = (row * self.stride + tap / 3)
                        .checked_sub(1)
                        .filter(|seen| *seen < self.height);
                    match seen.map(|seen| &plane[seen * self.width..][..self.width]) {
                        Some(seen) => self.shift(part, seen, start, tap % 3),
                        None => part.fill(0.0),
                    }
                    target = rest;
                }
            }
        }
    }

    /// `part[j] = seen[(start + j) * stride + tap - 1]`, zero outside.
    fn shift(&self, part: &mut [f32], seen: &[f32], start: usize, tap: usize) {
        let first = start * self.stride + tap;
        let (edge, part) = part.split_at_mut(usize::from(first == 0));
        edge.fill(0.0);
        let first = (first + edge.len() * self.stride) - 1;
        let seen = seen.get(first..).unwrap_or_default();
        let inside = seen.len().div_ceil(self.stride).min(part.len());
        let (part, edge) = part.split_at_mut(inside);
        if self.stride == 1 {
            copy_row(part, &seen[..inside]);
        } else {
            part.iter_mut()
                .zip(seen.iter().step_by(self.stride))
                .for_each(|(target, number)| *target = *number);
        }
        edge.fill(0.0);
    }
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
