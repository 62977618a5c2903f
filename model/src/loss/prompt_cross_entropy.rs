//! Eq. 1: the cross entropy by which the prompts learn to tell the three tiers of quality apart.

use burn::tensor::{Int, Tensor, activation::log_softmax};

use super::quality_logits;

/// Mean over the pictures of `-log softmax_k(scale * S(image, text_k))[label]`.
///
/// Eq. 1's `-1/3 Σ` over a bad, a medium and a good picture is this mean over three.
///
/// # Shapes
/// - image `[B, width]`, text `[K, width]`: CLIP's encodings, of any lengths
/// - label `[B]`: the row of text that is right
pub fn prompt_cross_entropy(image: Tensor<2>, text: Tensor<2>, label: Tensor<1, Int>, scale: f64) -> Tensor<1> {
    let log_probabilities = log_softmax(quality_logits(image, text, scale), 1);
    -log_probabilities.gather(1, label.unsqueeze_dim(1)).mean()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loss::testing::scalar;
    use burn::tensor::Device;

    #[test]
    fn the_right_label_costs_least() {
        let device = Device::flex();
        let text = Tensor::<2>::eye(3, &device);
        let image = Tensor::<2>::from_data([[0.0, 2.0, 0.1]], &device);
        let costs: Vec<f32> = (0..3)
            .map(|label| {
                let label = Tensor::<1, Int>::from_data([label], &device);
                scalar(prompt_cross_entropy(image.clone(), text.clone(), label, 100.0))
            })
            .collect();
        assert!(costs[1] < 1e-6 && costs[0] > 90.0 && costs[2] > 90.0, "{costs:?}");
    }
}
