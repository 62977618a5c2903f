//! NAFNet (Chen et al., ECCV 2022): a baseline, and the other backbone of Perceive-IR (Table XIII).
//!
//! A U of levels of activation-free blocks; skips are added, and the picture to the output. Fields are named as in the
//! official checkpoints.

mod block;
mod config;
mod local_mean;
mod resample;

pub use block::NafBlock;
pub use config::NafnetConfig;
pub use local_mean::local_mean;

pub(super) use resample::{Down, Up, new_up, up};

use burn::{
    module::Module,
    tensor::{Device, Tensor, ops::PadMode},
};

use super::convolution::dense;
use super::{Guidance, Restored, Restorer};
use crate::layer::Conv2d;

#[derive(Module, Debug)]
pub struct Nafnet {
    intro: Conv2d,
    ending: Conv2d,
    encoders: Vec<Vec<NafBlock>>,
    decoders: Vec<Vec<NafBlock>>,
    middle_blks: Vec<NafBlock>,
    ups: Vec<Up>,
    downs: Vec<Down>,
}

/// One block after the other.
pub(super) fn through(blocks: &[NafBlock], x: Tensor<4>) -> Tensor<4> {
    blocks.iter().fold(x, |x, block| block.forward(x))
}

/// Zeros to the right and below, to the next multiples.
pub(super) fn pad_with_zeros(x: Tensor<4>, multiple: usize) -> Tensor<4> {
    let [_, _, height, width] = x.dims();
    let (lower, right) = (
        height.next_multiple_of(multiple) - height,
        width.next_multiple_of(multiple) - width,
    );
    if lower + right == 0 {
        return x;
    }
    x.pad((0, right, 0, lower), PadMode::Constant(0.0))
}

impl Nafnet {
    pub fn new(config: &NafnetConfig, device: &Device) -> Self {
        let levels = config.encoder.len();
        let channels = |level: usize| config.width << level;
        let stack = |count: usize, level: usize| -> Vec<_> {
            (0..count)
                .map(|_| NafBlock::new(channels(level), config.window(level), device))
                .collect()
        };
        let encoders = config.encoder.iter().enumerate();
        let decoders = config.decoder.iter().enumerate();
        Self {
            intro: dense(3, config.width, 1, true, device),
            ending: dense(config.width, 3, 1, true, device),
            encoders: encoders.map(|(level, &count)| stack(count, level)).collect(),
            decoders: decoders
                .map(|(index, &count)| stack(count, levels - 1 - index))
                .collect(),
            middle_blks: stack(config.middle, levels),
            ups: (0..levels)
                .rev()
                .map(|level| new_up(channels(level + 1), device))
                .collect(),
            downs: (0..levels).map(|level| Down::new(channels(level), device)).collect(),
        }
    }

    /// `[B, 3, H, W]` of any size to the same; the output is not clamped.
    pub fn forward(&self, image: Tensor<4>) -> Tensor<4> {
        self.forward_with(image, |_, blocks, x| through(blocks, x))
    }

    /// With another way through the decoder: `decode(level, blocks, x)` takes the input of a level, counted from 0 at
    /// full resolution, to its output.
    pub fn forward_with(
        &self,
        image: Tensor<4>,
        decode: impl Fn(usize, &[NafBlock], Tensor<4>) -> Tensor<4>,
    ) -> Tensor<4> {
        let [_, _, height, width] = image.dims();
        let padded = pad_with_zeros(image, 1 << self.downs.len());
        let mut skips = Vec::with_capacity(self.downs.len());
        let mut x = self.intro.forward(padded.clone());
        for (blocks, down) in self.encoders.iter().zip(&self.downs) {
            let level = through(blocks, x);
            x = down.forward(level.clone());
            skips.push(level);
        }
        x = through(&self.middle_blks, x);
        let levels = self
            .ups
            .iter()
            .zip(&self.decoders)
            .zip(skips.into_iter().enumerate().rev());
        for ((convolution, blocks), (level, skip)) in levels {
            x = decode(level, blocks, up(convolution, x) + skip);
        }
        (self.ending.forward(x) + padded)
            .narrow(2, 0, height)
            .narrow(3, 0, width)
    }
}

impl Restorer for Nafnet {
    fn restore(&self, image: Tensor<4>, _guidance: Option<Guidance>) -> Restored {
        Restored {
            image: self.forward(image),
            z: None,
        }
    }

    fn multiple(&self) -> usize {
        1
    }

    fn last_layer(&self) -> Option<&'static str> {
        Some("ending")
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Distribution;

    use super::*;
    use crate::network::{NetworkSettings, Size};
    use crate::weights::{load, recipe, shapes};

    #[test]
    fn crops_are_restored_alike_with_and_without_windows() {
        let device = Device::flex();
        let config = NafnetConfig::sized(Size::Tiny);
        let local = NafnetConfig {
            local: 32,
            ..config.clone()
        };
        let of = |config: &NafnetConfig| {
            let network = Nafnet::new(config, &device);
            let weights = recipe(&shapes(&network));
            load(network, &weights, "recipe").unwrap()
        };
        let (plain, local) = (of(&config), of(&local));
        let widest = |side: usize| -> f32 {
            let image = Tensor::<4>::random([1, 3, side, side], Distribution::Default, &device);
            (plain.forward(image.clone()) - local.forward(image))
                .abs()
                .max()
                .into_scalar()
        };
        assert!(widest(32) == 0.0 && widest(48) == 0.0);
        assert!(widest(64) > 0.0);
    }
}
