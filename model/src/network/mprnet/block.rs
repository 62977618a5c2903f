//! MPRNet's blocks: the channel attention block (CAB), the supervised attention module (SAM), and the PReLU that all
//! blocks share.

#![allow(non_snake_case, reason = "the official code's keys")]

use burn::{
    module::{Module, Param},
    tensor::{
        Device, Tensor,
        activation::{relu, sigmoid},
    },
};

use super::MprNetConfig;
use crate::layer::{Conv2d, Gap, constant};
use crate::network::{
    channel_gate::channel_gate,
    convolution::{dense, pointwise},
};

/// One number for all channels and all blocks of the network.
#[derive(Module, Debug)]
pub struct SharedPrelu {
    /// `[1]`, starts at a quarter.
    pub weight: Param<Tensor<1>>,
}

impl SharedPrelu {
    pub fn new(device: &Device) -> Self {
        Self {
            weight: constant([1], 0.25, device),
        }
    }
}

/// x, or `slope · x` below zero.
fn prelu(x: Tensor<4>, slope: &Tensor<1>) -> Tensor<4> {
    relu(x.clone()) - relu(x.neg()) * slope.clone().reshape([1, 1, 1, 1])
}

#[derive(Module, Debug)]
struct ChannelAttention {
    conv_du: (Conv2d, Gap, Conv2d),
}

/// `x + attention(3x3 · PReLU · 3x3 · x)`.
#[derive(Module, Debug)]
pub struct Cab<P: Module = Gap> {
    CA: ChannelAttention,
    /// Between the convolutions stands the PReLU: the network's first block holds the number that all share.
    body: (Conv2d, P, Conv2d),
}

impl Cab {
    pub fn new(channels: usize, config: &MprNetConfig, device: &Device) -> Self {
        Self::with(Gap, channels, config, device)
    }
}

impl Cab<SharedPrelu> {
    /// The block that holds the shared number.
    pub fn holding(channels: usize, config: &MprNetConfig, device: &Device) -> Self {
        Self::with(SharedPrelu::new(device), channels, config, device)
    }

    /// `[1]`
    pub fn slope(&self) -> Tensor<1> {
        self.body.1.weight.val()
    }
}

impl<P: Module> Cab<P> {
    fn with(prelu: P, channels: usize, config: &MprNetConfig, device: &Device) -> Self {
        let hidden = channels / config.reduction;
        let convolution = || dense(channels, channels, 1, config.bias, device);
        Self {
            CA: ChannelAttention {
                conv_du: (
                    pointwise(channels, hidden, config.bias, device),
                    Gap,
                    pointwise(hidden, channels, config.bias, device),
                ),
            },
            body: (convolution(), prelu, convolution()),
        }
    }

    /// `[B, C, H, W]` to the same.
    pub fn forward(&self, x: Tensor<4>, slope: &Tensor<1>) -> Tensor<4> {
        let (first, _, second) = &self.body;
        let (narrow, _, widen) = &self.CA.conv_du;
        let deep = second.forward(prelu(first.forward(x.clone()), slope));
        channel_gate(deep, narrow, widen) + x
    }
}

/// One block after the other.
pub fn through(blocks: &[Cab], x: Tensor<4>, slope: &Tensor<1>) -> Tensor<4> {
    blocks.iter().fold(x, |x, block| block.forward(x, slope))
}

/// Makes a stage's restored picture, and weighs the features by it for the next stage.
#[derive(Module, Debug)]
pub struct Sam {
    conv1: Conv2d,
    conv2: Conv2d,
    conv3: Conv2d,
}

impl Sam {
    pub fn new(channels: usize, bias: bool, device: &Device) -> Self {
        Self {
            conv1: pointwise(channels, channels, bias, device),
            conv2: pointwise(channels, 3, bias, device),
            conv3: pointwise(3, channels, bias, device),
        }
    }

    /// Features `[B, C, H, W]` and the degraded picture `[B, 3, H, W]` to features and the restored picture.
    pub fn forward(&self, x: Tensor<4>, image: Tensor<4>) -> (Tensor<4>, Tensor<4>) {
        let restored = self.conv2.forward(x.clone()) + image;
        let mask = sigmoid(self.conv3.forward(restored.clone()));
        (self.conv1.forward(x.clone()) * mask + x, restored)
    }
}
