//! Layer norm over the last dimension: the tokens of a transformer.
//!
//! A token's numbers stay in the first cache while they are passed over. The mean and the inverse deviation of each token
//! are kept for the backward pass. With `u = (x - mean) / deviation`, `g = dy * weight` and averages over the token:
//! `dx = (g - avg(g) - u avg(g u)) / deviation`.

use burn::tensor::{Shape, Tensor};

use super::{
    dispatch::{Simd, multiversion},
    operation::{Kernel, fits, run3},
    plain,
    rectangle::{Unwritten, unwritten, written},
    sums::{lane_sum, sum_parts},
    threads::Share,
};

/// `(x - mean) / sqrt(var + eps) * weight + bias` with the biased variance.
///
/// # Shapes
/// - x `[..., C]`, weight `[C]`, bias `[C]`
/// - output `[..., C]`
pub fn token_norm<const D: usize>(x: Tensor<D>, weight: Tensor<1>, bias: Tensor<1>, eps: f64) -> Tensor<D> {
    if !fits(&x) {
        return plain::token_norm(x, weight, bias, eps);
    }
    let shape = x.shape();
    assert_eq!(
        weight.dims(),
        [shape[D - 1]],
        "token_norm: weight is [C] for x [..., C]"
    );
    let kernel = TokenNorm {
        width: shape[D - 1],
        shape,
        eps: eps as f32,
    };
    run3(kernel, x, weight, bias)
}

/// Numbers of a task.
const PIECE: usize = 16_384;

#[derive(Clone, Debug)]
struct TokenNorm {
    shape: Shape,
    width: usize,
    eps: f32,
}

impl Kernel<3> for TokenNorm {
    /// Mean and inverse deviation of every token.
    type Saved = Vec<f32>;

    fn output_shape(&self) -> Shape {
        self.shape.clone()
    }

    fn reads(&self, wanted: [bool; 3]) -> [bool; 3] {
        [wanted[0] || wanted[1], wanted[0], false]
    }

    fn forward(&self, [x, weight, bias]: [&[f32]; 3]) -> (Vec<f32>, Vec<f32>) {
        let simd = Simd::current();
        let (width, tokens) = (self.width, self.tokens());
        let mut output = unwritten(x.len());
        let mut statistics = unwritten(2 * (x.len() / width));
        output
            .chunks_mut(tokens * width)
            .zip(statistics.chunks_mut(2 * tokens))
            .zip(x.chunks(tokens * width))
            .share(|((output, statistics), x)| normalise(simd, output, statistics, x, weight, bias, self.eps));
        // SAFETY: the pieces cover both buffers.
        unsafe { (written(output), written(statistics)) }
    }

    fn backward(
        &self,
        [x, weight, _]: [&[f32]; 3],
        statistics: Vec<f32>,
        gradient: &[f32],
        wanted: [bool; 3],
    ) -> [Option<Vec<f32>>; 3] {
        let simd = Simd::current();
        let (width, tokens) = (self.width, self.tokens());
        let piece = tokens * width;
        let x_gradient = wanted[0].then(|| {
            let mut output = unwritten(gradient.len());
            output
                .chunks_mut(piece)
                .zip(x.chunks(piece))
                .zip(gradient.chunks(piece))
                .zip(statistics.chunks(2 * tokens))
                .share(|(((output, x), gradient), statistics)| {
                    input_gradient(simd, output, x, gradient, statistics, weight);
                });
            // SAFETY: the pieces cover the buffer.
            unsafe { written(output) }
        });
        let weight_gradient = wanted[1].then(|| {
            let pieces = x
                .chunks(piece)
                .zip(gradient.chunks(piece))
                .zip(statistics.chunks(2 * tokens));
            let parts =
                pieces.share_map(|((x, gradient), statistics)| weight_gradient(simd, x, gradient, statistics, width));
            sum_parts(&parts.concat(), width)
        });
        let bias_gradient = wanted[2].then(|| {
            let parts = gradient.chunks(piece).share_map(|gradient| sum_parts(gradient, width));
            sum_parts(&parts.concat(), width)
        });
        [x_gradient, weight_gradient, bias_gradient]
    }
}

impl TokenNorm {
    /// Of a task.
    fn tokens(&self) -> usize {
        (PIECE / self.width).max(1)
    }
}

multiversion! {
    fn normalise<A, L>(
        output: &mut [Unwritten],
        statistics: &mut [Unwritten],
        x: &[f32],
        weight: &[f32],
        bias: &[f32],
        eps: f32,
    ) {
        let width = weight.len();
        let share = 1.0 / width as f32;
        let rows = output.chunks_exact_mut(width).zip(x.chunks_exact(width));
        for ((output, x), statistics) in rows.zip(statistics.chunks_exact_mut(2)) {
            let mean = lane_sum::<L>(x) * share;
            let mut lanes = [0.0_f32; L];
            let (whole, rest) = x.as_chunks::<L>();
            for x in whole {
                for lane in 0..L {
                    let centred = x[lane] - mean;
                    lanes[lane] = A::mul_add(centred, centred, lanes[lane]);
                }
            }
            let rest = rest.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>();
            let inverse = 1.0 / ((lanes.iter().sum::<f32>() + rest) * share + eps).sqrt();
            for ((output, x), (weight, bias)) in output.iter_mut().zip(x).zip(weight.iter().zip(bias)) {
                output.write(A::mul_add((x - mean) * inverse, *weight, *bias));
            }
            statistics[0].write(mean);
            statistics[1].write(inverse);
        }
    }
}

multiversion! {
    fn input_gradient<A, L>(
        output: &mut [Unwritten],
        x: &[f32],
        gradient: &[f32],
        statistics: &[f32],
        weight: &[f32],
    ) {
        let width = weight.len();
        let share = 1.0 / width as f32;
        let rows = output.chunks_exact_mut(width).zip(x.chunks_exact(width)).zip(gradient.chunks_exact(width));
        for (((output, x), gradient), statistics) in rows.zip(statistics.chunks_exact(2)) {
            let (mean, inverse) = (statistics[0], statistics[1]);
            let (mut sums, mut products) = ([0.0_f32; L], [0.0_f32; L]);
            let whole = width / L * L;
            for start in (0..whole).step_by(L) {
                for lane in 0..L {
                    let own = gradient[start + lane] * weight[start + lane];
                    sums[lane] += own;
                    products[lane] = A::mul_add(own, x[start + lane] - mean, products[lane]);
                }
            }
            let (mut sum, mut product) = (sums.iter().sum::<f32>(), products.iter().sum::<f32>());
            for place in whole..width {
                let own = gradient[place] * weight[place];
                sum += own;
                product = A::mul_add(own, x[place] - mean, product);
            }
            let average = sum * share;
            let projection = product * share * inverse * inverse;
            for place in 0..width {
                let own = A::mul_add(gradient[place], weight[place], -average);
                output[place].write(A::mul_add(mean - x[place], projection, own) * inverse);
            }
        }
    }
}

multiversion! {
    /// Summed over some tokens.
    fn weight_gradient<A, L>(x: &[f32], gradient: &[f32], statistics: &[f32], width: usize) -> Vec<f32> {
        let mut sums = vec![0.0; width];
        let rows = x.chunks_exact(width).zip(gradient.chunks_exact(width));
        for ((x, gradient), statistics) in rows.zip(statistics.chunks_exact(2)) {
            for ((sum, x), gradient) in sums.iter_mut().zip(x).zip(gradient) {
                *sum = A::mul_add((x - statistics[0]) * statistics[1], *gradient, *sum);
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::agreement::{assert_agrees, assert_independent_of_threads};

    type Operation = fn(Tensor<4>, Tensor<1>, Tensor<1>, f64) -> Tensor<4>;

    fn shaped(size: [usize; 2], operation: Operation) -> impl Fn(&[Tensor<1>]) -> Tensor<4> + Sync {
        move |leaves| {
            let x = leaves[0].clone().add_scalar(0.3).reshape([1, 1, size[0], size[1]]);
            operation(x, leaves[1].clone(), leaves[2].clone(), 1e-5)
        }
    }

    fn lengths([tokens, width]: [usize; 2]) -> [usize; 3] {
        [tokens * width, width, width]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn equals_plain(tokens in 1_usize..70, width in 4_usize..90, seed: u64) {
            let size = [tokens, width];
            assert_agrees(&lengths(size), seed >> 1, &shaped(size, token_norm), &shaped(size, plain::token_norm));
        }
    }

    #[test]
    fn several_tasks_equal_plain() {
        for size in [[60, 768], [3, 20_000]] {
            assert_agrees(
                &lengths(size),
                5,
                &shaped(size, token_norm),
                &shaped(size, plain::token_norm),
            );
        }
    }

    #[test]
    fn threads_do_not_change_bits() {
        let size = [130, 500];
        assert_independent_of_threads(&lengths(size), &shaped(size, token_norm));
    }
}
