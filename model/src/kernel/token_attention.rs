//! Multi-head attention over tokens, `softmax(q k^T / sqrt(c)) v`, with q, k and v where one linear map left them.
//!
//! A task takes some queries of one head. Scores stand with keys as rows and queries in the lanes of the registers, so
//! that the softmax needs no sums across lanes; nothing is permuted, and nothing is kept but qkv itself. The backward pass
//! computes the scores again: with A the attention, `dV = A^T dO`, `dS = A (dA - sum(dA A))` where `dA = dO V^T`,
//! `dQ = dS K / sqrt(c)`, `dK = dS^T Q / sqrt(c)`.

use burn::tensor::{Shape, Tensor};

use super::{
    dispatch::{Simd, multiversion},
    gaussian::exp,
    matrix::{Matrix, add_product, set_product},
    operation::{Kernel, fits, run1},
    plain,
    rectangle::{Rectangle, Unwritten, ranges, rectangles, unwritten, written},
    threads::Share,
};

/// `causal`: a token sees itself and those before it.
///
/// # Shapes
/// - qkv `[B, T, 3 width]`: queries, keys and values side by side, each split evenly among the heads
/// - output `[B, T, width]`
pub fn token_attention(qkv: Tensor<3>, heads: usize, causal: bool) -> Tensor<3> {
    let [batch, tokens, triple] = qkv.dims();
    assert_eq!(
        triple % (3 * heads),
        0,
        "token_attention: three times the width, which the heads share evenly"
    );
    if !fits(&qkv) {
        return plain::token_attention(qkv, heads, causal);
    }
    let kernel = TokenAttention {
        batch,
        tokens,
        heads,
        channels: triple / 3 / heads,
        causal,
    };
    run1(kernel, qkv)
}

/// Queries of a task, at most.
const QUERIES: usize = 256;

#[derive(Clone, Debug)]
struct TokenAttention {
    batch: usize,
    tokens: usize,
    heads: usize,
    /// Of a head.
    channels: usize,
    causal: bool,
}

/// Buffers of a task.
#[derive(Default)]
struct Scratch {
    /// `[keys, queries]`
    attention: Vec<f32>,
    /// The same of its gradient.
    gradient: Vec<f32>,
}

impl Kernel<1> for TokenAttention {
    type Saved = ();

    fn output_shape(&self) -> Shape {
        Shape::new([self.batch, self.tokens, self.width()])
    }

    fn reads(&self, wanted: [bool; 1]) -> [bool; 1] {
        wanted
    }

    fn forward(&self, [qkv]: [&[f32]; 1]) -> (Vec<f32>, ()) {
        let simd = Simd::current();
        let mut output = unwritten(self.batch * self.tokens * self.width());
        let tile = [self.queries(), self.channels];
        rectangles(&mut output, [self.tokens, self.width()], tile)
            .into_iter()
            .share_with(Vec::new, |attention, target| {
                let [q, k, v] = self.parts(qkv, target.item, target.columns.start / self.channels);
                let queries = target.rows.clone();
                let q = q.part(queries.clone(), 0..self.channels);
                self.attend(simd, attention, q, k, queries.start);
                let attention = Matrix::new(attention, [self.tokens, queries.len()], queries.len());
                set_product(target, attention.transposed(), v);
            });
        // SAFETY: the rectangles cover the output.
        (unsafe { written(output) }, ())
    }

    fn backward(&self, [qkv]: [&[f32]; 1], (): (), gradient: &[f32], _: [bool; 1]) -> [Option<Vec<f32>>; 1] {
        let simd = Simd::current();
        let mut output = unwritten(qkv.len());
        let tile = [self.tokens, self.channels];
        let targets = rectangles(&mut output, [self.tokens, 3 * self.width()], tile);
        let mut parts = [const { Vec::new() }; 3];
        for target in targets {
            parts[target.columns.start / self.width()].push(target);
        }
        let [q, k, v] = parts;
        q.into_iter()
            .zip(k)
            .zip(v)
            .share_with(Scratch::default, |scratch, ((q, k), v)| {
                self.head_gradient(simd, scratch, qkv, gradient, [q, k, v]);
            });
        // SAFETY: every head's three parts were written.
        [Some(unsafe { written(output) })]
    }
}

impl TokenAttention {
    fn width(&self) -> usize {
        self.heads * self.channels
    }

    fn scale(&self) -> f32 {
        1.0 / (self.channels as f32).sqrt()
    }

    /// Of a task, but for the last: as even as can be.
    fn queries(&self) -> usize {
        self.tokens.div_ceil(self.tokens.div_ceil(QUERIES))
    }

    /// q, k and v of a head, each `[T, channels]`.
    fn parts<'a>(&self, qkv: &'a [f32], item: usize, head: usize) -> [Matrix<'a>; 3] {
        let stride = 3 * self.width();
        let picture = Matrix::new(&qkv[item * self.tokens * stride..], [self.tokens, stride], stride);
        [0, 1, 2].map(|part| {
            let first = part * self.width() + head * self.channels;
            picture.part(0..self.tokens, first..first + self.channels)
        })
    }

    /// The attention of some queries, from number `first` on, as `[keys, queries]`.
    fn attend(&self, simd: Simd, attention: &mut Vec<f32>, q: Matrix, k: Matrix, first: usize) {
        let queries = q.shape()[0];
        product(attention, k, q.transposed());
        let first = self.causal.then_some(first);
        softmax(simd, attention, queries, self.scale(), first);
    }

    fn head_gradient(
        &self,
        simd: Simd,
        scratch: &mut Scratch,
        qkv: &[f32],
        gradient: &[f32],
        [mut to_q, to_k, to_v]: [Rectangle<Unwritten>; 3],
    ) {
        let head = to_q.columns.start / self.channels;
        let [q, k, v] = self.parts(qkv, to_q.item, head);
        let gradient = &gradient[to_q.item * self.tokens * self.width()..];
        let gradient = Matrix::new(gradient, [self.tokens, self.width()], self.width());
        let gradient = gradient.part(0..self.tokens, head * self.channels..(head + 1) * self.channels);
        let (mut to_k, mut to_v) = (to_k.filled(|_| 0.0), to_v.filled(|_| 0.0));
        for queries in ranges(self.tokens, self.queries()) {
            let q = q.part(queries.clone(), 0..self.channels);
            let gradient = gradient.part(queries.clone(), 0..self.channels);
            let shape = [self.tokens, queries.len()];
            self.attend(simd, &mut scratch.attention, q, k, queries.start);
            product(&mut scratch.gradient, v, gradient.transposed());
            let attention = Matrix::new(&scratch.attention, shape, queries.len());
            add_product(&mut to_v, attention, gradient);
            softmax_gradient(
                simd,
                &mut scratch.gradient,
                &scratch.attention,
                queries.len(),
                self.scale(),
            );
            let scores = Matrix::new(&scratch.gradient, shape, queries.len());
            add_product(&mut to_k, scores, q);
            set_product(to_q.take_rows(queries.len()), scores.transposed(), k);
        }
    }
}

/// `target = a b` in a buffer of its own.
fn product(target: &mut Vec<f32>, a: Matrix, b: Matrix) {
    let shape = [a.shape()[0], b.shape()[1]];
    target.clear();
    target.resize(shape[0] * shape[1], 0.0);
    add_product(&mut Rectangle::whole(target, shape), a, b);
}

/// Rows of a buffer that hold one number a query.
const LANES: usize = 16;

multiversion! {
    /// Over the keys, of scores `[keys, queries]` times `scale`. With a `first`, query `first + i` sees the keys up to
    /// its own number only.
    fn softmax<A, L>(scores: &mut [f32], queries: usize, scale: f32, first: Option<usize>) {
        let keys = scores.len() / queries;
        for start in (0..queries).step_by(LANES) {
            let lanes = LANES.min(queries - start);
            if let Some(first) = first {
                for key in first + start + 1..keys {
                    let seen = (key - first - start).min(lanes);
                    scores[key * queries + start..][..seen].fill(f32::NEG_INFINITY);
                }
            }
            let mut most = [f32::NEG_INFINITY; LANES];
            let mut sum = [0.0_f32; LANES];
            for key in 0..keys {
                let scores = &scores[key * queries + start..][..lanes];
                for (most, score) in most.iter_mut().zip(scores) {
                    *most = most.max(*score);
                }
            }
            for key in 0..keys {
                let scores = &mut scores[key * queries + start..][..lanes];
                if let Some(scores) = scores.first_chunk_mut::<LANES>() {
                    for lane in 0..LANES {
                        let weight = relative::<A>(scores[lane], most[lane], scale);
                        scores[lane] = weight;
                        sum[lane] += weight;
                    }
                } else {
                    for lane in 0..lanes {
                        let weight = relative::<A>(scores[lane], most[lane], scale);
                        scores[lane] = weight;
                        sum[lane] += weight;
                    }
                }
            }
            let share = sum.map(|sum| 1.0 / sum);
            for key in 0..keys {
                let scores = &mut scores[key * queries + start..][..lanes];
                for (score, share) in scores.iter_mut().zip(&share) {
                    *score *= share;
                }
            }
        }
    }
}

/// `e^(scale (score - most))`, and 0 for a score of minus infinity.
#[inline(always)]
fn relative<A: super::dispatch::Arithmetic>(score: f32, most: f32, scale: f32) -> f32 {
    let distance = (score - most) * scale;
    // Not `max`, which would hide a number that is none.
    let near = if distance < -87.0 { -87.0 } else { distance };
    let weight = exp::<A>(near);
    if distance < -87.0 { 0.0 } else { weight }
}

multiversion! {
    /// From dA to dS of scores before they are scaled, both `[keys, queries]`.
    fn softmax_gradient<A, L>(gradient: &mut [f32], attention: &[f32], queries: usize, scale: f32) {
        for start in (0..queries).step_by(LANES) {
            let lanes = LANES.min(queries - start);
            let mut total = [0.0_f32; LANES];
            for (gradient, attention) in gradient.chunks_exact(queries).zip(attention.chunks_exact(queries)) {
                let pairs = gradient[start..][..lanes].iter().zip(&attention[start..][..lanes]);
                for (total, (gradient, attention)) in total.iter_mut().zip(pairs) {
                    *total = A::mul_add(*gradient, *attention, *total);
                }
            }
            for (gradient, attention) in gradient.chunks_exact_mut(queries).zip(attention.chunks_exact(queries)) {
                let pairs = gradient[start..][..lanes].iter_mut().zip(&attention[start..][..lanes]);
                for (total, (gradient, attention)) in total.iter().zip(pairs) {
                    *gradient = (*gradient - total) * attention * scale;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::agreement::{assert_agrees, assert_independent_of_threads};

    type Operation = fn(Tensor<3>, usize, bool) -> Tensor<3>;

    /// Sizes are batch, tokens, heads, channels of a head.
    fn shaped(
        [b, t, h, c]: [usize; 4],
        causal: bool,
        operation: Operation,
    ) -> impl Fn(&[Tensor<1>]) -> Tensor<4> + Sync {
        move |leaves| operation(leaves[0].clone().reshape([b, t, 3 * h * c]), h, causal).unsqueeze()
    }

    fn length([b, t, h, c]: [usize; 4]) -> [usize; 1] {
        [b * t * 3 * h * c]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20))]

        #[test]
        fn equals_plain(
            b in 1_usize..3, t in 1_usize..60, h in 1_usize..4, c in 1_usize..40, causal: bool, seed: u64
        ) {
            let size = [b, t, h, c];
            let (own, plain) = (
                shaped(size, causal, token_attention),
                shaped(size, causal, plain::token_attention),
            );
            assert_agrees(&length(size), seed >> 1, &own, &plain);
        }
    }

    #[test]
    fn more_queries_than_a_task_takes_equal_plain() {
        for causal in [false, true] {
            let size = [1, 300, 2, 8];
            let (own, plain) = (
                shaped(size, causal, token_attention),
                shaped(size, causal, plain::token_attention),
            );
            assert_agrees(&length(size), 11, &own, &plain);
        }
    }

    #[test]
    fn equal_keys_average_the_values() {
        // Two tokens of width 2: queries 1, keys 0, so both tokens see the mean of the values.
        let qkv = Tensor::<3>::from_data(
            [[[1.0, 1.0, 0.0, 0.0, 2.0, 4.0], [1.0, 1.0, 0.0, 0.0, 6.0, 0.0]]],
            &burn::tensor::Device::flex(),
        );
        let seen: Vec<f32> = token_attention(qkv, 1, false).into_data().try_to_vec().unwrap();
        assert_eq!(seen, [4.0, 2.0, 4.0, 2.0]);
    }

    #[test]
    fn not_a_number_stays() {
        let device = burn::tensor::Device::flex();
        let qkv = Tensor::<3>::full([1, 3, 6], f32::NAN, &device);
        let seen: Vec<f32> = token_attention(qkv, 1, false).into_data().try_to_vec().unwrap();
        assert!(seen.iter().all(|number| number.is_nan()), "{seen:?}");
    }

    #[test]
    fn threads_do_not_change_bits() {
        let size = [2, 270, 3, 20];
        assert_independent_of_threads(&length(size), &shaped(size, true, token_attention));
    }
}
