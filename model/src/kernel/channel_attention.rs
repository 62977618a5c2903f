//! Attention over channels (Restormer's MDTA, Perceive-IR's eq. 7): a c x c matrix a head instead of HW x HW.
//!
//! With q, k, v as `[c, pixels]` and |.| the lengths of rows: `S = q k^T`, summed in parts along the pixels;
//! `L_ij = S_ij / (|q_i| |k_j|)`, `A = softmax(temperature L)`, `y = A v`. Backwards, with `G = dL`:
//! - `dA = dy v^T`, `dv = A^T dy`, `dZ = A (dA - rowsum(dA A))`, `dtemperature = sum(dZ L)`, `G = temperature dZ`
//! - `dq_i = sum_j G_ij / (|q_i| |k_j|) k_j - q_i sum_j G_ij L_ij / |q_i|^2`, and likewise for k.

use burn::tensor::{Shape, Tensor};
use rayon::prelude::*;

use super::{
    dispatch::Simd,
    matrix::{Matrix, product_tile, set_product},
    operation::{Kernel, fits, run4},
    plain,
    rectangle::{ranges, rectangles, unwritten, written},
    sums::{sum_of_squares, sum_parts},
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
    let shape = q.dims();
    let heads = temperature.dims()[0];
    assert!(
        k.dims() == shape && v.dims() == shape,
        "channel_attention: q, k and v have one shape"
    );
    assert_eq!(
        shape[1] % heads,
        0,
        "channel_attention: the heads share the channels evenly"
    );
    run4(ChannelAttention { shape, heads }, [q, k, v], temperature)
}

/// A shorter row counts as this long.
const SHORTEST: f32 = 1e-12;

/// Pixels of a part of `q k^T`, and the most parts.
const PART: usize = 1024;
const MOST_PARTS: usize = 16;

#[derive(Clone, Debug)]
struct ChannelAttention {
    shape: [usize; 4],
    heads: usize,
}

/// One c x c matrix a head and picture, and one length a channel and picture.
#[derive(Clone, Debug)]
struct Saved {
    /// L: the cosines of q's and k's rows.
    cosines: Vec<f32>,
    /// A.
    attention: Vec<f32>,
    q_lengths: Vec<f32>,
    k_lengths: Vec<f32>,
}

impl Kernel<4> for ChannelAttention {
    type Saved = Saved;

    fn output_shape(&self) -> Shape {
        Shape::new(self.shape)
    }

    fn reads(&self, wanted: [bool; 4]) -> [bool; 4] {
        let scores = wanted[0] || wanted[1];
        [scores, scores, scores || wanted[3], scores]
    }

    fn forward(&self, [q, k, v, temperature]: [&[f32]; 4]) -> (Vec<f32>, Saved) {
        let c = self.head_channels();
        let (q_lengths, k_lengths) = (self.lengths(q), self.lengths(k));
        let mut cosines = self.inner_products(q, k);
        let mut attention = vec![0.0; cosines.len()];
        let matrices = cosines
            .chunks_exact_mut(c * c)
            .zip(attention.chunks_exact_mut(c * c))
            .enumerate();
        for (head, (cosines, attention)) in matrices {
            let temperature = temperature[head % self.heads];
            let rows = cosines.chunks_exact_mut(c).zip(attention.chunks_exact_mut(c));
            for ((cosines, attention), q_length) in rows.zip(&q_lengths[head * c..]) {
                for (cosine, k_length) in cosines.iter_mut().zip(&k_lengths[head * c..]) {
                    *cosine /= q_length * k_length;
                }
                softmax(attention, cosines, temperature);
            }
        }
        let output = self.products(v, |head| square(&attention, head, c), None);
        (
            output,
            Saved {
                cosines,
                attention,
                q_lengths,
                k_lengths,
            },
        )
    }

    fn backward(
        &self,
        [q, k, v, temperature]: [&[f32]; 4],
        saved: Saved,
        gradient: &[f32],
        wanted: [bool; 4],
    ) -> [Option<Vec<f32>>; 4] {
        let c = self.head_channels();
        let mut gradients = [const { None }; 4];
        if wanted[2] {
            let attention = |head| square(&saved.attention, head, c).transposed();
            gradients[2] = Some(self.products(gradient, attention, None));
        }
        if !(wanted[0] || wanted[1] || wanted[3]) {
            return gradients;
        }

        let mut scores = self.inner_products(gradient, v);
        let mut temperature_gradient = vec![0.0; self.heads];
        let mut q_scales = vec![0.0; saved.q_lengths.len()];
        let mut k_scales = q_scales.clone();
        for (head, scores) in scores.chunks_exact_mut(c * c).enumerate() {
            for i in 0..c {
                let row = (head * c + i) * c..(head * c + i + 1) * c;
                let (attention, cosines) = (&saved.attention[row.clone()], &saved.cosines[row]);
                let scores = &mut scores[i * c..][..c];
                let total: f32 = scores
                    .iter()
                    .zip(attention)
                    .map(|(score, attention)| score * attention)
                    .sum();
                for (score, attention) in scores.iter_mut().zip(attention) {
                    *score = attention * (*score - total);
                }
                let along: f32 = scores.iter().zip(cosines).map(|(score, cosine)| score * cosine).sum();
                temperature_gradient[head % self.heads] += along;
                let Some(temperature) = temperature.get(head % self.heads) else {
                    continue;
                };
                let q_length = saved.q_lengths[head * c + i];
                q_scales[head * c + i] = scale(-along * temperature, q_length);
                for (j, (score, cosine)) in scores.iter_mut().zip(cosines).enumerate() {
                    let k_length = saved.k_lengths[head * c + j];
                    *score *= temperature;
                    k_scales[head * c + j] -= scale(*score * cosine, k_length);
                    *score /= q_length * k_length;
                }
            }
        }
        if wanted[0] {
            gradients[0] = Some(self.products(k, |head| square(&scores, head, c), Some((q, &q_scales))));
        }
        if wanted[1] {
            gradients[1] = Some(self.products(q, |head| square(&scores, head, c).transposed(), Some((k, &k_scales))));
        }
        gradients[3] = wanted[3].then_some(temperature_gradient);
        gradients
    }
}

/// One head's c x c matrix.
fn square(all: &[f32], head: usize, c: usize) -> Matrix<'_> {
    Matrix::new(&all[head * c * c..], [c, c], c)
}

/// A row's part of the gradient along itself; none where the length was raised to the shortest.
fn scale(number: f32, length: f32) -> f32 {
    if length > SHORTEST {
        number / (length * length)
    } else {
        0.0
    }
}

/// `target = softmax(temperature * cosines)`
fn softmax(target: &mut [f32], cosines: &[f32], temperature: f32) {
    let most = cosines
        .iter()
        .fold(f32::NEG_INFINITY, |most, cosine| most.max(cosine * temperature));
    for (target, cosine) in target.iter_mut().zip(cosines) {
        *target = (cosine * temperature - most).exp();
    }
    let share = 1.0 / target.iter().sum::<f32>();
    target.iter_mut().for_each(|target| *target *= share);
}

impl ChannelAttention {
    fn head_channels(&self) -> usize {
        self.shape[1] / self.heads
    }

    fn pixels(&self) -> usize {
        self.shape[2] * self.shape[3]
    }

    fn lengths(&self, x: &[f32]) -> Vec<f32> {
        let simd = Simd::current();
        x.par_chunks_exact(self.pixels())
            .map(|row| sum_of_squares(simd, row).sqrt().max(SHORTEST))
            .collect()
    }

    /// Every head's `a b^T`, `[B heads, c, c]`.
    fn inner_products(&self, a: &[f32], b: &[f32]) -> Vec<f32> {
        let (c, pixels) = (self.head_channels(), self.pixels());
        let part = pixels.div_ceil(MOST_PARTS).max(PART);
        let parts: Vec<_> = ranges(pixels, part).collect();
        let matrices = self.shape[0] * self.heads;
        let mut products = unwritten(matrices * parts.len() * c * c);
        rectangles(&mut products, [c, c], [c, c])
            .into_par_iter()
            .for_each(|target| {
                let first = target.item / parts.len() * c * pixels;
                let part = parts[target.item % parts.len()].clone();
                let [a, b] = [a, b].map(|all| Matrix::new(&all[first..], [c, pixels], pixels).part(0..c, part.clone()));
                set_product(target, a, b.transposed());
            });
        // SAFETY: the rectangles cover the buffer.
        let products = unsafe { written(products) };
        products
            .chunks_exact(parts.len() * c * c)
            .flat_map(|parts| sum_parts(parts, c * c))
            .collect()
    }

    /// Every head's `matrix x`, plus its rows of another tensor times a number each.
    fn products<'a>(
        &self,
        x: &[f32],
        matrix: impl Fn(usize) -> Matrix<'a> + Sync,
        plus: Option<(&[f32], &[f32])>,
    ) -> Vec<f32> {
        let (c, pixels) = (self.head_channels(), self.pixels());
        let mut output = unwritten(x.len());
        let [_, columns] = product_tile(self.shape[0] * self.heads, [c, c, pixels]);
        rectangles(&mut output, [c, pixels], [c, columns])
            .into_par_iter()
            .for_each(|target| {
                let (head, columns) = (target.item, target.columns.clone());
                let x = Matrix::new(&x[head * c * pixels..], [c, pixels], pixels).part(0..c, columns.clone());
                let mut target = set_product(target, matrix(head), x);
                let Some((other, scales)) = plus else { return };
                for row in 0..c {
                    let scale = scales[head * c + row];
                    let other = &other[(head * c + row) * pixels..][columns.clone()];
                    target
                        .row(row)
                        .iter_mut()
                        .zip(other)
                        .for_each(|(target, other)| *target += scale * other);
                }
            });
        // SAFETY: the rectangles cover the output.
        unsafe { written(output) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::agreement::{assert_agrees, assert_independent_of_threads};

    type Operation = fn(Tensor<4>, Tensor<4>, Tensor<4>, Tensor<3>) -> Tensor<4>;

    fn shaped(size: [usize; 4], heads: usize, operation: Operation) -> impl Fn(&[Tensor<1>]) -> Tensor<4> + Sync {
        move |leaves| {
            let [q, k, v] = [0, 1, 2].map(|leaf| leaves[leaf].clone().reshape(size));
            operation(q, k, v, leaves[3].clone().reshape([heads, 1, 1]))
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
            let (own, plain) = (shaped(size, heads, channel_attention), shaped(size, heads, plain::channel_attention));
            assert_agrees(&lengths(size, heads), seed >> 1, &own, &plain);
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
    fn threads_do_not_change_bits() {
        let size = [2, 24, 61, 59];
        assert_independent_of_threads(&lengths(size, 2), &shaped(size, 2, channel_attention));
    }
}
