//! Eq. 9: the CLIP-aware loss, which draws a restored picture to the "excellent" prompt and away from the others.

use burn::tensor::{Tensor, activation::softmax};

use super::quality_logits;

/// Mean over the pictures of `1 - softmax_k(scale * S(image, text_k))[excellent]`, 0 to 1.
///
/// # Shapes
/// - image `[B, width]`: CLIP's encodings of the restored pictures, of any lengths
/// - text `[K, width]`: the learned prompts' encodings; `excellent` is the row of the best tier
pub fn clip_aware(image: Tensor<2>, text: Tensor<2>, excellent: usize, scale: f64) -> Tensor<1> {
    let probabilities = softmax(quality_logits(image, text, scale), 1);
    -probabilities.narrow(1, excellent, 1).mean().sub_scalar(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loss::testing::scalar;
    use burn::tensor::Device;

    #[test]
    fn a_picture_like_the_excellent_prompt_costs_nothing() {
        let device = Device::flex();
        let text = Tensor::<2>::eye(3, &device);
        let image = Tensor::<2>::from_data([[5.0, 0.0, 0.0]], &device);
        assert!(scalar(clip_aware(image.clone(), text.clone(), 0, 100.0)) < 1e-6);
        assert!(scalar(clip_aware(image, text, 1, 100.0)) > 1.0 - 1e-6);
    }
}
