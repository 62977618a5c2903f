//! FSNet (Cui et al., TPAMI 2024): a U of three resolutions that selects frequencies, with a restored picture at each.
//!
//! Fields are named as in the official checkpoints.

#![allow(non_snake_case, reason = "the official code's keys")]

mod block;
mod config;
mod convolution;
mod filter;
mod frequency;
mod shallow;

pub use config::FsNetConfig;

use burn::{
    module::Module,
    tensor::{Device, Tensor, s},
};

use self::block::{HalvingStage, Stage};
use self::convolution::{Convolution, Doubling};
use self::shallow::{Merge, Shallow};
use super::{Guidance, Restored, Restorer};

#[derive(Module, Debug)]
pub struct FsNet {
    Encoder: (HalvingStage, Stage, Stage),
    feat_extract: (Convolution, Convolution, Convolution, Doubling, Doubling, Convolution),
    Decoder: (Stage, Stage, HalvingStage),
    Convs: (Convolution, Convolution),
    ConvsOut: (Convolution, Convolution),
    FAM1: Merge,
    SCM1: Shallow,
    FAM2: Merge,
    SCM2: Shallow,
}

/// Every other pixel.
fn halved(image: Tensor<4>) -> Tensor<4> {
    image.slice(s![.., .., ..;2, ..;2])
}

impl FsNet {
    pub fn new(config: &FsNetConfig, device: &Device) -> Self {
        let [one, two, four] = [1, 2, 4].map(|factor| factor * config.base);
        let stage = |channels: usize| Stage::new(channels, config, device);
        let down = |inputs: usize, outputs: usize| Convolution::activated(inputs, outputs, 3, 2, device);
        Self {
            Encoder: (HalvingStage::new(one, config, device), stage(two), stage(four)),
            feat_extract: (
                Convolution::activated(3, one, 3, 1, device),
                down(one, two),
                down(two, four),
                Doubling::new(four, two, device),
                Doubling::new(two, one, device),
                Convolution::linear(one, 3, 3, device),
            ),
            Decoder: (stage(four), stage(two), HalvingStage::new(one, config, device)),
            Convs: (
                Convolution::activated(four, two, 1, 1, device),
                Convolution::activated(two, one, 1, 1, device),
            ),
            ConvsOut: (
                Convolution::linear(four, 3, 3, device),
                Convolution::linear(two, 3, 3, device),
            ),
            FAM1: Merge::new(four, device),
            SCM1: Shallow::new(four, device),
            FAM2: Merge::new(two, device),
            SCM2: Shallow::new(two, device),
        }
    }

    /// `[B, 3, H, W]`, H and W multiples of 8, to the restored pictures at a quarter, at half and at full resolution, not
    /// clamped.
    pub fn scales(&self, image: Tensor<4>) -> [Tensor<4>; 3] {
        let half = halved(image.clone());
        let quarter = halved(half.clone());
        let features = &self.feat_extract;

        let skip1 = self.Encoder.0.forward(features.0.forward(image.clone()));
        let x = features.1.forward(skip1.clone());
        let skip2 = self
            .Encoder
            .1
            .forward(self.FAM2.forward(x, self.SCM2.forward(half.clone())));
        let x = features.2.forward(skip2.clone());
        let x = self
            .Encoder
            .2
            .forward(self.FAM1.forward(x, self.SCM1.forward(quarter.clone())));

        let x = self.Decoder.0.forward(x);
        let restored_quarter = self.ConvsOut.0.forward(x.clone()) + quarter;
        let x = Tensor::cat(vec![features.3.forward(x), skip2], 1);
        let x = self.Decoder.1.forward(self.Convs.0.forward(x));
        let restored_half = self.ConvsOut.1.forward(x.clone()) + half;
        let x = Tensor::cat(vec![features.4.forward(x), skip1], 1);
        let x = self.Decoder.2.forward(self.Convs.1.forward(x));
        [restored_quarter, restored_half, features.5.forward(x) + image]
    }
}

impl Restorer for FsNet {
    /// The picture at full resolution.
    fn restore(&self, image: Tensor<4>, _guidance: Option<Guidance>) -> Restored {
        let [_, _, image] = self.scales(image);
        Restored { image, z: None }
    }

    fn last_layer(&self) -> Option<&'static str> {
        Some("feat_extract.5.main.0")
    }
}
