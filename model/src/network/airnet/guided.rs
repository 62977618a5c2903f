//! AirNet's degradation guided module (DGM): features bent by a deformable convolution and scaled channel by channel,
//! both as the degradation map says; and the block of two such modules.

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor, activation::sigmoid},
};

use super::encoder::leaky_relu;
use crate::kernel::{self, deformable_columns, dense3x3};
use crate::layer::{Conv2d, Gap, constant, uniform};
use crate::network::convolution::{dense, pointwise};

/// Taps of a 3x3 kernel.
const TAPS: usize = 9;

/// A 3x3 convolution whose taps wander (DCNv2): two offsets and a weight for each, read off features and map.
#[derive(Module, Debug)]
struct DeformableConvolution {
    /// `[C, C, 3, 3]`
    weight: Param<Tensor<4>>,
    conv_offset_mask: OffsetConvolution,
}

/// It starts at zero: taps stand still, and each counts half.
#[derive(Module, Debug)]
struct OffsetConvolution {
    /// `[27, 2 C, 3, 3]`
    weight: Param<Tensor<4>>,
    /// `[27]`
    bias: Param<Tensor<1>>,
}

impl DeformableConvolution {
    fn new(channels: usize, device: &Device) -> Self {
        let bound = 1.0 / ((channels * TAPS) as f32).sqrt();
        Self {
            weight: uniform([channels, channels, 3, 3], bound, device),
            conv_offset_mask: OffsetConvolution {
                weight: constant([3 * TAPS, 2 * channels, 3, 3], 0.0, device),
                bias: constant([3 * TAPS], 0.0, device),
            },
        }
    }

    fn forward(&self, x: Tensor<4>, map: Tensor<4>) -> Tensor<4> {
        let OffsetConvolution { weight, bias } = &self.conv_offset_mask;
        let seen = Tensor::cat(vec![x.clone(), map], 1);
        let out = dense3x3(seen, weight.val(), Some(bias.val()), 1);
        let offsets = out.clone().narrow(1, 0, 2 * TAPS);
        let mask = sigmoid(out.narrow(1, 2 * TAPS, TAPS));
        let columns = deformable_columns(x, Tensor::cat(vec![offsets, mask], 1));
        let weight = self.weight.val();
        let [outputs, inputs, ..] = weight.dims();
        kernel::pointwise(columns, weight.reshape([outputs, TAPS * inputs, 1, 1]), None)
    }
}

/// `x · γ(map) + β(map)`.
#[derive(Module, Debug)]
struct FeatureTransform {
    conv_gamma: (Conv2d, Gap, Conv2d),
    conv_beta: (Conv2d, Gap, Conv2d),
}

impl FeatureTransform {
    fn new(channels: usize, device: &Device) -> Self {
        let convolution = || pointwise(channels, channels, false, device);
        Self {
            conv_gamma: (convolution(), Gap, convolution()),
            conv_beta: (convolution(), Gap, convolution()),
        }
    }

    fn forward(&self, x: Tensor<4>, map: Tensor<4>) -> Tensor<4> {
        let of_map =
            |(first, _, second): &(Conv2d, Gap, Conv2d)| second.forward(leaky_relu(first.forward(map.clone())));
        x * of_map(&self.conv_gamma) + of_map(&self.conv_beta)
    }
}

#[derive(Module, Debug)]
struct GuidedModule {
    dcn: DeformableConvolution,
    sft: FeatureTransform,
}

impl GuidedModule {
    fn new(channels: usize, device: &Device) -> Self {
        Self {
            dcn: DeformableConvolution::new(channels, device),
            sft: FeatureTransform::new(channels, device),
        }
    }

    fn forward(&self, x: Tensor<4>, map: Tensor<4>) -> Tensor<4> {
        self.dcn.forward(x.clone(), map.clone()) + self.sft.forward(x.clone(), map) + x
    }
}

#[derive(Module, Debug)]
pub struct GuidedBlock {
    dgm1: GuidedModule,
    dgm2: GuidedModule,
    conv1: Conv2d,
    conv2: Conv2d,
}

impl GuidedBlock {
    pub fn new(channels: usize, device: &Device) -> Self {
        Self {
            dgm1: GuidedModule::new(channels, device),
            dgm2: GuidedModule::new(channels, device),
            conv1: dense(channels, channels, 1, true, device),
            conv2: dense(channels, channels, 1, true, device),
        }
    }

    /// x and the map, both `[B, C, H, W]`, to the same.
    pub fn forward(&self, x: Tensor<4>, map: &Tensor<4>) -> Tensor<4> {
        let deep = leaky_relu(self.dgm1.forward(x.clone(), map.clone()));
        let deep = leaky_relu(self.conv1.forward(deep));
        let deep = leaky_relu(self.dgm2.forward(deep, map.clone()));
        self.conv2.forward(deep) + x
    }
}
