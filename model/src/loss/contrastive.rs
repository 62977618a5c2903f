//! Eq. 12: the degradation loss, by which the CFE tells kinds of degradation apart.
//!
//! `-log( exp(S(Z, Z⁺)/τ) / (exp(S(Z, Z⁺)/τ) + Σ exp(S(Z, Z⁻)/τ)) )`: Z and Z⁺ of two patches of one picture, the Z⁻ of
//! patches with other degradations.

use burn::tensor::{Bool, Tensor, TensorData, activation::log_softmax};

use super::cosine;

/// A score whose exponential is 0, for pairs that are no negatives.
const NEVER: f64 = -1e30;

/// Eq. 12 with the batch as negatives: of each anchor, the anchors and positives of all other kinds.
///
/// A sample without any other kind in the batch costs `-log 1 = 0`.
///
/// # Shapes
/// - anchor, positive `[B, z_dim]`, of any lengths
/// - kinds: B degradation kinds
pub fn in_batch(anchor: Tensor<2>, positive: Tensor<2>, kinds: &[usize], temperature: f64) -> Tensor<1> {
    let batch = kinds.len();
    let same = kinds
        .iter()
        .flat_map(|own| kinds.iter().chain(kinds).map(move |other| own == other));
    let same = TensorData::new(same.collect::<Vec<bool>>(), [batch, 2 * batch]);
    let same = Tensor::<2, Bool>::from_data(same, &anchor.device());
    let candidates = Tensor::cat(vec![anchor.clone(), positive.clone()], 0);
    let negatives = cosine(anchor.clone(), candidates)
        .div_scalar(temperature)
        .mask_fill(same, NEVER);
    first_of(paired(anchor, positive).div_scalar(temperature), negatives)
}

/// Eq. 12 with given negatives.
///
/// # Shapes
/// - anchor, positive `[B, z_dim]`, negative `[B, n, z_dim]`, of any lengths
pub fn with_negatives(anchor: Tensor<2>, positive: Tensor<2>, negative: Tensor<3>, temperature: f64) -> Tensor<1> {
    let [batch, count, _] = negative.dims();
    let negatives = cosine(anchor.clone().unsqueeze_dim(1), negative).reshape([batch, count]);
    first_of(
        paired(anchor, positive).div_scalar(temperature),
        negatives.div_scalar(temperature),
    )
}

/// Eq. 12 with all scores given, divided by the temperature: `[B, 1 + n]`, first that of the positive.
pub fn of_logits(logits: Tensor<2>) -> Tensor<1> {
    -log_softmax(logits, 1).narrow(1, 0, 1).mean()
}

/// Cosine of row with row, `[B, 1]`.
fn paired(a: Tensor<2>, b: Tensor<2>) -> Tensor<2> {
    let batch = a.dims()[0];
    cosine::<3>(a.unsqueeze_dim(1), b.unsqueeze_dim(1)).reshape([batch, 1])
}

/// Mean of `-log softmax` of the first of all scores: positive `[B, 1]` and negatives `[B, n]`.
fn first_of(positive: Tensor<2>, negatives: Tensor<2>) -> Tensor<1> {
    of_logits(Tensor::cat(vec![positive, negatives], 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loss::testing::scalar;
    use burn::tensor::Device;

    fn rows(rows: [[f32; 2]; 3]) -> Tensor<2> {
        Tensor::from_data(rows, &Device::flex())
    }

    #[test]
    fn one_kind_alone_costs_nothing_and_has_a_finite_gradient() {
        let anchor = Tensor::from_data([[1.0, 0.2], [0.3, 1.0]], &Device::flex().autodiff()).require_grad();
        let loss = in_batch(anchor.clone(), anchor.clone().detach().mul_scalar(2.0), &[4, 4], 0.07);
        assert_eq!(scalar(loss.clone()), 0.0);
        let gradient = anchor
            .grad(&loss.backward())
            .unwrap()
            .into_data()
            .try_to_vec::<f32>()
            .unwrap();
        assert!(gradient.iter().all(|value| value.abs() < 1e-6), "{gradient:?}");
    }

    #[test]
    fn only_other_kinds_are_negatives() {
        let z = rows([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]]);
        let apart = scalar(in_batch(z.clone(), z.clone(), &[0, 0, 1], 0.07));
        let mixed = scalar(in_batch(z.clone(), z, &[0, 1, 1], 0.07));
        assert!(apart < 1e-3 && mixed > 0.5, "{apart} {mixed}");
    }

    #[test]
    fn the_batch_form_is_the_explicit_form_with_the_batch_written_out() {
        let anchor = rows([[1.0, 0.5], [-0.3, 2.0], [0.7, -1.0]]);
        let positive = rows([[0.8, 0.6], [0.1, 1.0], [1.0, -0.5]]);
        let negatives = (0..3).map(|own| {
            let others: Vec<_> = (0..3).filter(|other| *other != own).collect();
            let row = |z: &Tensor<2>, index: usize| z.clone().narrow(0, index, 1);
            let rows = others
                .iter()
                .flat_map(|&index| [row(&anchor, index), row(&positive, index)]);
            Tensor::cat(rows.collect(), 0).unsqueeze_dim(0)
        });
        let explicit = with_negatives(
            anchor.clone(),
            positive.clone(),
            Tensor::cat(negatives.collect(), 0),
            0.5,
        );
        let batch = in_batch(anchor.clone(), positive.clone(), &[0, 1, 2], 0.5);
        assert!((scalar(explicit) - scalar(batch)).abs() < 1e-6);
    }
}
