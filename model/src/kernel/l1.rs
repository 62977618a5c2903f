//! Mean absolute difference, with the gradients of both sides in one pass.

use burn::tensor::{Shape, Tensor};

use super::{
    dispatch::{Simd, multiversion},
    operation::{Kernel, fits, run2},
    plain,
    rectangle::{Unwritten, unwritten, written},
    threads::Share,
};

/// Mean of `|a - b|`; a and b of one shape.
///
/// # Shapes
/// - output `[1]`
pub fn l1<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> Tensor<1> {
    if !fits(&a) || !fits(&b) || a.dims() != b.dims() {
        return plain::l1(a, b);
    }
    let length = a.shape().num_elements();
    run2(L1 { length }, a.reshape([length]), b.reshape([length]))
}

/// Numbers of a block, whose sum is one of the sums that are added in their order.
const BLOCK: usize = 4096;

#[derive(Clone, Debug)]
struct L1 {
    length: usize,
}

impl Kernel<2> for L1 {
    type Saved = ();

    fn output_shape(&self) -> Shape {
        Shape::new([1])
    }

    fn reads(&self, wanted: [bool; 2]) -> [bool; 2] {
        [wanted[0] || wanted[1]; 2]
    }

    fn forward(&self, [a, b]: [&[f32]; 2]) -> (Vec<f32>, ()) {
        let simd = Simd::current();
        let blocks = a.chunks(BLOCK).zip(b.chunks(BLOCK));
        let sums = blocks.share_map(|(a, b)| distance(simd, a, b));
        let total: f64 = sums.into_iter().map(f64::from).sum();
        (vec![(total / self.length as f64) as f32], ())
    }

    fn backward(&self, [a, b]: [&[f32]; 2], (): (), gradient: &[f32], wanted: [bool; 2]) -> [Option<Vec<f32>>; 2] {
        let simd = Simd::current();
        let share = gradient[0] / self.length as f32;
        let signs = |positive: f32| {
            let mut output = unwritten(self.length);
            let blocks = a.chunks(BLOCK).zip(b.chunks(BLOCK));
            output
                .chunks_mut(BLOCK)
                .zip(blocks)
                .share(|(output, (a, b))| sign(simd, output, a, b, positive));
            // SAFETY: the blocks cover the output.
            unsafe { written(output) }
        };
        [wanted[0].then(|| signs(share)), wanted[1].then(|| signs(-share))]
    }
}

multiversion! {
    /// The sum of `|a - b|`.
    fn distance<A, L>(a: &[f32], b: &[f32]) -> f32 {
        let mut lanes = [0.0_f32; L];
        let ((a, rest_a), (b, rest_b)) = (a.as_chunks::<L>(), b.as_chunks::<L>());
        for (a, b) in a.iter().zip(b) {
            for lane in 0..L {
                lanes[lane] += (a[lane] - b[lane]).abs();
            }
        }
        let rest: f32 = rest_a.iter().zip(rest_b).map(|(a, b)| (a - b).abs()).sum();
        lanes.iter().sum::<f32>() + rest
    }
}

multiversion! {
    /// `positive` where `a > b`, its opposite where `a < b`, else 0; no number where one of them is none.
    fn sign<A, L>(output: &mut [Unwritten], a: &[f32], b: &[f32], positive: f32) {
        for ((output, a), b) in output.iter_mut().zip(a).zip(b) {
            let difference = a - b;
            let sign = if difference == 0.0 { 0.0 } else { positive.copysign(difference * positive) };
            output.write(if difference.is_nan() { difference } else { sign });
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::agreement::{assert_agrees, assert_independent_of_threads};

    type Operation = fn(Tensor<4>, Tensor<4>) -> Tensor<1>;

    fn shaped(size: [usize; 4], operation: Operation) -> impl Fn(&[Tensor<1>]) -> Tensor<4> + Sync {
        move |leaves| {
            let [a, b] = [0, 1].map(|leaf| leaves[leaf].clone().reshape(size));
            operation(a, b).reshape([1, 1, 1, 1])
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]

        #[test]
        fn equals_plain(b in 1_usize..3, c in 1_usize..4, h in 1_usize..80, w in 1_usize..80, seed: u64) {
            let size = [b, c, h, w];
            let length = size.iter().product();
            assert_agrees(&[length; 2], seed >> 1, &shaped(size, l1), &shaped(size, plain::l1));
        }
    }

    #[test]
    fn equal_numbers_have_no_gradient() {
        let with_itself = |operation: Operation| {
            move |leaves: &[Tensor<1>]| {
                let a = leaves[0].clone().reshape([1, 1, 5, 7]);
                operation(a.clone(), a.detach()).reshape([1, 1, 1, 1])
            }
        };
        assert_agrees(&[35], 2, &with_itself(l1), &with_itself(plain::l1));
    }

    #[test]
    fn threads_do_not_change_bits() {
        assert_independent_of_threads(&[3 * 61 * 167; 2], &shaped([1, 3, 61, 167], l1));
    }
}
