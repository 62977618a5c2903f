//! Modulation of channels, `γ ⊙ x + β` with one γ and one β a channel and picture: eq. 6's last line.
//!
//! The backward pass reads x and the output's gradient once for all three gradients. Without γ, x's gradient is the
//! output's own.

use burn::tensor::{Shape, Tensor};

use super::{
    dispatch::{Simd, multiversion},
    operation::{Kernel, fits, run2, run3},
    plain,
    rectangle::{Unwritten, unwritten, written},
    sums::sum,
    threads::Share,
};

/// # Shapes
/// - x and output `[B, C, H, W]`
/// - gamma and beta `[B, C, 1, 1]`; without a gamma, beta is only added
pub fn modulate(x: Tensor<4>, gamma: Option<Tensor<4>>, beta: Tensor<4>) -> Tensor<4> {
    let [batch, channels, height, width] = x.dims();
    let fit = |y: &Tensor<4>| y.dims() == [batch, channels, 1, 1];
    if !fits(&x) || !fit(&beta) || !gamma.as_ref().is_none_or(fit) {
        return plain::modulate(x, gamma, beta);
    }
    let kernel = Modulate {
        shape: [batch, channels, height, width],
    };
    match gamma {
        Some(gamma) => run3(kernel, x, beta, gamma),
        None => run2(kernel, x, beta),
    }
}

/// With two inputs, x and β; the third is γ.
#[derive(Clone, Debug)]
struct Modulate {
    shape: [usize; 4],
}

impl<const N: usize> Kernel<N> for Modulate {
    type Saved = ();

    fn output_shape(&self) -> Shape {
        Shape::new(self.shape)
    }

    fn reads(&self, wanted: [bool; N]) -> [bool; N] {
        let mut reads = [false; N];
        if N > 2 {
            (reads[0], reads[2]) = (wanted[2], wanted[0]);
        }
        reads
    }

    fn added(&self) -> [bool; N] {
        let mut added = [false; N];
        added[0] = N == 2;
        added
    }

    fn forward(&self, inputs: [&[f32]; N]) -> (Vec<f32>, ()) {
        let simd = Simd::current();
        let (x, beta, gamma) = (inputs[0], inputs[1], inputs.get(2));
        let mut output = unwritten(x.len());
        let planes = output
            .chunks_exact_mut(self.pixels())
            .zip(x.chunks_exact(self.pixels()));
        planes.enumerate().share(|(plane, (output, x))| {
            let gamma = gamma.map_or(1.0, |gamma| gamma[plane]);
            scale(simd, output, x, gamma, beta[plane]);
        });
        // SAFETY: the planes cover the output.
        (unsafe { written(output) }, ())
    }

    fn backward(&self, inputs: [&[f32]; N], (): (), gradient: &[f32], wanted: [bool; N]) -> [Option<Vec<f32>>; N] {
        let simd = Simd::current();
        let pixels = self.pixels();
        let planes = || gradient.chunks_exact(pixels);
        let mut gradients = [const { None }; N];
        if N > 2 && wanted[0] {
            let mut output = unwritten(gradient.len());
            let outputs = output.chunks_exact_mut(pixels).zip(planes());
            outputs
                .zip(inputs[2])
                .share(|((output, gradient), &gamma)| scale(simd, output, gradient, gamma, 0.0));
            // SAFETY: the planes cover the output.
            gradients[0] = Some(unsafe { written(output) });
        }
        gradients[1] = wanted[1].then(|| planes().share_map(|gradient| sum(simd, gradient)));
        if N > 2 && wanted[2] {
            let products = planes().zip(inputs[0].chunks_exact(pixels));
            gradients[2] = Some(products.share_map(|(gradient, x)| dot(simd, gradient, x)));
        }
        gradients
    }
}

impl Modulate {
    fn pixels(&self) -> usize {
        self.shape[2] * self.shape[3]
    }
}

multiversion! {
    fn scale<A, L>(output: &mut [Unwritten], x: &[f32], gamma: f32, beta: f32) {
        for (output, &x) in output.iter_mut().zip(x) {
            output.write(A::mul_add(x, gamma, beta));
        }
    }
}

multiversion! {
    /// The sum of all products, in blocks.
    fn dot<A, L>(a: &[f32], b: &[f32]) -> f32 {
        let mut total = 0.0;
        for (a, b) in a.chunks(4096).zip(b.chunks(4096)) {
            let mut lanes = [0.0_f32; L];
            let ((a, rest_a), (b, rest_b)) = (a.as_chunks::<L>(), b.as_chunks::<L>());
            for (a, b) in a.iter().zip(b) {
                for lane in 0..L {
                    lanes[lane] = A::mul_add(a[lane], b[lane], lanes[lane]);
                }
            }
            let rest: f32 = rest_a.iter().zip(rest_b).map(|(a, b)| a * b).sum();
            total += lanes.iter().sum::<f32>() + rest;
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::agreement::{assert_agrees, assert_independent_of_threads};

    type Operation = fn(Tensor<4>, Option<Tensor<4>>, Tensor<4>) -> Tensor<4>;

    fn shaped(size: [usize; 4], gamma: bool, operation: Operation) -> impl Fn(&[Tensor<1>]) -> Tensor<4> + Sync {
        let [b, c, ..] = size;
        move |leaves| {
            let of_channels = |leaf: usize| leaves[leaf].clone().reshape([b, c, 1, 1]);
            operation(
                leaves[0].clone().reshape(size),
                gamma.then(|| of_channels(2)),
                of_channels(1),
            )
        }
    }

    fn lengths([b, c, h, w]: [usize; 4]) -> [usize; 3] {
        [b * c * h * w, b * c, b * c]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        #[test]
        fn equals_plain(b in 1_usize..4, c in 1_usize..6, h in 1_usize..80, w in 1_usize..80, gamma: bool, seed: u64) {
            let size = [b, c, h, w];
            let (own, plain) = (shaped(size, gamma, modulate), shaped(size, gamma, plain::modulate));
            assert_agrees(&lengths(size), seed >> 1, &own, &plain);
        }
    }

    #[test]
    fn one_condition_for_all_pictures_equals_plain() {
        let broadcast = |operation: Operation| {
            move |leaves: &[Tensor<1>]| {
                let beta = leaves[1].clone().reshape([1, 3, 1, 1]);
                operation(leaves[0].clone().reshape([2, 3, 4, 5]), Some(beta.clone()), beta)
            }
        };
        assert_agrees(&[120, 3], 5, &broadcast(modulate), &broadcast(plain::modulate));
    }

    #[test]
    fn threads_do_not_change_bits() {
        let size = [2, 6, 61, 67];
        assert_independent_of_threads(&lengths(size), &shaped(size, true, modulate));
    }
}
