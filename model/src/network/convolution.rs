//! The three convolutions that restoration networks are made of, by name instead of by eight numbers.

use burn::tensor::Device;

use crate::layer::Conv2d;

/// 1x1: `[B, I, H, W]` to `[B, O, H, W]`.
pub fn pointwise(inputs: usize, outputs: usize, bias: bool, device: &Device) -> Conv2d {
    Conv2d::new(inputs, outputs, 1, 1, 0, 1, bias, device)
}

/// 3x3 within each channel, zero padding of 1: `[B, C, H, W]` to the same.
pub fn depthwise(channels: usize, bias: bool, device: &Device) -> Conv2d {
    Conv2d::new(channels, channels, 3, 1, 1, channels, bias, device)
}

/// 3x3, zero padding of 1: `[B, I, H, W]` to `[B, O, ceil(H / stride), ceil(W / stride)]`.
pub fn dense(inputs: usize, outputs: usize, stride: usize, bias: bool, device: &Device) -> Conv2d {
    Conv2d::new(inputs, outputs, 3, stride, 1, 1, bias, device)
}
