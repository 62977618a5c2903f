//! From a picture in \[0, 1\] to what each tower was trained on: its size, its mean and deviation.
//!
//! Resizing is bilinear without antialiasing, as in CLIP-LIT's training, and pays no regard to the picture's
//! proportions. Gradients flow back to the picture.

use burn::tensor::{Tensor, TensorData};

use super::resize::{Filter, resize};

const CLIP_MEAN: [f32; 3] = [0.48145466, 0.4578275, 0.40821073];
const CLIP_DEVIATION: [f32; 3] = [0.26862954, 0.26130258, 0.27577711];
const IMAGENET_MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const IMAGENET_DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];

/// # Shapes
/// - image `[B, 3, H, W]`
/// - output `[B, 3, resolution, resolution]`
pub fn clip_input(image: Tensor<4>, resolution: usize) -> Tensor<4> {
    normalise(square(image, resolution), CLIP_MEAN, CLIP_DEVIATION)
}

/// `resolution`: a multiple of the patch size (224 of 14 in the paper).
///
/// # Shapes
/// - image `[B, 3, H, W]`
/// - output `[B, 3, resolution, resolution]`
pub fn dino_input(image: Tensor<4>, resolution: usize) -> Tensor<4> {
    normalise(square(image, resolution), IMAGENET_MEAN, IMAGENET_DEVIATION)
}

/// Any size: VGG-16's features are convolutions.
///
/// # Shapes
/// - image and output `[B, 3, H, W]`
pub fn vgg_input(image: Tensor<4>) -> Tensor<4> {
    normalise(image, IMAGENET_MEAN, IMAGENET_DEVIATION)
}

fn square(image: Tensor<4>, side: usize) -> Tensor<4> {
    resize(image, [side, side], Filter::Bilinear, false)
}

fn normalise(image: Tensor<4>, mean: [f32; 3], deviation: [f32; 3]) -> Tensor<4> {
    let device = image.device();
    let channels = |values: [f32; 3]| Tensor::<4>::from_data(TensorData::new(values.to_vec(), [1, 3, 1, 1]), &device);
    (image - channels(mean)) / channels(deviation)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn the_mean_colour_becomes_zero() {
        let device = Device::flex();
        for (mean, input) in [
            (CLIP_MEAN, clip_input as fn(Tensor<4>, usize) -> Tensor<4>),
            (IMAGENET_MEAN, dino_input),
            (IMAGENET_MEAN, |image, _| vgg_input(image)),
        ] {
            let colour = Tensor::<4>::from_data(TensorData::new(mean.to_vec(), [1, 3, 1, 1]), &device);
            let output = input(colour.expand([1, 3, 28, 28]), 28);
            assert_eq!(output.dims(), [1, 3, 28, 28]);
            let widest: f32 = output.abs().max().into_scalar();
            assert!(widest < 1e-5, "{widest}");
        }
    }

    #[test]
    fn one_deviation_becomes_one() {
        let device = Device::flex();
        let colour: Vec<f32> = (0..3).map(|c| CLIP_MEAN[c] + CLIP_DEVIATION[c]).collect();
        let image = Tensor::<4>::from_data(TensorData::new(colour, [1, 3, 1, 1]), &device).expand([1, 3, 10, 12]);
        let output = clip_input(image, 32);
        assert_eq!(output.dims(), [1, 3, 32, 32]);
        let widest: f32 = (output - 1.0).abs().max().into_scalar();
        assert!(widest < 1e-5, "{widest}");
    }

    #[test]
    fn gradients_reach_the_picture() {
        let image = Tensor::<4>::ones([1, 3, 8, 8], &Device::flex().autodiff()).require_grad();
        let gradients = dino_input(image.clone(), 14).sum().backward();
        let total: f32 = image.grad(&gradients).unwrap().sum().into_scalar();
        let expected: f32 = IMAGENET_DEVIATION.iter().map(|deviation| 196.0 / deviation).sum();
        assert!((total / expected - 1.0).abs() < 1e-4, "{total} instead of {expected}");
    }
}
