//! The three convolutions that restoration networks are made of, each on its own kernel.
//!
//! Weights are named and laid out as PyTorch's `Conv2d`, so that published checkpoints load without renaming, and start
//! as PyTorch's do: uniform within `1 / sqrt(fan_in)`, weights and biases alike.

use burn::{
    module::{Module, Param},
    nn::Initializer,
    tensor::{Device, Tensor},
};

use crate::kernel::{dense3x3, depthwise3x3, pointwise};

fn uniform<const D: usize>(shape: [usize; D], fan_in: usize, device: &Device) -> Param<Tensor<D>> {
    let initializer = Initializer::KaimingUniform { gain: 1.0 / 3.0_f64.sqrt(), fan_out_only: false };
    initializer.init_with(shape, Some(fan_in), None, device)
}

/// 1x1 convolution.
#[derive(Module, Debug)]
pub struct Pointwise {
    /// `[O, I, 1, 1]`
    pub weight: Param<Tensor<4>>,
    /// `[O]`
    pub bias: Option<Param<Tensor<1>>>,
}

impl Pointwise {
    pub fn new(input: usize, output: usize, bias: bool, device: &Device) -> Self {
        Self {
            weight: uniform([output, input, 1, 1], input, device),
            bias: bias.then(|| uniform([output], input, device)),
        }
    }

    /// `[B, I, H, W]` to `[B, O, H, W]`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        pointwise(x, self.weight.val(), self.bias.as_ref().map(Param::val))
    }
}

/// Depthwise 3x3 convolution, zero padding of 1.
#[derive(Module, Debug)]
pub struct Depthwise3x3 {
    /// `[C, 1, 3, 3]`
    pub weight: Param<Tensor<4>>,
    /// `[C]`
    pub bias: Option<Param<Tensor<1>>>,
}

impl Depthwise3x3 {
    pub fn new(channels: usize, bias: bool, device: &Device) -> Self {
        Self {
            weight: uniform([channels, 1, 3, 3], 9, device),
            bias: bias.then(|| uniform([channels], 9, device)),
        }
    }

    /// `[B, C, H, W]` to the same.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        depthwise3x3(x, self.weight.val(), self.bias.as_ref().map(Param::val))
    }
}

/// Dense 3x3 convolution, zero padding of 1.
#[derive(Module, Debug)]
pub struct Dense3x3 {
    /// `[O, I, 3, 3]`
    pub weight: Param<Tensor<4>>,
    /// `[O]`
    pub bias: Option<Param<Tensor<1>>>,
    stride: usize,
}

impl Dense3x3 {
    pub fn new(input: usize, output: usize, bias: bool, device: &Device) -> Self {
        Self::strided(input, output, 1, bias, device)
    }

    pub fn strided(input: usize, output: usize, stride: usize, bias: bool, device: &Device) -> Self {
        Self {
            weight: uniform([output, input, 3, 3], 9 * input, device),
            bias: bias.then(|| uniform([output], 9 * input, device)),
            stride,
        }
    }

    /// `[B, I, H, W]` to `[B, O, ceil(H / stride), ceil(W / stride)]`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        dense3x3(x, self.weight.val(), self.bias.as_ref().map(Param::val), self.stride)
    }
}
