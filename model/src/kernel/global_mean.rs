//! What PyTorch calls `AdaptiveAvgPool2d(1)`: the mean of every plane.

use burn::tensor::{Shape, Tensor};

use super::{
    dispatch::Simd,
    operation::{Kernel, fits, run1},
    plain,
    rectangle::{Unwritten, unwritten, written},
    sums::sum,
    threads::Share,
};

/// # Shapes
/// - x `[B, C, H, W]`
/// - output `[B, C, 1, 1]`
pub fn global_mean(x: Tensor<4>) -> Tensor<4> {
    if !fits(&x) {
        return plain::global_mean(x);
    }
    run1(GlobalMean { shape: x.dims() }, x)
}

#[derive(Clone, Debug)]
struct GlobalMean {
    /// Of the input.
    shape: [usize; 4],
}

impl Kernel<1> for GlobalMean {
    type Saved = ();

    fn output_shape(&self) -> Shape {
        let [batch, channels, ..] = self.shape;
        Shape::new([batch, channels, 1, 1])
    }

    fn reads(&self, _: [bool; 1]) -> [bool; 1] {
        [false]
    }

    fn forward(&self, [x]: [&[f32]; 1]) -> (Vec<f32>, ()) {
        let simd = Simd::current();
        let pixels = self.pixels();
        let mean = |plane: &[f32]| sum(simd, plane) / pixels as f32;
        (x.chunks_exact(pixels).share_map(mean), ())
    }

    fn backward(&self, _: [&[f32]; 1], (): (), gradient: &[f32], _: [bool; 1]) -> [Option<Vec<f32>>; 1] {
        let pixels = self.pixels();
        let mut output = unwritten(gradient.len() * pixels);
        let planes = output.chunks_exact_mut(pixels).zip(gradient);
        planes.share(|(plane, gradient)| plane.fill(Unwritten::new(gradient / pixels as f32)));
        // SAFETY: the planes cover the output.
        [Some(unsafe { written(output) })]
    }
}

impl GlobalMean {
    fn pixels(&self) -> usize {
        self.shape[2] * self.shape[3]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::agreement::{assert_agrees, assert_independent_of_threads};

    fn shaped(size: [usize; 4], operation: fn(Tensor<4>) -> Tensor<4>) -> impl Fn(&[Tensor<1>]) -> Tensor<4> + Sync {
        // Means that nearly cancel are less exact, relative to their size, than what they are taken of.
        move |leaves| operation(leaves[0].clone().add_scalar(0.3).reshape(size))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]

        #[test]
        fn equals_plain(b in 1_usize..3, c in 1_usize..6, h in 1_usize..80, w in 1_usize..80, seed: u64) {
            let size = [b, c, h, w];
            let (own, plain) = (shaped(size, global_mean), shaped(size, plain::global_mean));
            assert_agrees(&[size.iter().product()], seed >> 1, &own, &plain);
        }
    }

    #[test]
    fn threads_do_not_change_bits() {
        assert_independent_of_threads(&[2 * 6 * 61 * 67], &shaped([2, 6, 61, 67], global_mean));
    }
}
