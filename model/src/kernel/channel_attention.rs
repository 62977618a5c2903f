//! Attention over channels (Restormer's MDTA, Perceive-IR's eq. 7): a c x c matrix a head instead of HW x HW.
//!
//! With q, k, v as `[c, pixels]`: the scores come from `q k^T`, summed in parts along the pixels (see
//! [`AttentionMatrices`]), and `y = A v`. Backwards, `dA = dy v^T`, `dv = A^T dy`, and with the D and the scales that
//! follow from dA, `dq = D k + scale_q q` and `dk = D^T q + scale_k k`. q, k and v may lie in one tensor, and then so do
//! their gradients.

use burn::tensor::{Shape, Tensor};

use super::{
    attention_matrices::AttentionMatrices,
    dispatch::Simd,
    matrix::{Matrix, product_tile, set_product},
    operation::{Kernel, fits, run2, run3, run4},
    plain,
    rectangle::{Rectangle, Unwritten, ranges, rectangles, unwritten, written},
    sums::{sum_of_squares, sum_parts},
    threads::Share,
};

/// `softmax(norm(q) norm(k)^T * temperature) v` with rows of q and k l2-normalised over the pixels (eps 1e-12).
///
/// # Shapes
/// - q, k, v `[B, C, H, W]`, temperature `[heads, 1, 1]`
/// - output `[B, C, H, W]`
pub fn channel_attention(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>, temperature: Tensor<3>) -> Tensor<4> {
    if !fits(&q) {
        return plain::channel_attention(q, k, v, temperature);
    }
    assert!(
        q.dims() == k.dims() && k.dims() == v.dims(),
        "channel_attention: q, k and v have one shape"
    );
    let kernel = ChannelAttention::new(q.dims(), &temperature, [(0, 0), (1, 0), (2, 0)]);
    run4(kernel, q, k, v, temperature)
}

/// The same with q, k and v one after the other in one tensor, which spares the step from cutting it and its gradient.
///
/// # Shapes
/// - qkv `[B, 3C, H, W]`, temperature `[heads, 1, 1]`
/// - output `[B, C, H, W]`
pub fn channel_attention_qkv(qkv: Tensor<4>, temperature: Tensor<3>) -> Tensor<4> {
    let [batch, channels, height, width] = qkv.dims();
    assert_eq!(
        channels % 3,
        0,
        "channel_attention_qkv: q, k and v have as many channels"
    );
    if !fits(&qkv) {
        let [q, k, v] = [0, 1, 2].map(|part| qkv.clone().narrow(1, part * channels / 3, channels / 3));
        return plain::channel_attention(q, k, v, temperature);
    }
    let shape = [batch, channels / 3, height, width];
    run2(
        ChannelAttention::new(shape, &temperature, [(0, 0), (0, 1), (0, 2)]),
        qkv,
        temperature,
    )
}

/// The same with k and v one after the other in one tensor.
///
/// # Shapes
/// - q `[B, C, H, W]`, kv `[B, 2C, H, W]`, temperature `[heads, 1, 1]`
/// - output `[B, C, H, W]`
pub fn channel_attention_q_kv(q: Tensor<4>, kv: Tensor<4>, temperature: Tensor<3>) -> Tensor<4> {
    let [batch, channels, height, width] = q.dims();
    assert_eq!(
        kv.dims(),
        [batch, 2 * channels, height, width],
        "channel_attention_q_kv: kv has twice q's channels"
    );
    if !fits(&q) {
        let [k, v] = [0, 1].map(|part| kv.clone().narrow(1, part * channels, channels));
        return plain::channel_attention(q, k, v, temperature);
    }
    run3(
        ChannelAttention::new(q.dims(), &temperature, [(0, 0), (1, 0), (1, 1)]),
        q,
        kv,
        temperature,
    )
}

/// Pixels of a part of `q k^T`, and the most parts.
const PART: usize = 1024;
const MOST_PARTS: usize = 16;

/// q, k and v, where one of them is meant.
const Q: usize = 0;
const K: usize = 1;
const V: usize = 2;

/// The last input is the temperature.
#[derive(Clone, Debug)]
struct ChannelAttention {
    shape: [usize; 4],
    heads: usize,
    /// Of q, k and v: which input holds it, and how many others come before it there.
    places: [(usize, usize); 3],
}

impl<const N: usize> Kernel<N> for ChannelAttention {
    type Saved = AttentionMatrices;

    fn output_shape(&self) -> Shape {
        Shape::new(self.shape)
    }

    fn reads(&self, wanted: [bool; N]) -> [bool; N] {
        let scores = wanted[self.places[Q].0] || wanted[self.places[K].0];
        let mut reads = [false; N];
        for (part, read) in [scores, scores, scores || wanted[N - 1]].into_iter().enumerate() {
            reads[self.places[part].0] |= read;
        }
        reads[N - 1] = scores;
        reads
    }

    fn forward(&self, inputs: [&[f32]; N]) -> (Vec<f32>, AttentionMatrices) {
        let view = |part| move |head| self.part(&inputs, part, head);
        let products = self.inner_products(view(Q), view(K));
        let lengths = [Q, K].map(|part| self.lengths(view(part)));
        let matrices = AttentionMatrices::new(products, lengths, inputs[N - 1]);
        let mut output = unwritten(self.shape.iter().product());
        let tile = self.tile();
        rectangles(&mut output, [self.shape[1], self.pixels()], tile)
            .into_iter()
            .share(|target| {
                let head = self.head(&target);
                self.product(target, matrices.attention(head), view(V)(head), None);
            });
        // SAFETY: the rectangles cover the output.
        (unsafe { written(output) }, matrices)
    }

    fn backward(
        &self,
        inputs: [&[f32]; N],
        matrices: AttentionMatrices,
        gradient: &[f32],
        wanted: [bool; N],
    ) -> [Option<Vec<f32>>; N] {
        let view = |part| move |head| self.part(&inputs, part, head);
        let own = |head: usize| &gradient[head * self.head_size()..][..self.head_size()];
        let scores = wanted[self.places[Q].0] || wanted[self.places[K].0];
        let derivative = (scores || wanted[N - 1]).then(|| {
            let products = self.inner_products(own, view(V));
            matrices.derivative(products, scores.then_some(inputs[N - 1]), self.heads)
        });

        let mut gradients = [const { None }; N];
        for input in (0..N - 1).filter(|input| wanted[*input]) {
            let parts = self.parts_of(input);
            let mut output = unwritten(parts * gradient.len());
            let targets = rectangles(&mut output, [parts * self.shape[1], self.pixels()], self.tile());
            targets.into_iter().share(|target| {
                let head = self.head(&target);
                let place = (input, target.rows.start / self.shape[1]);
                match (self.places.iter().position(|other| *other == place), &derivative) {
                    (Some(Q), Some(derivative)) => {
                        let along = (view(Q)(head), derivative.q_scales(head));
                        self.product(target, derivative.scores(head), view(K)(head), Some(along));
                    }
                    (Some(K), Some(derivative)) => {
                        let along = (view(K)(head), derivative.k_scales(head));
                        self.product(target, derivative.scores(head).transposed(), view(Q)(head), Some(along));
                    }
                    _ => self.product(target, matrices.attention(head).transposed(), own(head), None),
                }
            });
            // SAFETY: the rectangles cover the buffer.
            gradients[input] = Some(unsafe { written(output) });
        }
        if let (true, Some(derivative)) = (wanted[N - 1], derivative) {
            gradients[N - 1] = Some(derivative.temperature);
        }
        gradients
    }
}

/// A head is counted through all pictures: picture times heads plus head.
impl ChannelAttention {
    fn new(shape: [usize; 4], temperature: &Tensor<3>, places: [(usize, usize); 3]) -> Self {
        let heads = temperature.dims()[0];
        assert_eq!(
            shape[1] % heads,
            0,
            "channel_attention: the heads share the channels evenly"
        );
        Self { shape, heads, places }
    }

    fn pixels(&self) -> usize {
        self.shape[2] * self.shape[3]
    }

    /// Channels of a head.
    fn channels(&self) -> usize {
        self.shape[1] / self.heads
    }

    /// Numbers of a head of q.
    fn head_size(&self) -> usize {
        self.channels() * self.pixels()
    }

    /// How many of q, k and v an input holds.
    fn parts_of(&self, input: usize) -> usize {
        self.places.iter().filter(|place| place.0 == input).count()
    }

    /// A head of q, k or v.
    fn part<'a>(&self, inputs: &[&'a [f32]], part: usize, head: usize) -> &'a [f32] {
        let (input, before) = self.places[part];
        let first = (head / self.heads * self.parts_of(input) + before) * self.heads + head % self.heads;
        &inputs[input][first * self.head_size()..][..self.head_size()]
    }

    /// The head to which the rectangle of an output belongs.
    fn head<T>(&self, rectangle: &Rectangle<T>) -> usize {
        rectangle.item * self.heads + rectangle.rows.start % self.shape[1] / self.channels()
    }

    fn tile(&self) -> [usize; 2] {
        let c = self.channels();
        let [_, columns] = product_tile(self.shape[0] * self.heads, [c, c, self.pixels()]);
        [c, columns]
    }

    /// The lengths of all rows.
    fn lengths<'a>(&self, x: impl Fn(usize) -> &'a [f32] + Sync) -> Vec<f32> {
        let (simd, c, pixels) = (Simd::current(), self.channels(), self.pixels());
        let rows = 0..self.shape[0] * self.shape[1];
        rows.share_map(|row| sum_of_squares(simd, &x(row / c)[row % c * pixels..][..pixels]).sqrt())
    }

    /// Every head's `a b^T`, `[heads, c, c]`.
    fn inner_products<'a, 'b>(
        &self,
        a: impl Fn(usize) -> &'a [f32] + Sync,
        b: impl Fn(usize) -> &'b [f32] + Sync,
    ) -> Vec<f32> {
        let (c, pixels) = (self.channels(), self.pixels());
        let parts: Vec<_> = ranges(pixels, pixels.div_ceil(MOST_PARTS).max(PART)).collect();
        let mut products = unwritten(self.shape[0] * self.heads * parts.len() * c * c);
        rectangles(&mut products, [c, c], [c, c]).into_iter().share(|target| {
            let (head, part) = (target.item / parts.len(), &parts[target.item % parts.len()]);
            let [a, b] = [a(head), b(head)].map(|x| Matrix::new(x, [c, pixels], pixels).part(0..c, part.clone()));
            set_product(target, a, b.transposed());
        });
        // SAFETY: the rectangles cover the buffer.
        let products = unsafe { written(products) };
        products
            .chunks_exact(parts.len() * c * c)
            .flat_map(|parts| sum_parts(parts, c * c))
            .collect()
    }

    /// `target = matrix x`, plus the rows of another head times a number each.
    fn product(&self, target: Rectangle<Unwritten>, matrix: Matrix, x: &[f32], along: Option<(&[f32], &[f32])>) {
        let (c, pixels, columns) = (self.channels(), self.pixels(), target.columns.clone());
        let x = Matrix::new(x, [c, pixels], pixels).part(0..c, columns.clone());
        let mut target = set_product(target, matrix, x);
        let Some((other, scales)) = along else { return };
        for (row, scale) in scales.iter().enumerate() {
            let other = &other[row * pixels..][columns.clone()];
            for (target, other) in target.row(row).iter_mut().zip(other) {
                *target += scale * other;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::agreement::{assert_agrees, assert_independent_of_threads};

    /// q, k and v, then the temperature.
    type Operation = fn([Tensor<4>; 3], Tensor<3>) -> Tensor<4>;

    const SEPARATE: Operation = |[q, k, v], temperature| channel_attention(q, k, v, temperature);
    const PLAIN: Operation = |[q, k, v], temperature| plain::channel_attention(q, k, v, temperature);
    const ONE: Operation = |qkv, temperature| channel_attention_qkv(Tensor::cat(qkv.to_vec(), 1), temperature);
    const TWO: Operation = |[q, k, v], temperature| channel_attention_q_kv(q, Tensor::cat(vec![k, v], 1), temperature);

    fn shaped(size: [usize; 4], heads: usize, operation: Operation) -> impl Fn(&[Tensor<1>]) -> Tensor<4> + Sync {
        move |leaves| {
            let parts = [0, 1, 2].map(|leaf| leaves[leaf].clone().reshape(size));
            operation(parts, leaves[3].clone().reshape([heads, 1, 1]))
        }
    }

    fn lengths(size: [usize; 4], heads: usize) -> [usize; 4] {
        let length = size.iter().product();
        [length, length, length, heads]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        #[test]
        fn equals_plain(
            b in 1_usize..3, heads in 1_usize..4, c in 1_usize..12, h in 2_usize..40, w in 2_usize..40, seed: u64
        ) {
            let size = [b, heads * c, h, w];
            for own in [SEPARATE, ONE, TWO] {
                let (own, plain) = (shaped(size, heads, own), shaped(size, heads, PLAIN));
                assert_agrees(&lengths(size, heads), seed >> 1, &own, &plain);
            }
        }
    }

    #[test]
    fn a_row_of_zeros_has_a_finite_gradient() {
        let device = burn::tensor::Device::flex().autodiff();
        let q = Tensor::<4>::zeros([1, 2, 3, 3], &device).require_grad();
        let other = Tensor::<4>::ones([1, 2, 3, 3], &device);
        let y = channel_attention(q.clone(), other.clone(), other, Tensor::ones([1, 1, 1], &device));
        let gradient = q
            .grad(&y.sum().backward())
            .unwrap()
            .into_data()
            .try_to_vec::<f32>()
            .unwrap();
        assert!(gradient.iter().all(|number| number.is_finite()));
    }

    #[test]
    fn temperature_alone_gets_its_gradient() {
        let device = burn::tensor::Device::flex().autodiff();
        let random = burn::tensor::Distribution::Uniform(-1.0, 1.0);
        let qkv = Tensor::<4>::random([2, 12, 5, 7], random, &device);
        let gradient = |operation: fn(Tensor<4>, Tensor<3>) -> Tensor<4>| {
            let temperature = Tensor::<3>::ones([2, 1, 1], &device).require_grad();
            let gradients = operation(qkv.clone(), temperature.clone())
                .powi_scalar(2)
                .sum()
                .backward();
            temperature
                .grad(&gradients)
                .unwrap()
                .into_data()
                .try_to_vec::<f32>()
                .unwrap()
        };
        let plain = gradient(|qkv, temperature| {
            let [q, k, v] = [0, 4, 8].map(|first| qkv.clone().narrow(1, first, 4));
            plain::channel_attention(q, k, v, temperature)
        });
        for (own, plain) in gradient(channel_attention_qkv).iter().zip(plain) {
            assert!((own - plain).abs() < 1e-5 * plain.abs().max(1.0), "{own} for {plain}");
        }
    }

    #[test]
    fn threads_do_not_change_bits() {
        let size = [2, 24, 61, 59];
        assert_independent_of_threads(&lengths(size, 2), &shaped(size, 2, ONE));
    }
}
