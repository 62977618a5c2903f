//! AlexNet's convolutions as torchvision has them (`features.N`), for LPIPS.
//!
//! Indices count convolutions, ReLUs and poolings from 0: 1, 4, 7, 9 and 11 are the five ReLUs.

use std::ops::Range;

use burn::{
    module::Module,
    tensor::{Device, Tensor, activation::relu, module::max_pool2d, ops::MaxPoolOptions},
};

use crate::{
    layer::Conv2d,
    weights::{Checkpoint, WeightsError, load},
};

/// The convolutional part of AlexNet, in its one size (torchvision's, of 2014).
#[derive(Module, Debug)]
pub struct AlexNet {
    /// By torchvision's index; `None` where nothing is learned.
    features: Vec<Option<Conv2d>>,
}

/// The indices of the poolings: the maximum of every 3x3, two pixels apart.
const POOLINGS: [usize; 3] = [2, 5, 12];

impl AlexNet {
    pub fn new(device: &Device) -> Self {
        let convolution = |inputs, outputs, kernel, stride| {
            let padding = if kernel == 11 { 2 } else { kernel / 2 };
            Some(Conv2d::new(inputs, outputs, kernel, stride, padding, 1, true, device))
        };
        Self {
            features: vec![
                convolution(3, 64, 11, 4),
                None,
                None,
                convolution(64, 192, 5, 1),
                None,
                None,
                convolution(192, 384, 3, 1),
                None,
                convolution(384, 256, 3, 1),
                None,
                convolution(256, 256, 3, 1),
                None,
                None,
            ],
        }
    }

    /// The published network from its checkpoint (torchvision's `alexnet`), whose classifier is left out.
    pub fn from_checkpoint(mut checkpoint: Checkpoint, origin: &str, device: &Device) -> Result<Self, WeightsError> {
        checkpoint.tensors.retain(|key, _| !key.starts_with("classifier."));
        load(Self::new(device), &checkpoint, origin)
    }

    /// No weight takes part in a backward pass; gradients still reach the input.
    pub fn frozen(self) -> Self {
        self.no_grad()
    }

    /// Through the layers of these indices: what layer `layers.start` takes to what the last of them gives.
    ///
    /// # Shapes
    /// - x of the whole network `[B, 3, H, W]`, H and W of 31 or more
    pub fn through(&self, x: Tensor<4>, layers: Range<usize>) -> Tensor<4> {
        layers.fold(x, |x, index| match &self.features[index] {
            Some(convolution) => convolution.forward(x),
            None if POOLINGS.contains(&index) => max_pool2d(x, MaxPoolOptions::new([3, 3]).with_stride([2, 2])),
            None => relu(x),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_size_has_its_parameters() {
        assert_eq!(AlexNet::new(&Device::flex()).num_params(), 2_469_696);
    }

    #[test]
    fn parts_follow_on_each_other_down_to_one_pixel() {
        let device = Device::flex();
        let network = AlexNet::new(&device);
        let image = Tensor::<4>::random([1, 3, 31, 40], burn::tensor::Distribution::Default, &device);
        let whole = network.through(image.clone(), 0..12);
        assert_eq!(whole.dims(), [1, 256, 1, 1]);
        let parts = network.through(network.through(image, 0..5), 5..12);
        assert_eq!(parts.into_data(), whole.into_data());
    }
}
