//! Between levels: channels double on the way down and halve on the way up.

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor},
};

use crate::kernel;
use crate::layer::{Conv2d, uniform};
use crate::network::convolution::pointwise;
use crate::network::pixel_shuffle::{pixel_shuffle, pixel_unshuffle};

/// A 2x2 convolution of stride 2, `[B, C, H, W]` to `[B, 2C, H/2, W/2]`.
#[derive(Module, Debug)]
pub struct Down {
    /// `[2C, C, 2, 2]`
    weight: Param<Tensor<4>>,
    /// `[2C]`
    bias: Param<Tensor<1>>,
}

impl Down {
    pub fn new(channels: usize, device: &Device) -> Self {
        let bound = 1.0 / (4.0 * channels as f32).sqrt();
        Self {
            weight: uniform([2 * channels, channels, 2, 2], bound, device),
            bias: uniform([2 * channels], bound, device),
        }
    }

    /// As a 1x1 convolution of the four pixels under each kernel: there is a kernel for that.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let weight = self.weight.val();
        let [outputs, inputs, ..] = weight.dims();
        let weight = weight.reshape([outputs, 4 * inputs, 1, 1]);
        kernel::pointwise(pixel_unshuffle(x, 2), weight, Some(self.bias.val()))
    }
}

/// A 1x1 convolution and a pixel shuffle, `[B, C, H, W]` to `[B, C/2, 2H, 2W]`. The array of one gives the official key
/// `ups.0.0.weight`.
pub type Up = [Conv2d; 1];

pub fn new_up(channels: usize, device: &Device) -> Up {
    [pointwise(channels, 2 * channels, false, device)]
}

pub fn up([convolution]: &Up, x: Tensor<4>) -> Tensor<4> {
    pixel_shuffle(convolution.forward(x), 2)
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Distribution, module::conv2d, ops::ConvOptions};

    use super::*;

    #[test]
    fn down_is_a_strided_convolution() {
        let device = Device::flex();
        let down = Down::new(3, &device);
        let x = Tensor::<4>::random([2, 3, 6, 8], Distribution::Uniform(-1.0, 1.0), &device);
        let options = ConvOptions::new([2, 2], [0, 0], [1, 1], 1);
        let expected = conv2d(x.clone(), down.weight.val(), Some(down.bias.val()), options);
        let widest: f32 = (down.forward(x) - expected).abs().max().into_scalar();
        assert!(widest < 1e-5, "{widest}");
    }
}
