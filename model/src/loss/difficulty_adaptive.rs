//! Eqs. 10 and 11: the difficulty-adaptive perceptual loss.
//!
//! In VGG-16's features a restored picture is drawn to the clean one and pushed off the degraded one (the easy negative)
//! and the proxies' pictures (hard, or very hard where a proxy is still better than the network):
//!
//! ```text
//! Σ_i ξ_i M_i(I_g, I_r) / ( λ M_i(I_d, I_r) + Σ_q O(N_q) M_i(N_q, I_r) )        eq. 11, M the mean |difference|
//! ```

use burn::tensor::Tensor;

use super::l1;

/// ξ of VGG-16's layers 3, 7, 11 and 15.
pub const LAYER_WEIGHTS: [f64; 4] = [1.0 / 16.0, 1.0 / 8.0, 1.0 / 4.0, 1.0];

/// Keeps the quotient finite where a restored picture equals every negative.
const EPSILON: f64 = 1e-7;

/// Eq. 10, for each proxy: `1 + γ` where the network's average PSNR reaches the proxy's (hard), else `1 - γ` (very hard).
pub fn weights(average_psnr: f64, proxies: &[f64], gamma: f64) -> Vec<f64> {
    proxies
        .iter()
        .map(|&proxy| {
            if average_psnr >= proxy {
                1.0 + gamma
            } else {
                1.0 - gamma
            }
        })
        .collect()
}

/// The denominator's weights in eq. 11.
#[derive(Clone, Debug, PartialEq)]
pub struct Weighting {
    /// λ, of the degraded picture.
    pub degraded: f64,
    /// O(N_q), of each proxy.
    pub proxies: Vec<f64>,
}

impl Weighting {
    /// Eq. 10's weights, and λ = the number of proxies (1 where there is none).
    pub fn adaptive(average_psnr: f64, proxies: &[f64], gamma: f64) -> Self {
        Self {
            degraded: proxies.len().max(1) as f64,
            proxies: weights(average_psnr, proxies, gamma),
        }
    }

    /// Divided by their sum, as C2PNet does: the denominator is then an average distance.
    #[must_use]
    pub fn normalised(&self) -> Self {
        let sum = self.degraded + self.proxies.iter().sum::<f64>();
        Self {
            degraded: self.degraded / sum,
            proxies: self.proxies.iter().map(|weight| weight / sum).collect(),
        }
    }
}

/// The features of one batch of pictures, layer by layer, each `[B, C_i, H_i, W_i]`.
pub type Features = [Tensor<4>; 4];

/// Eq. 11.
///
/// Gradients flow into whatever is not detached: usually into `restored` alone.
///
/// # Panics
/// If there are not as many proxies as the weighting has weights for.
pub fn perceptual(
    restored: &Features,
    clean: &Features,
    degraded: &Features,
    proxies: &[Features],
    weighting: &Weighting,
) -> Tensor<1> {
    let layer = |index: usize| {
        let Distances { clean, negatives } = Distances::of(index, restored, clean, degraded, proxies, weighting);
        clean / negatives * LAYER_WEIGHTS[index]
    };
    layer(0) + layer(1) + layer(2) + layer(3)
}

/// The numerator and the denominator of one layer. They are means over a batch, so those of a batch are the averages of
/// those of its parts, which their quotient is not.
struct Distances {
    clean: Tensor<1>,
    negatives: Tensor<1>,
}

impl Distances {
    fn of(
        layer: usize,
        restored: &Features,
        clean: &Features,
        degraded: &Features,
        proxies: &[Features],
        weighting: &Weighting,
    ) -> Self {
        assert_eq!(proxies.len(), weighting.proxies.len(), "one weight for each proxy");
        let distance = |other: &Features| l1(other[layer].clone(), restored[layer].clone());
        let easy = distance(degraded).mul_scalar(weighting.degraded);
        let negatives = proxies
            .iter()
            .zip(&weighting.proxies)
            .fold(easy, |sum, (proxy, &weight)| sum + distance(proxy).mul_scalar(weight));
        Self {
            clean: distance(clean),
            negatives: negatives.add_scalar(EPSILON),
        }
    }
}

/// The distances of eq. 11 over a whole batch, as numbers: of each layer the numerator and the denominator.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BatchDistances([(f64, f64); 4]);

impl BatchDistances {
    /// Adds those of a part of the batch that is `share` of it.
    pub fn add(
        &mut self,
        share: f64,
        restored: &Features,
        clean: &Features,
        degraded: &Features,
        proxies: &[Features],
        weighting: &Weighting,
    ) {
        let number = |distance: Tensor<1>| f64::from(distance.into_scalar::<f32>());
        for (layer, (of_clean, of_negatives)) in self.0.iter_mut().enumerate() {
            let part = Distances::of(layer, restored, clean, degraded, proxies, weighting);
            *of_clean += share * number(part.clean);
            *of_negatives += share * number(part.negatives);
        }
    }

    /// Those of both.
    #[must_use]
    pub fn plus(mut self, other: &Self) -> Self {
        for (own, other) in self.0.iter_mut().zip(other.0) {
            *own = (own.0 + other.0, own.1 + other.1);
        }
        self
    }

    /// Eq. 11.
    pub fn quotient(&self) -> f64 {
        let layers = self.0.iter().zip(LAYER_WEIGHTS);
        layers
            .map(|((clean, negatives), weight)| weight * clean / negatives)
            .sum()
    }

    /// What has, for a part of the batch, the gradient that eq. 11 of the whole batch has for it, by the part's share: the
    /// derivative of each quotient, `dn / D - N dd / D²`, with the batch's N and D.
    pub fn part(
        &self,
        restored: &Features,
        clean: &Features,
        degraded: &Features,
        proxies: &[Features],
        weighting: &Weighting,
    ) -> Tensor<1> {
        let layer = |index: usize| {
            let part = Distances::of(index, restored, clean, degraded, proxies, weighting);
            let (of_clean, of_negatives) = self.0[index];
            let weight = LAYER_WEIGHTS[index] / of_negatives;
            part.clean * weight - part.negatives * (weight * of_clean / of_negatives)
        };
        layer(0) + layer(1) + layer(2) + layer(3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loss::testing::scalar;
    use burn::tensor::Device;

    fn flat(value: f32) -> Features {
        [(); 4].map(|()| Tensor::full([1, 2, 3, 3], value, &Device::flex()))
    }

    #[test]
    fn a_proxy_that_the_network_has_reached_weighs_more() {
        assert_eq!(weights(28.5, &[27.0, 31.25, 28.5], 0.25), [1.25, 0.75, 1.25]);
    }

    #[test]
    fn normalised_weights_sum_to_one() {
        let weighting = Weighting::adaptive(30.0, &[29.0, 31.0, 32.0, 30.0], 0.25).normalised();
        assert!((weighting.degraded + weighting.proxies.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert_eq!(weighting.degraded / weighting.proxies[0], 4.0 / 1.25);
    }

    #[test]
    fn the_quotient_is_of_weighted_distances() {
        let weighting = Weighting {
            degraded: 2.0,
            proxies: vec![1.25, 0.75],
        };
        let loss = perceptual(&flat(1.0), &flat(1.5), &flat(0.0), &[flat(2.0), flat(3.0)], &weighting);
        let expected = LAYER_WEIGHTS.iter().sum::<f64>() * 0.5 / (2.0 + 1.25 + 2.0 * 0.75);
        assert!((f64::from(scalar(loss)) - expected).abs() < 1e-6);
    }

    #[test]
    fn parts_of_a_batch_add_up_to_its_gradient() {
        let device = Device::flex().autodiff();
        let picture = |from: f32| {
            let values: Vec<f32> = (0..6).map(|n| ((n as f32 + from) * 1.7).sin()).collect();
            Tensor::<1>::from_data(values.as_slice(), &device).reshape([3, 2, 1, 1])
        };
        let features = |x: &Tensor<4>| [1.0, 2.0, -1.0, 0.5].map(|factor| x.clone() * factor);
        let weighting = Weighting::adaptive(30.0, &[29.0], 0.25);
        let all = [0.0, 1.0, 2.0, 3.0].map(picture);
        let restored = all[0].clone().require_grad();
        let gradient = |loss: Tensor<1>| {
            restored
                .grad(&loss.backward())
                .unwrap()
                .into_data()
                .try_to_vec::<f32>()
                .unwrap()
        };
        let [clean, degraded, proxy] = [1, 2, 3].map(|index| features(&all[index]));
        let whole = perceptual(&features(&restored), &clean, &degraded, &[proxy], &weighting);

        let parts = [(0, 2), (2, 1)].map(|(from, count)| {
            let cut = |x: &Tensor<4>| features(&x.clone().narrow(0, from, count));
            (
                count as f64 / 3.0,
                cut(&restored),
                cut(&all[1]),
                cut(&all[2]),
                [cut(&all[3])],
            )
        });
        let mut batch = BatchDistances::default();
        for (share, restored, clean, degraded, proxies) in &parts {
            batch.add(*share, restored, clean, degraded, proxies, &weighting);
        }
        assert!((batch.quotient() - f64::from(scalar(whole.clone()))).abs() < 1e-6);
        let linear = parts.map(|(share, restored, clean, degraded, proxies)| {
            batch.part(&restored, &clean, &degraded, &proxies, &weighting) * share
        });
        let [first, second] = linear;
        let (want, got) = (gradient(whole), gradient(first + second));
        let widest = want
            .iter()
            .zip(&got)
            .map(|(want, got)| (want - got).abs())
            .fold(0.0, f32::max);
        assert!(widest < 1e-6, "{want:?} {got:?}");
    }

    #[test]
    fn it_is_finite_without_proxies_and_at_the_negatives() {
        let weighting = Weighting::adaptive(20.0, &[], 0.25);
        assert_eq!(weighting.degraded, 1.0);
        assert_eq!(
            scalar(perceptual(&flat(1.0), &flat(1.0), &flat(1.0), &[], &weighting)),
            0.0
        );
    }
}
