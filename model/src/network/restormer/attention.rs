//! MDTA, multi-Dconv head transposed attention: attention over channels instead of pixels.
//!
//! `W_o · softmax(norm(q) norm(k)ᵀ · t) v` with q, k, v each a 1x1 then a depthwise 3x3 convolution of the input.

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor},
};

use crate::kernel::channel_attention_qkv;
use crate::layer::{Conv2d, constant};
use crate::network::channel_norm::ChannelNorm;
use crate::network::convolution::{depthwise, pointwise};

#[derive(Module, Debug)]
pub struct Mdta {
    /// `[heads, 1, 1]`, starts at 1: the paper's 1/α, a learned multiplier.
    pub temperature: Param<Tensor<3>>,
    qkv: Conv2d,
    qkv_dwconv: Conv2d,
    project_out: Conv2d,
}

impl Mdta {
    pub fn new(channels: usize, heads: usize, bias: bool, device: &Device) -> Self {
        Self {
            temperature: constant([heads, 1, 1], 1.0, device),
            qkv: pointwise(channels, 3 * channels, bias, device),
            qkv_dwconv: depthwise(3 * channels, bias, device),
            project_out: pointwise(channels, channels, bias, device),
        }
    }

    /// `[B, C, H, W]` to the same.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.project_out
            .forward(self.attended(self.qkv_dwconv.forward(self.qkv.forward(x))))
    }

    /// `onto + forward(norm(x))`, as blocks have it.
    pub fn forward_onto(&self, onto: Tensor<4>, norm: &ChannelNorm, x: Tensor<4>) -> Tensor<4> {
        self.project_out
            .forward_onto(onto, self.attended(norm.then_filtered(&self.qkv, &self.qkv_dwconv, x)))
    }

    fn attended(&self, qkv: Tensor<4>) -> Tensor<4> {
        channel_attention_qkv(qkv, self.temperature.val())
    }
}
