//! The first convolution, from colours to features.

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};

use crate::layer::Conv2d;
use crate::network::convolution::dense;

/// The official code keeps it behind a wrapper, whence `patch_embed.proj.weight`.
#[derive(Module, Debug)]
pub struct PatchEmbed {
    proj: Conv2d,
}

impl PatchEmbed {
    pub fn new(channels: usize, device: &Device) -> Self {
        Self {
            proj: dense(3, channels, 1, false, device),
        }
    }

    /// `[B, 3, H, W]` to `[B, C, H, W]`.
    pub fn forward(&self, image: Tensor<4>) -> Tensor<4> {
        self.proj.forward(image)
    }
}
