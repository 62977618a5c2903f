//! CFE, compact feature extraction (Fig. 3b): the degradation representation Z of a picture.
//!
//! Residual blocks that widen and halve, units with an identity skip, the mean over pixels, two linear maps.
//! It is trained by the contrastive loss (eq. 12) and knows no backbone.

use burn::{
    module::Module,
    tensor::{Device, Tensor, activation, s},
};

use crate::layer::{Conv2d, Linear};
use crate::network::convolution::{dense, pointwise};

fn leaky_relu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    activation::leaky_relu(x, 0.1)
}

/// 3x3, LReLU, 3x3 beside a 1x1 shortcut, then LReLU: AirNet's encoder block without batch norm.
#[derive(Module, Debug)]
struct DownBlock {
    conv1: Conv2d,
    conv2: Conv2d,
    shortcut: Conv2d,
    stride: usize,
}

impl DownBlock {
    fn new(input: usize, output: usize, stride: usize, device: &Device) -> Self {
        Self {
            conv1: dense(input, output, stride, true, device),
            conv2: dense(output, output, 1, true, device),
            shortcut: pointwise(input, output, true, device),
            stride,
        }
    }

    /// `[B, I, H, W]` to `[B, O, ceil(H / stride), ceil(W / stride)]`.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let deep = self.conv2.forward(leaky_relu(self.conv1.forward(x.clone())));
        // A strided 1x1 convolution sees one pixel in stride².
        let x = if self.stride == 1 {
            x
        } else {
            x.slice(s![.., .., ..;self.stride as isize, ..;self.stride as isize])
        };
        leaky_relu(deep + self.shortcut.forward(x))
    }
}

/// 3x3, LReLU, 3x3 with an identity skip.
#[derive(Module, Debug)]
struct ResidualUnit {
    conv1: Conv2d,
    conv2: Conv2d,
}

impl ResidualUnit {
    fn new(channels: usize, device: &Device) -> Self {
        Self {
            conv1: dense(channels, channels, 1, true, device),
            conv2: dense(channels, channels, 1, true, device),
        }
    }

    /// `[B, C, H, W]` to the same.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.conv2.forward(leaky_relu(self.conv1.forward(x.clone()))) + x
    }
}

#[derive(Module, Debug)]
pub struct Cfe {
    down: Vec<DownBlock>,
    units: Vec<ResidualUnit>,
    fc1: Linear,
    fc2: Linear,
}

impl Cfe {
    /// Residual blocks of the given widths (one or more), each but the first of stride 2.
    pub fn new(widths: &[usize], units: usize, z_dim: usize, device: &Device) -> Self {
        let mut width = 3;
        let down = widths
            .iter()
            .enumerate()
            .map(|(index, &output)| {
                let input = std::mem::replace(&mut width, output);
                DownBlock::new(input, output, if index == 0 { 1 } else { 2 }, device)
            })
            .collect();
        Self {
            down,
            units: (0..units).map(|_| ResidualUnit::new(width, device)).collect(),
            fc1: Linear::new(width, z_dim, true, device),
            fc2: Linear::new(z_dim, z_dim, true, device),
        }
    }

    /// `[B, 3, H, W]` of any size to Z `[B, z_dim]`.
    pub fn forward(&self, image: Tensor<4>) -> Tensor<2> {
        let x = self.down.iter().fold(image, |x, block| block.forward(x));
        let x = self.units.iter().fold(x, |x, unit| unit.forward(x));
        let [batch, channels, height, width] = x.dims();
        let mean = x
            .reshape([batch, channels, height * width])
            .mean_dim(2)
            .reshape([batch, channels]);
        self.fc2.forward(leaky_relu(self.fc1.forward(mean)))
    }
}
