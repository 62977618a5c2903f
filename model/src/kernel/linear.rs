//! Linear map over the last dimension, with what follows it in a transformer's MLP.
//!
//! Tokens stand in the lanes of the registers: x is copied once into panels of 64 tokens, token by token side by side,
//! and the weight is read as it lies, row by row, each number spread over a register. So a weight, which is far larger
//! than x where tokens are few, is neither transposed nor copied. A task takes some outputs of some panels, and writes
//! them as rows while they are in its cache. Backwards, `dX = dZ W` and `dW = dZ^T X`, with Z what the activation saw.

use std::borrow::Cow;

use burn::tensor::{Shape, Tensor};

use super::{
    dispatch::{Simd, multiversion},
    gaussian::{exp, normal},
    matrix::{Matrix, set_product},
    operation::{Kernel, fits, run2, run3},
    plain,
    rectangle::{Rectangle, Unwritten, ranges, rectangles, unwritten, written},
    sums::{sum_parts, sum_pieces},
    threads::Share,
    transpose::transpose,
};

/// What follows a linear map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    Identity,
    /// `x sigmoid(1.702 x)`
    QuickGelu,
    /// `x Phi(x)`
    Gelu,
}

/// `activation(x weight^T + bias)`
///
/// # Shapes
/// - x `[..., I]`, weight `[O, I]`, bias `[O]`
/// - output `[..., O]`
pub fn linear<const D: usize>(
    x: Tensor<D>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
    activation: Activation,
) -> Tensor<D> {
    if !fits(&x) || !fits(&weight) {
        return plain::linear(x, weight, bias, activation);
    }
    let mut shape = x.shape();
    let [outputs, inputs] = weight.dims();
    assert_eq!(shape[D - 1], inputs, "linear: weight is [O, I] for x [..., I]");
    let rows = shape.num_elements() / inputs;
    shape[D - 1] = outputs;
    let kernel = Linear {
        shape,
        rows,
        inputs,
        outputs,
        activation,
    };
    match bias {
        Some(bias) => run3(kernel, x, weight, bias),
        None => run2(kernel, x, weight),
    }
}

/// Tokens of a panel.
const PANEL: usize = 64;
/// Panels of a task, at most.
const PANELS: usize = 12;
/// Multiplications of a task.
const TASK: usize = 4 << 20;
/// Fewer tokens than this would leave most lanes empty.
const FEW: usize = 12;
/// Tokens of a piece of the weight's gradient.
const PIECE: usize = 1024;

#[derive(Clone, Debug)]
struct Linear {
    /// Of the output.
    shape: Shape,
    /// Tokens.
    rows: usize,
    inputs: usize,
    outputs: usize,
    activation: Activation,
}

impl<const N: usize> Kernel<N> for Linear {
    /// What the activation saw; empty without one.
    type Saved = Vec<f32>;

    fn output_shape(&self) -> Shape {
        self.shape.clone()
    }

    fn reads(&self, wanted: [bool; N]) -> [bool; N] {
        let mut reads = [false; N];
        reads[..2].copy_from_slice(&[wanted[1], wanted[0]]);
        reads
    }

    fn forward(&self, inputs: [&[f32]; N]) -> (Vec<f32>, Vec<f32>) {
        let keep = self.activation != Activation::Identity;
        self.product(inputs[0], inputs[1], inputs.get(2).copied(), keep)
    }

    fn infer(&self, inputs: [&[f32]; N]) -> Vec<f32> {
        self.product(inputs[0], inputs[1], inputs.get(2).copied(), false).0
    }

    fn backward(
        &self,
        inputs: [&[f32]; N],
        seen: Vec<f32>,
        gradient: &[f32],
        wanted: [bool; N],
    ) -> [Option<Vec<f32>>; N] {
        let gradient = self.through_activation(seen, gradient);
        let mut gradients = [const { None }; N];
        if wanted[0] {
            gradients[0] = Some(self.input_gradient(inputs[1], &gradient));
        }
        if wanted[1] {
            gradients[1] = Some(self.weight_gradient(inputs[0], &gradient));
        }
        if N > 2 && wanted[2] {
            let blocks = gradient.chunks(64 * self.outputs);
            let parts = blocks.share_map(|block| sum_parts(block, self.outputs));
            gradients[2] = Some(sum_parts(&parts.concat(), self.outputs));
        }
        gradients
    }
}

impl Linear {
    /// The output, and if it is to be kept, what the activation saw.
    fn product(&self, x: &[f32], weight: &[f32], bias: Option<&[f32]>, keep: bool) -> (Vec<f32>, Vec<f32>) {
        let simd = Simd::current();
        let Self {
            rows,
            inputs,
            outputs,
            activation,
            ..
        } = *self;
        let few = rows < FEW;
        let panels = if few { Vec::new() } else { self.panels(simd, x) };
        let weight = Matrix::new(weight, [outputs, inputs], inputs);
        let mut output = unwritten(rows * outputs);
        let mut seen = unwritten(if keep { output.len() } else { 0 });
        let tile = self.tile();
        let kept = rectangles(&mut seen, [rows, outputs], tile).into_iter().map(Some);
        rectangles(&mut output, [rows, outputs], tile)
            .into_iter()
            .zip(kept.chain(std::iter::repeat_with(|| None)))
            .share_with(Vec::new, |scratch, (mut output, mut seen)| {
                let (tokens, places) = (output.rows.clone(), output.columns.clone());
                let bias = bias.map(|bias| &bias[places.clone()]);
                for first in tokens.clone().step_by(PANEL) {
                    let tokens_here = PANEL.min(tokens.end - first);
                    let lanes = if few {
                        tokens_here
                    } else {
                        tokens_here.next_multiple_of(16)
                    };
                    scratch.resize(places.len() * lanes, 0.0);
                    if few {
                        let weight = weight.part(places.clone(), 0..inputs);
                        dots(simd, scratch, weight.numbers(), x, inputs, lanes);
                    } else {
                        let panel = Matrix::new(&panels[first * inputs..], [inputs, lanes], lanes);
                        let target = Rectangle::whole(as_unwritten(scratch), [places.len(), lanes]);
                        set_product(target, weight.part(places.clone(), 0..inputs), panel);
                    }
                    let at = first - tokens.start;
                    if let Some(bias) = bias {
                        for (numbers, bias) in scratch.chunks_exact_mut(lanes).zip(bias) {
                            for number in numbers {
                                *number += bias;
                            }
                        }
                    }
                    if let Some(seen) = &mut seen {
                        write_rows(simd, seen, at, tokens_here, scratch, lanes);
                    }
                    activate(simd, scratch, activation);
                    write_rows(simd, &mut output, at, tokens_here, scratch, lanes);
                }
            });
        // SAFETY: the tasks cover both buffers.
        unsafe { (written(output), written(seen)) }
    }

    /// x as `[I, 64]` panels, the last one narrower, but whole registers wide.
    fn panels(&self, simd: Simd, x: &[f32]) -> Vec<f32> {
        let inputs = self.inputs;
        let mut panels = unwritten(self.rows.next_multiple_of(16) * inputs);
        let targets = panels.chunks_mut(PANEL * inputs).zip(x.chunks(PANEL * inputs));
        targets.share(|(panel, x)| {
            let (lanes, tokens) = (panel.len() / inputs, x.len() / inputs);
            transpose(simd, panel, lanes, x, inputs, tokens, inputs);
            for numbers in panel.chunks_exact_mut(lanes) {
                numbers[tokens..].fill(Unwritten::new(0.0));
            }
        });
        // SAFETY: every lane was written.
        unsafe { written(panels) }
    }

    /// Tokens and outputs of a task; by the sizes alone.
    fn tile(&self) -> [usize; 2] {
        let panels = self.rows.div_ceil(PANEL);
        let panels = panels.div_ceil(panels.div_ceil(PANELS));
        let outputs = TASK / (panels * PANEL * self.inputs);
        [panels * PANEL, (outputs / 6 * 6).clamp(48, 192)]
    }

    /// dZ from dY.
    fn through_activation<'a>(&self, seen: Vec<f32>, gradient: &'a [f32]) -> Cow<'a, [f32]> {
        if self.activation == Activation::Identity {
            return Cow::Borrowed(gradient);
        }
        let simd = Simd::current();
        let mut seen = seen;
        seen.chunks_mut(8192)
            .zip(gradient.chunks(8192))
            .share(|(seen, gradient)| activation_gradient(simd, seen, gradient, self.activation));
        Cow::Owned(seen)
    }

    fn input_gradient(&self, weight: &[f32], gradient: &[f32]) -> Vec<f32> {
        let (inputs, outputs, rows) = (self.inputs, self.outputs, self.rows);
        let weight = Matrix::new(weight, [outputs, inputs], inputs);
        let gradient = Matrix::new(gradient, [rows, outputs], outputs);
        let mut result = unwritten(rows * inputs);
        let row_tile = rows.div_ceil(rows.div_ceil(512));
        let column_tile = (TASK / (row_tile * outputs) / 64 * 64).clamp(64, 256);
        rectangles(&mut result, [rows, inputs], [row_tile, column_tile])
            .into_iter()
            .share(|target| {
                let weight = weight.part(0..outputs, target.columns.clone());
                let gradient = gradient.part(target.rows.clone(), 0..outputs);
                set_product(target, gradient, weight);
            });
        // SAFETY: the rectangles cover the buffer.
        unsafe { written(result) }
    }

    fn weight_gradient(&self, x: &[f32], gradient: &[f32]) -> Vec<f32> {
        let (inputs, outputs, rows) = (self.inputs, self.outputs, self.rows);
        let pieces: Vec<_> = ranges(rows, PIECE).collect();
        let (x, gradient) = (
            Matrix::new(x, [rows, inputs], inputs),
            Matrix::new(gradient, [rows, outputs], outputs),
        );
        sum_pieces(
            [outputs, rows, inputs],
            None,
            &pieces,
            || (),
            |(), sum, tokens| {
                let gradient = gradient.part(tokens.clone(), sum.rows()).transposed();
                sum.add_product(gradient, x.part(tokens.clone(), 0..inputs));
            },
        )
    }
}

/// The buffer as one to write to.
fn as_unwritten(buffer: &mut [f32]) -> &mut [Unwritten] {
    // SAFETY: the layouts are the same, and only numbers are written through it.
    unsafe { std::slice::from_raw_parts_mut(buffer.as_mut_ptr().cast(), buffer.len()) }
}

multiversion! {
    /// `target[o][m] = weight[o] . x[m]` for a few rows of x.
    fn dots<A, L>(target: &mut [f32], weight: &[f32], x: &[f32], inputs: usize, rows: usize) {
        for (target, weight) in target.chunks_exact_mut(rows).zip(weight.chunks_exact(inputs)) {
            for (target, x) in target.iter_mut().zip(x.chunks_exact(inputs)) {
                let mut lanes = [[0.0_f32; L]; 4];
                let whole = inputs / (4 * L) * (4 * L);
                for start in (0..whole).step_by(4 * L) {
                    for (part, lanes) in lanes.iter_mut().enumerate() {
                        let weight: &[f32; L] = weight[start + part * L..].first_chunk().expect("a whole register");
                        let x: &[f32; L] = x[start + part * L..].first_chunk().expect("a whole register");
                        for lane in 0..L {
                            lanes[lane] = A::mul_add(weight[lane], x[lane], lanes[lane]);
                        }
                    }
                }
                let rest = weight[whole..].iter().zip(&x[whole..]).map(|(a, b)| a * b).sum::<f32>();
                *target = lanes.iter().map(|lanes| lanes.iter().sum::<f32>()).sum::<f32>() + rest;
            }
        }
    }
}

multiversion! {
    /// Writes `[outputs, lanes]` numbers as rows of tokens, from row `first` on.
    fn write_rows<A, L>(
        target: &mut Rectangle<Unwritten>,
        first: usize,
        tokens: usize,
        numbers: &[f32],
        lanes: usize,
    ) {
        const SIDE: usize = 16;
        let outputs = numbers.len() / lanes;
        for output in (0..outputs).step_by(SIDE) {
            let width = SIDE.min(outputs - output);
            for token in (0..tokens).step_by(SIDE) {
                let height = SIDE.min(tokens - token);
                let mut block = [[0.0_f32; SIDE]; SIDE];
                for (place, block) in block.iter_mut().take(width).enumerate() {
                    let numbers = &numbers[(output + place) * lanes + token..];
                    match numbers.first_chunk() {
                        Some(numbers) if height == SIDE => *block = *numbers,
                        _ => block[..height].copy_from_slice(&numbers[..height]),
                    }
                }
                for row in 0..height {
                    let line: [f32; SIDE] = std::array::from_fn(|place| block[place][row]);
                    let target = &mut target.row(first + token + row)[output..];
                    match target.first_chunk_mut::<SIDE>() {
                        Some(target) if width == SIDE => *target = line.map(Unwritten::new),
                        _ => {
                            target[..width].write_copy_of_slice(&line[..width]);
                        }
                    }
                }
            }
        }
    }
}

multiversion! {
    fn activate<A, L>(numbers: &mut [f32], activation: Activation) {
        match activation {
            Activation::Identity => {}
            Activation::QuickGelu => numbers.iter_mut().for_each(|x| *x *= gate::<A>(*x)),
            Activation::Gelu => numbers.iter_mut().for_each(|x| *x *= normal::<A>(*x).0),
        }
    }
}

multiversion! {
    /// `seen = gradient * activation'(seen)`
    fn activation_gradient<A, L>(seen: &mut [f32], gradient: &[f32], activation: Activation) {
        match activation {
            Activation::Identity => seen.copy_from_slice(gradient),
            Activation::QuickGelu => {
                for (x, gradient) in seen.iter_mut().zip(gradient) {
                    let gate = gate::<A>(*x);
                    *x = gradient * A::mul_add(STEEPNESS * *x * gate, 1.0 - gate, gate);
                }
            }
            Activation::Gelu => {
                for (x, gradient) in seen.iter_mut().zip(gradient) {
                    let (phi, density) = normal::<A>(*x);
                    *x = gradient * A::mul_add(*x, density, phi);
                }
            }
        }
    }
}

/// Of QuickGELU.
const STEEPNESS: f32 = 1.702;

/// `sigmoid(1.702 x)`
#[inline(always)]
fn gate<A: super::dispatch::Arithmetic>(x: f32) -> f32 {
    let e = exp::<A>(-(STEEPNESS * x).abs().min(87.0));
    let large = 1.0 / (1.0 + e);
    if x < 0.0 { e * large } else { large }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::agreement::{assert_agrees, assert_independent_of_threads};

    type Operation = fn(Tensor<3>, Tensor<2>, Option<Tensor<1>>, Activation) -> Tensor<3>;

    const ALL: [Activation; 3] = [Activation::Identity, Activation::QuickGelu, Activation::Gelu];

    /// Sizes are batch, tokens, inputs, outputs.
    fn shaped(
        [b, t, i, o]: [usize; 4],
        bias: bool,
        activation: Activation,
        operation: Operation,
    ) -> impl Fn(&[Tensor<1>]) -> Tensor<4> + Sync {
        move |leaves| {
            let [x, weight, offset] = [0, 1, 2].map(|leaf| leaves[leaf].clone());
            let bias = bias.then_some(offset);
            operation(x.reshape([b, t, i]), weight.reshape([o, i]), bias, activation).unsqueeze()
        }
    }

    fn lengths([b, t, i, o]: [usize; 4]) -> [usize; 3] {
        [b * t * i, o * i, o]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn equals_plain(
            b in 1_usize..3, t in 1_usize..90, i in 1_usize..70, o in 1_usize..70, bias: bool, which in 0_usize..3, seed: u64
        ) {
            let size = [b, t, i, o];
            let (own, plain) = (
                shaped(size, bias, ALL[which], linear),
                shaped(size, bias, ALL[which], plain::linear),
            );
            assert_agrees(&lengths(size), seed >> 1, &own, &plain);
        }
    }

    #[test]
    fn many_panels_and_outputs_equal_plain() {
        for size in [[3, 301, 20, 210], [1, 20, 300, 400], [2, 3, 200, 300]] {
            for activation in ALL {
                let (own, plain) = (
                    shaped(size, true, activation, linear),
                    shaped(size, true, activation, plain::linear),
                );
                assert_agrees(&lengths(size), 3, &own, &plain);
            }
        }
    }

    #[test]
    fn activations_stay_finite_far_out_and_not_a_number_stays() {
        for activation in ALL {
            let x = Tensor::<2>::from_data([[-1e30_f32, 1e30, f32::NAN]], &burn::tensor::Device::flex());
            let y = linear(
                x.transpose(),
                Tensor::ones([1, 1], &burn::tensor::Device::flex()),
                None,
                activation,
            );
            let y: Vec<f32> = y.into_data().try_to_vec().unwrap();
            assert!(
                y[0] <= 0.0 && y[0].is_finite() && y[1] == 1e30 && y[2].is_nan(),
                "{activation:?}: {y:?}"
            );
        }
    }

    #[test]
    fn threads_do_not_change_bits() {
        let size = [2, 333, 70, 150];
        assert_independent_of_threads(&lengths(size), &shaped(size, true, Activation::Gelu, linear));
    }
}
