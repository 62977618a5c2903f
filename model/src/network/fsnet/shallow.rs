//! What FSNet sees of the picture at half and at a quarter of its size, and where that meets the features from above.

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor},
};

use super::convolution::Convolution;
use crate::layer::constant;

/// Features of the picture at a lower resolution.
#[derive(Module, Debug)]
pub struct Shallow {
    main: (Convolution, Convolution, Convolution, Convolution, InstanceNorm),
}

/// Each channel of each picture to mean 0 and variance 1.
#[derive(Module, Debug)]
struct InstanceNorm {
    /// `[C]`
    weight: Param<Tensor<1>>,
    /// `[C]`
    bias: Param<Tensor<1>>,
}

impl Shallow {
    pub fn new(channels: usize, device: &Device) -> Self {
        let [quarter, half] = [channels / 4, channels / 2];
        Self {
            main: (
                Convolution::activated(3, quarter, 3, 1, device),
                Convolution::activated(quarter, half, 1, 1, device),
                Convolution::activated(half, half, 3, 1, device),
                Convolution::linear(half, channels, 1, device),
                InstanceNorm {
                    weight: constant([channels], 1.0, device),
                    bias: constant([channels], 0.0, device),
                },
            ),
        }
    }

    /// `[B, 3, H, W]` to `[B, C, H, W]`.
    pub fn forward(&self, image: Tensor<4>) -> Tensor<4> {
        let (first, second, third, fourth, norm) = &self.main;
        let x = fourth.forward(third.forward(second.forward(first.forward(image))));
        let shape @ [batch, channels, height, width] = x.dims();
        let rows = x.reshape([batch, channels, height * width]);
        let centred = rows.clone() - rows.mean_dim(2);
        let deviation = centred.clone().powi_scalar(2).mean_dim(2).add_scalar(1e-5).sqrt();
        let of_channels = |values: &Param<Tensor<1>>| values.val().reshape([1, channels, 1]);
        (centred / deviation * of_channels(&norm.weight) + of_channels(&norm.bias)).reshape(shape)
    }
}

/// Features from above and those of the smaller picture, merged.
#[derive(Module, Debug)]
pub struct Merge {
    merge: Convolution,
}

impl Merge {
    pub fn new(channels: usize, device: &Device) -> Self {
        Self {
            merge: Convolution::linear(2 * channels, channels, 3, device),
        }
    }

    /// Both `[B, C, H, W]`, to the same.
    pub fn forward(&self, x: Tensor<4>, shallow: Tensor<4>) -> Tensor<4> {
        self.merge.forward(Tensor::cat(vec![x, shallow], 1))
    }
}
