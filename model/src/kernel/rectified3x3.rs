//! A dense 3x3 convolution with its ReLU, as VGG-16 is made of them.
//!
//! What is negative becomes 0 while the convolution's result is in the cache. For the backward pass one bit a number is
//! kept, whether it was above 0; so a tower whose weights are frozen keeps no picture at all.

use burn::tensor::{Shape, Tensor};

use super::{
    dense3x3::{Dense3x3, View, convolve},
    dispatch::{Simd, multiversion},
    operation::{Kernel, fits, run_convolution},
    plain,
    rectangle::{Unwritten, unwritten, written},
    threads::Share,
};

/// `max(conv3x3(x), 0)` with zero padding of 1.
///
/// # Shapes
/// - x `[B, I, H, W]`, weight `[O, I, 3, 3]`, bias `[O]`
/// - output `[B, O, H, W]`
pub fn rectified3x3(x: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>) -> Tensor<4> {
    if !fits(&x) {
        return plain::rectified3x3(x, weight, bias);
    }
    let [batch, inputs, height, width] = x.dims();
    let [outputs, ..] = weight.dims();
    assert_eq!(
        weight.dims(),
        [outputs, inputs, 3, 3],
        "rectified3x3: weight is [O, I, 3, 3]"
    );
    let view = View {
        channels: inputs,
        height,
        width,
        stride: 1,
    };
    run_convolution(Rectified3x3(Dense3x3 { batch, outputs, view }), x, weight, bias)
}

/// Numbers of a task.
const PIECE: usize = 1 << 14;

#[derive(Clone, Debug)]
struct Rectified3x3(Dense3x3);

impl<const N: usize> Kernel<N> for Rectified3x3 {
    /// A bit for every number of the output: whether it is above 0.
    type Saved = Vec<u16>;

    fn output_shape(&self) -> Shape {
        Kernel::<N>::output_shape(&self.0)
    }

    fn reads(&self, wanted: [bool; N]) -> [bool; N] {
        self.0.reads(wanted)
    }

    fn forward(&self, inputs: [&[f32]; N]) -> (Vec<f32>, Vec<u16>) {
        let simd = Simd::current();
        let output = self.infer(inputs);
        let mut above = vec![0; output.len().div_ceil(16)];
        above
            .chunks_mut(PIECE / 16)
            .zip(output.chunks(PIECE))
            .share(|(above, output)| note(simd, above, output));
        (output, above)
    }

    fn infer(&self, inputs: [&[f32]; N]) -> Vec<f32> {
        let bias = inputs.get(2).copied();
        convolve(inputs[0], self.0.view, self.0.batch, inputs[1], bias, true)
    }

    fn backward(
        &self,
        inputs: [&[f32]; N],
        above: Vec<u16>,
        gradient: &[f32],
        wanted: [bool; N],
    ) -> [Option<Vec<f32>>; N] {
        let simd = Simd::current();
        let mut passed = unwritten(gradient.len());
        passed
            .chunks_mut(PIECE)
            .zip(gradient.chunks(PIECE))
            .zip(above.chunks(PIECE / 16))
            .share(|((passed, gradient), above)| pass(simd, passed, gradient, above));
        // SAFETY: the pieces cover the buffer.
        let passed = unsafe { written(passed) };
        self.0.backward(inputs, (), &passed, wanted)
    }
}

multiversion! {
    fn note<A, L>(above: &mut [u16], numbers: &[f32]) {
        for (above, numbers) in above.iter_mut().zip(numbers.chunks(16)) {
            *above = match numbers.first_chunk::<16>() {
                Some(numbers) => (0..16).fold(0, |bits, bit| bits | (u16::from(numbers[bit] > 0.0) << bit)),
                None => numbers.iter().enumerate().fold(0, |bits, (bit, number)| bits | (u16::from(*number > 0.0) << bit)),
            };
        }
    }
}

multiversion! {
    fn pass<A, L>(passed: &mut [Unwritten], gradient: &[f32], above: &[u16]) {
        for ((passed, gradient), above) in passed.chunks_mut(16).zip(gradient.chunks(16)).zip(above) {
            for (bit, (passed, gradient)) in passed.iter_mut().zip(gradient).enumerate() {
                passed.write(if above & (1 << bit) == 0 { 0.0 } else { *gradient });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::agreement::{assert_agrees, assert_independent_of_threads};

    type Operation = fn(Tensor<4>, Tensor<4>, Option<Tensor<1>>) -> Tensor<4>;

    /// Sizes are batch, inputs, outputs, height, width.
    fn shaped(
        [b, i, o, h, w]: [usize; 5],
        bias: bool,
        operation: Operation,
    ) -> impl Fn(&[Tensor<1>]) -> Tensor<4> + Sync {
        move |leaves| {
            let [x, weight, offset] = [0, 1, 2].map(|leaf| leaves[leaf].clone());
            let bias = bias.then_some(offset);
            operation(x.reshape([b, i, h, w]), weight.reshape([o, i, 3, 3]), bias)
        }
    }

    fn lengths([b, i, o, h, w]: [usize; 5]) -> [usize; 3] {
        [b * i * h * w, o * i * 9, o]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn equals_plain(
            b in 1_usize..3, i in 1_usize..12, o in 1_usize..12, h in 1_usize..30, w in 1_usize..30, bias: bool, seed: u64
        ) {
            let size = [b, i, o, h, w];
            let (own, plain) = (shaped(size, bias, rectified3x3), shaped(size, bias, plain::rectified3x3));
            assert_agrees(&lengths(size), seed >> 1, &own, &plain);
        }
    }

    #[test]
    fn not_a_number_stays() {
        let device = burn::tensor::Device::flex();
        let x = Tensor::<4>::full([1, 1, 1, 1], f32::NAN, &device);
        assert!(
            rectified3x3(x, Tensor::ones([1, 1, 3, 3], &device), None)
                .into_scalar::<f32>()
                .is_nan()
        );
    }

    #[test]
    fn threads_do_not_change_bits() {
        let size = [2, 17, 33, 40, 37];
        assert_independent_of_threads(&lengths(size), &shaped(size, true, rectified3x3));
    }
}
