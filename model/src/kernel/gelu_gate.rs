//! The gate of Restormer's feed-forward network: `gelu(x1) * x2` with the exact GELU, `gelu(x) = x Phi(x)`.
//!
//! The backward pass computes Phi once more from the input: that is cheaper than keeping it.

use burn::tensor::{Shape, Tensor};

use super::{
    dispatch::{Simd, multiversion},
    gaussian::normal,
    operation::{Kernel, fits, run1},
    plain,
    rectangle::{Unwritten, unwritten, written},
    threads::Share,
};

/// # Shapes
/// - x `[B, 2C, H, W]`, split in halves x1, x2 along the channels
/// - output `[B, C, H, W]`
pub fn gelu_gate(x: Tensor<4>) -> Tensor<4> {
    let [batch, channels, height, width] = x.dims();
    if !fits(&x) || channels % 2 != 0 {
        return plain::gelu_gate(x);
    }
    run1(
        GeluGate {
            shape: [batch, channels / 2, height, width],
        },
        x,
    )
}

/// Numbers of a task.
const PIECE: usize = 8192;

#[derive(Clone, Debug)]
struct GeluGate {
    /// Of the output.
    shape: [usize; 4],
}

impl Kernel<1> for GeluGate {
    type Saved = ();

    fn output_shape(&self) -> Shape {
        Shape::new(self.shape)
    }

    fn reads(&self, wanted: [bool; 1]) -> [bool; 1] {
        wanted
    }

    fn forward(&self, [x]: [&[f32]; 1]) -> (Vec<f32>, ()) {
        let simd = Simd::current();
        let half = self.half();
        let mut output = unwritten(x.len() / 2);
        let items = output.chunks_exact_mut(half).zip(x.chunks_exact(2 * half));
        let pieces = items.flat_map(|(output, x)| {
            let (x1, x2) = x.split_at(half);
            output.chunks_mut(PIECE).zip(x1.chunks(PIECE).zip(x2.chunks(PIECE)))
        });
        pieces.share(|(output, (x1, x2))| gate(simd, output, x1, x2));
        // SAFETY: the pieces cover the output.
        (unsafe { written(output) }, ())
    }

    fn backward(&self, [x]: [&[f32]; 1], (): (), gradient: &[f32], _: [bool; 1]) -> [Option<Vec<f32>>; 1] {
        let simd = Simd::current();
        let half = self.half();
        let mut output = unwritten(x.len());
        let items = output.chunks_exact_mut(2 * half).zip(x.chunks_exact(2 * half));
        let pieces = items
            .zip(gradient.chunks_exact(half))
            .flat_map(|((output, x), gradient)| {
                let (x1, x2) = x.split_at(half);
                let (output1, output2) = output.split_at_mut(half);
                let outputs = output1.chunks_mut(PIECE).zip(output2.chunks_mut(PIECE));
                let inputs = x1.chunks(PIECE).zip(x2.chunks(PIECE)).zip(gradient.chunks(PIECE));
                outputs.zip(inputs)
            });
        pieces.share(|((output1, output2), ((x1, x2), gradient))| {
            gate_gradient(simd, output1, output2, x1, x2, gradient);
        });
        // SAFETY: the pieces cover both halves.
        [Some(unsafe { written(output) })]
    }
}

impl GeluGate {
    /// Numbers in one half of one picture's channels.
    fn half(&self) -> usize {
        self.shape[1..].iter().product()
    }
}

multiversion! {
    fn gate<A, L>(output: &mut [Unwritten], x1: &[f32], x2: &[f32]) {
        for ((output, &x1), &x2) in output.iter_mut().zip(x1).zip(x2) {
            output.write(x1 * normal::<A>(x1).0 * x2);
        }
    }
}

multiversion! {
    fn gate_gradient<A, L>(output1: &mut [Unwritten], output2: &mut [Unwritten], x1: &[f32], x2: &[f32], gradient: &[f32]) {
        let outputs = output1.iter_mut().zip(output2);
        let inputs = x1.iter().zip(x2).zip(gradient);
        for ((output1, output2), ((&x1, &x2), &gradient)) in outputs.zip(inputs) {
            let (phi, density) = normal::<A>(x1);
            output1.write(gradient * x2 * A::mul_add(x1, density, phi));
            output2.write(gradient * x1 * phi);
        }
    }
}

multiversion! {
    /// `x1 = gelu(x1) * x2`
    pub(super) fn gate_in_place<A, L>(x1: &mut [f32], x2: &[f32]) {
        for (x1, &x2) in x1.iter_mut().zip(x2) {
            *x1 = *x1 * normal::<A>(*x1).0 * x2;
        }
    }
}

multiversion! {
    /// From x1, x2 and the output's gradient to the gradients of x1 and x2.
    pub(super) fn gate_gradient_in_place<A, L>(x1: &mut [f32], x2: &mut [f32], gradient: &[f32]) {
        for ((x1, x2), &gradient) in x1.iter_mut().zip(x2).zip(gradient) {
            let (phi, density) = normal::<A>(*x1);
            let own = gradient * *x2 * A::mul_add(*x1, density, phi);
            *x2 = gradient * *x1 * phi;
            *x1 = own;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::agreement::{assert_agrees, assert_independent_of_threads};

    fn shaped(size: [usize; 4], operation: fn(Tensor<4>) -> Tensor<4>) -> impl Fn(&[Tensor<1>]) -> Tensor<4> + Sync {
        move |leaves| operation(leaves[0].clone().mul_scalar(2.0).reshape(size))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]

        #[test]
        fn equals_plain(b in 1_usize..3, c in 1_usize..6, h in 1_usize..50, w in 1_usize..50, seed: u64) {
            let size = [b, 2 * c, h, w];
            assert_agrees(&[size.iter().product()], seed >> 1, &shaped(size, gelu_gate), &shaped(size, plain::gelu_gate));
        }
    }

    #[test]
    fn threads_do_not_change_bits() {
        assert_independent_of_threads(&[2 * 6 * 61 * 67], &shaped([2, 6, 61, 67], gelu_gate));
    }
}
