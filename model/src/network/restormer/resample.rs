//! Between levels: a 3x3 convolution and a pixel (un)shuffle. Channels double on the way down and halve on the way up.

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};

use crate::layer::Conv2d;
use crate::network::convolution::dense;
use crate::network::pixel_shuffle::{pixel_shuffle, pixel_unshuffle};

/// `[B, C, H, W]` to `[B, 2C, H/2, W/2]`. The array of one gives the official key `body.0.weight`.
#[derive(Module, Debug)]
pub struct Down {
    body: [Conv2d; 1],
}

impl Down {
    pub fn new(channels: usize, device: &Device) -> Self {
        Self {
            body: [dense(channels, channels / 2, 1, false, device)],
        }
    }

    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        pixel_unshuffle(self.body[0].forward(x), 2)
    }
}

/// `[B, C, H, W]` to `[B, C/2, 2H, 2W]`.
#[derive(Module, Debug)]
pub struct Up {
    body: [Conv2d; 1],
}

impl Up {
    pub fn new(channels: usize, device: &Device) -> Self {
        Self {
            body: [dense(channels, channels * 2, 1, false, device)],
        }
    }

    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        pixel_shuffle(self.body[0].forward(x), 2)
    }
}
