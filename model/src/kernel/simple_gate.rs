//! SimpleGate, the only nonlinearity of a NAFNet: the product of the two halves of the channels.

use burn::tensor::{Shape, Tensor};

use super::{
    dispatch::{Simd, multiversion},
    operation::{Kernel, fits, run1},
    plain,
    rectangle::{Unwritten, unwritten, written},
    threads::Share,
};

/// `x1 * x2`
///
/// # Shapes
/// - x `[B, 2C, H, W]`, split in halves x1, x2 along the channels
/// - output `[B, C, H, W]`
pub fn simple_gate(x: Tensor<4>) -> Tensor<4> {
    let [batch, channels, height, width] = x.dims();
    if !fits(&x) || channels % 2 != 0 {
        return plain::simple_gate(x);
    }
    let shape = [batch, channels / 2, height, width];
    run1(SimpleGate { shape }, x)
}

/// Numbers of a task.
const PIECE: usize = 16_384;

#[derive(Clone, Debug)]
struct SimpleGate {
    /// Of the output.
    shape: [usize; 4],
}

impl Kernel<1> for SimpleGate {
    type Saved = ();

    fn output_shape(&self) -> Shape {
        Shape::new(self.shape)
    }

    fn reads(&self, wanted: [bool; 1]) -> [bool; 1] {
        wanted
    }

    fn forward(&self, [x]: [&[f32]; 1]) -> (Vec<f32>, ()) {
        let (simd, half) = (Simd::current(), self.half());
        let mut output = unwritten(x.len() / 2);
        let items = output.chunks_exact_mut(half).zip(x.chunks_exact(2 * half));
        let pieces = items.flat_map(|(output, x)| {
            let (x1, x2) = x.split_at(half);
            output.chunks_mut(PIECE).zip(x1.chunks(PIECE).zip(x2.chunks(PIECE)))
        });
        pieces.share(|(output, (x1, x2))| product(simd, output, x1, x2));
        // SAFETY: the pieces cover the output.
        (unsafe { written(output) }, ())
    }

    fn backward(&self, [x]: [&[f32]; 1], (): (), gradient: &[f32], _: [bool; 1]) -> [Option<Vec<f32>>; 1] {
        let (simd, half) = (Simd::current(), self.half());
        let mut output = unwritten(x.len());
        let items = output.chunks_exact_mut(2 * half).zip(x.chunks_exact(2 * half));
        let pieces = items
            .zip(gradient.chunks_exact(half))
            .flat_map(|((output, x), gradient)| {
                let (x1, x2) = x.split_at(half);
                let (output1, output2) = output.split_at_mut(half);
                [(output1, x2), (output2, x1)].into_iter().flat_map(|(output, other)| {
                    let inputs = other.chunks(PIECE).zip(gradient.chunks(PIECE));
                    output.chunks_mut(PIECE).zip(inputs)
                })
            });
        pieces.share(|(output, (other, gradient))| product(simd, output, other, gradient));
        // SAFETY: the pieces cover both halves.
        [Some(unsafe { written(output) })]
    }
}

impl SimpleGate {
    /// Numbers in one half of one picture's channels.
    fn half(&self) -> usize {
        self.shape[1..].iter().product()
    }
}

multiversion! {
    fn product<A, L>(output: &mut [Unwritten], a: &[f32], b: &[f32]) {
        for ((output, a), b) in output.iter_mut().zip(a).zip(b) {
            output.write(a * b);
        }
    }
}

multiversion! {
    /// `x1 = x1 * x2`
    pub(super) fn simple_gate_in_place<A, L>(x1: &mut [f32], x2: &[f32]) {
        for (x1, x2) in x1.iter_mut().zip(x2) {
            *x1 *= x2;
        }
    }
}

multiversion! {
    /// From x1, x2 and the output's gradient to the gradients of x1 and x2.
    pub(super) fn simple_gate_gradient_in_place<A, L>(x1: &mut [f32], x2: &mut [f32], gradient: &[f32]) {
        for ((x1, x2), gradient) in x1.iter_mut().zip(x2).zip(gradient) {
            (*x1, *x2) = (gradient * *x2, gradient * *x1);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::agreement::{assert_agrees, assert_independent_of_threads};

    fn shaped(size: [usize; 4], operation: fn(Tensor<4>) -> Tensor<4>) -> impl Fn(&[Tensor<1>]) -> Tensor<4> + Sync {
        move |leaves| operation(leaves[0].clone().reshape(size))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]

        #[test]
        fn equals_plain(b in 1_usize..3, c in 1_usize..6, h in 1_usize..50, w in 1_usize..50, seed: u64) {
            let size = [b, 2 * c, h, w];
            let (own, plain) = (shaped(size, simple_gate), shaped(size, plain::simple_gate));
            assert_agrees(&[size.iter().product()], seed >> 1, &own, &plain);
        }
    }

    #[test]
    fn a_view_equals_plain() {
        let turned = |operation: fn(Tensor<4>) -> Tensor<4>| {
            move |leaves: &[Tensor<1>]| operation(leaves[0].clone().reshape([2, 7, 5, 4]).permute([0, 3, 2, 1]))
        };
        assert_agrees(&[280], 5, &turned(simple_gate), &turned(plain::simple_gate));
    }

    #[test]
    fn threads_do_not_change_bits() {
        assert_independent_of_threads(&[2 * 6 * 61 * 67], &shaped([2, 6, 61, 67], simple_gate));
    }
}
