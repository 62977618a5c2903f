//! FSNet's residual block, and the stages made of it; the last block of each stage filters.

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};

use super::FsNetConfig;
use super::convolution::Convolution;
use super::filter::DynamicFilter;
use super::frequency::{GlobalModulation, QuarterModulation};
use crate::layer::Conv2d;
use crate::network::convolution::pointwise;
use crate::tower::resize::{Filter, resize};

#[derive(Module, Debug)]
struct ResidualBlock {
    conv1: Convolution,
    conv2: Convolution,
    dyna: Option<DynamicFilter>,
    dyna_2: Option<DynamicFilter>,
    localap: QuarterModulation,
    global_ap: GlobalModulation,
}

/// The two halves of the channels, each through its own.
fn by_halves(
    x: Tensor<4>,
    first: impl Fn(Tensor<4>) -> Tensor<4>,
    second: impl Fn(Tensor<4>) -> Tensor<4>,
) -> Tensor<4> {
    let half = x.dims()[1] / 2;
    Tensor::cat(
        vec![first(x.clone().narrow(1, 0, half)), second(x.narrow(1, half, half))],
        1,
    )
}

impl ResidualBlock {
    fn new(channels: usize, filters: bool, local: usize, device: &Device) -> Self {
        let half = channels / 2;
        let filter = |kernel| filters.then(|| DynamicFilter::new(half, kernel, local, device));
        Self {
            conv1: Convolution::activated(channels, channels, 3, 1, device),
            conv2: Convolution::linear(channels, channels, 3, device),
            dyna: filter(3),
            dyna_2: filter(5),
            localap: QuarterModulation::new(half, local, device),
            global_ap: GlobalModulation::new(half, local, device),
        }
    }

    /// `[B, C, H, W]` to the same.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let mut deep = self.conv1.forward(x.clone());
        if let (Some(small), Some(large)) = (&self.dyna, &self.dyna_2) {
            deep = by_halves(deep, |x| small.forward(x), |x| large.forward(x));
        }
        deep = by_halves(deep, |x| self.global_ap.forward(x), |x| self.localap.forward(x));
        self.conv2.forward(deep) + x
    }
}

fn blocks(channels: usize, config: &FsNetConfig, device: &Device) -> Vec<ResidualBlock> {
    (1..=config.blocks)
        .map(|number| ResidualBlock::new(channels, number == config.blocks, config.local, device))
        .collect()
}

/// One block after the other.
#[derive(Module, Debug)]
pub struct Stage {
    layers: Vec<ResidualBlock>,
}

impl Stage {
    pub fn new(channels: usize, config: &FsNetConfig, device: &Device) -> Self {
        Self {
            layers: blocks(channels, config, device),
        }
    }

    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.layers.iter().fold(x, |x, block| block.forward(x))
    }
}

/// At full resolution: the blocks but for the first and the last quarter see half of it.
#[derive(Module, Debug)]
pub struct HalvingStage {
    layers: Halving,
}

#[derive(Module, Debug)]
struct Halving {
    layers: Vec<ResidualBlock>,
    down: Conv2d,
    conv: Conv2d,
}

impl HalvingStage {
    pub fn new(channels: usize, config: &FsNetConfig, device: &Device) -> Self {
        Self {
            layers: Halving {
                layers: blocks(channels, config, device),
                down: Conv2d::new(channels, channels, 2, 2, 0, channels, true, device),
                conv: pointwise(2 * channels, channels, true, device),
            },
        }
    }

    /// `[B, C, H, W]` to the same, with an identity skip.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let Halving { layers, down, conv } = &self.layers;
        let through = |blocks: &[ResidualBlock], x: Tensor<4>| blocks.iter().fold(x, |x, block| block.forward(x));
        let [_, _, height, width] = x.dims();
        let quarter = layers.len() / 4;
        let (first, rest) = layers.split_at(quarter);
        let (halved, last) = rest.split_at(rest.len() - quarter);

        let skip = through(first, x.clone());
        let deep = through(halved, down.forward(skip.clone()));
        let deep = resize(deep, [height, width], Filter::Bilinear, false);
        let deep = conv.forward(Tensor::cat(vec![deep, skip], 1));
        through(last, deep) + x
    }
}
