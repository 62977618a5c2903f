//! MambaIR's block: a scan over the picture, then convolutions with channel attention, each beside a scaled skip.

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor, activation::gelu},
};

use super::{MambaIrConfig, Scan};
use crate::layer::{Conv2d, Gap, LayerNorm, constant};
use crate::network::{
    channel_gate::channel_gate,
    convolution::{dense, pointwise},
};

/// PyTorch's default.
const EPSILON: f64 = 1e-5;

#[derive(Module, Debug)]
struct ChannelAttention {
    attention: (Gap, Conv2d, Gap, Conv2d),
}

/// 3x3, GELU, 3x3, channel attention.
#[derive(Module, Debug)]
struct Convolutions {
    cab: (Conv2d, Gap, Conv2d, ChannelAttention),
}

impl Convolutions {
    fn new(channels: usize, config: &MambaIrConfig, device: &Device) -> Self {
        let (narrow, squeezed) = (channels / config.compress, channels / config.squeeze);
        let attention = ChannelAttention {
            attention: (
                Gap,
                pointwise(channels, squeezed, true, device),
                Gap,
                pointwise(squeezed, channels, true, device),
            ),
        };
        Self {
            cab: (
                dense(channels, narrow, 1, true, device),
                Gap,
                dense(narrow, channels, 1, true, device),
                attention,
            ),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let (first, _, second, ChannelAttention { attention }) = &self.cab;
        channel_gate(second.forward(gelu(first.forward(x))), &attention.1, &attention.3)
    }
}

#[derive(Module, Debug)]
pub struct StateSpaceBlock {
    ln_1: LayerNorm,
    self_attention: Scan,
    /// `[C]`, starts at 1.
    skip_scale: Param<Tensor<1>>,
    conv_blk: Convolutions,
    ln_2: LayerNorm,
    /// `[C]`, starts at 1.
    skip_scale2: Param<Tensor<1>>,
}

impl StateSpaceBlock {
    pub fn new(channels: usize, config: &MambaIrConfig, device: &Device) -> Self {
        Self {
            ln_1: LayerNorm::new(channels, EPSILON, device),
            self_attention: Scan::new(channels, config, device),
            skip_scale: constant([channels], 1.0, device),
            conv_blk: Convolutions::new(channels, config, device),
            ln_2: LayerNorm::new(channels, EPSILON, device),
            skip_scale2: constant([channels], 1.0, device),
        }
    }

    /// `[B, C, H, W]` to the same.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = x.permute([0, 2, 3, 1]);
        let x = x.clone() * self.skip_scale.val().unsqueeze() + self.self_attention.forward(self.ln_1.forward(x));
        let deep = self
            .conv_blk
            .forward(self.ln_2.forward(x.clone()).permute([0, 3, 1, 2]));
        (x * self.skip_scale2.val().unsqueeze()).permute([0, 3, 1, 2]) + deep
    }
}
