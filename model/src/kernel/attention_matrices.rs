//! The small matrices of the channel attention, one `[c, c]` a head and picture.
//!
//! With `S = q k^T` and |.| the lengths of rows: `L_ij = S_ij / (|q_i| |k_j|)`, `A = softmax(temperature L)`. Backwards,
//! `dZ = A (dA - rowsum(dA A))`, `dtemperature = sum(dZ L)`, and with `G = temperature dZ`:
//! `dq_i = sum_j D_ij k_j - q_i sum_j G_ij L_ij / |q_i|^2` where `D_ij = G_ij / (|q_i| |k_j|)`, and likewise for k.

use super::matrix::Matrix;

/// A shorter row counts as this long, and no gradient flows into its length.
const SHORTEST: f32 = 1e-12;

/// What the attention keeps for its backward pass.
#[derive(Clone, Debug)]
pub(super) struct AttentionMatrices {
    /// c
    channels: usize,
    /// L
    cosines: Vec<f32>,
    /// A
    attention: Vec<f32>,
    q_lengths: Vec<f32>,
    k_lengths: Vec<f32>,
}

/// What the gradient of A comes to.
pub(super) struct Derivative {
    channels: usize,
    scores: Vec<f32>,
    q_scales: Vec<f32>,
    k_scales: Vec<f32>,
    /// Of the temperature, one a head.
    pub temperature: Vec<f32>,
}

impl AttentionMatrices {
    /// From every head's `q k^T`, the lengths of the rows of q and of k, and one temperature a head.
    pub fn new(products: Vec<f32>, lengths: [Vec<f32>; 2], temperature: &[f32]) -> Self {
        let channels = products.len() / lengths[0].len();
        let [q_lengths, k_lengths] =
            lengths.map(|all| all.iter().map(|length| length.max(SHORTEST)).collect::<Vec<_>>());
        let mut cosines = products;
        let mut attention = vec![0.0; cosines.len()];
        let rows = cosines
            .chunks_exact_mut(channels)
            .zip(attention.chunks_exact_mut(channels));
        for (row, (cosines, attention)) in rows.enumerate() {
            let head = row / channels;
            for (cosine, k_length) in cosines.iter_mut().zip(&k_lengths[head * channels..]) {
                *cosine /= q_lengths[row] * k_length;
            }
            softmax(attention, cosines, temperature[head % temperature.len()]);
        }
        Self {
            channels,
            cosines,
            attention,
            q_lengths,
            k_lengths,
        }
    }

    /// A of a head.
    pub fn attention(&self, head: usize) -> Matrix<'_> {
        square(&self.attention, head, self.channels)
    }

    /// From every head's dA. Without a temperature, only the temperature's own gradient is computed.
    pub fn derivative(&self, gradient: Vec<f32>, temperature: Option<&[f32]>, heads: usize) -> Derivative {
        let c = self.channels;
        let mut scores = gradient;
        let mut temperature_gradient = vec![0.0; heads];
        let mut q_scales = vec![0.0; self.q_lengths.len()];
        let mut k_scales = q_scales.clone();
        for (row, scores) in scores.chunks_exact_mut(c).enumerate() {
            let head = row / c;
            let (attention, cosines) = (&self.attention[row * c..][..c], &self.cosines[row * c..][..c]);
            let total = dot(scores, attention);
            for (score, attention) in scores.iter_mut().zip(attention) {
                *score = attention * (*score - total);
            }
            let along = dot(scores, cosines);
            temperature_gradient[head % heads] += along;
            let Some(temperature) = temperature.map(|all| all[head % heads]) else {
                continue;
            };
            q_scales[row] = -along_row(along * temperature, self.q_lengths[row]);
            let k = head * c..(head + 1) * c;
            let lengths = self.k_lengths[k.clone()].iter().zip(&mut k_scales[k]);
            for ((score, cosine), (k_length, k_scale)) in scores.iter_mut().zip(cosines).zip(lengths) {
                *score *= temperature;
                *k_scale -= along_row(*score * cosine, *k_length);
                *score /= self.q_lengths[row] * k_length;
            }
        }
        Derivative {
            channels: c,
            scores,
            q_scales,
            k_scales,
            temperature: temperature_gradient,
        }
    }
}

impl Derivative {
    /// D of a head.
    pub fn scores(&self, head: usize) -> Matrix<'_> {
        square(&self.scores, head, self.channels)
    }

    /// How much of each row of q its own gradient has.
    pub fn q_scales(&self, head: usize) -> &[f32] {
        &self.q_scales[head * self.channels..][..self.channels]
    }

    /// The same of k.
    pub fn k_scales(&self, head: usize) -> &[f32] {
        &self.k_scales[head * self.channels..][..self.channels]
    }
}

fn square(all: &[f32], head: usize, c: usize) -> Matrix<'_> {
    Matrix::new(&all[head * c * c..], [c, c], c)
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// A row's part of the gradient along itself; none where the length was raised to the shortest.
fn along_row(number: f32, length: f32) -> f32 {
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
    for target in target.iter_mut() {
        *target *= share;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_the_attention_sum_to_one_and_follow_the_cosines() {
        let matrices = AttentionMatrices::new(vec![6.0, -6.0, 0.0, 2.0], [vec![2.0, 1.0], vec![3.0, 4.0]], &[2.0]);
        assert_eq!(matrices.cosines, [1.0, -0.75, 0.0, 0.5]);
        let first = 1.0 / (1.0 + (-3.5_f32).exp());
        let second = 1.0 / (1.0 + 1.0_f32.exp());
        for (number, expected) in matrices
            .attention
            .iter()
            .zip([first, 1.0 - first, second, 1.0 - second])
        {
            assert!((number - expected).abs() < 1e-6, "{number} for {expected}");
        }
    }

    #[test]
    fn equal_gradients_move_nothing() {
        let matrices = AttentionMatrices::new(vec![1.0, 2.0, 3.0, 4.0], [vec![5.0, 5.0], vec![5.0, 5.0]], &[1.0]);
        let derivative = matrices.derivative(vec![0.5; 4], Some(&[1.0]), 1);
        let all = derivative
            .scores
            .iter()
            .chain(&derivative.q_scales)
            .chain(&derivative.temperature);
        assert!(all.into_iter().all(|number| number.abs() < 1e-7));
    }
}
