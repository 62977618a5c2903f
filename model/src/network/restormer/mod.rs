//! Restormer (Zamir et al., CVPR 2022): the medium model, a proxy, and the backbone of Perceive-IR.
//!
//! [Four levels](super::four_levels) of transformer blocks. Fields are named as in the official checkpoints.

mod attention;
mod block;
mod config;
mod embed;
mod feed_forward;
mod resample;

pub use attention::Mdta;
pub use block::TransformerBlock;
pub use config::RestormerConfig;
pub use feed_forward::Gdfn;

pub(super) use config::check_levels;
pub(super) use embed::PatchEmbed;
pub(super) use resample::{Down, Up};

use burn::tensor::{Device, Tensor};

use super::four_levels::{Block, FourLevels, Levels};

pub type Restormer = FourLevels<TransformerBlock>;

impl Block for TransformerBlock {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        Self::forward(self, x)
    }
}

impl Restormer {
    pub fn new(config: &RestormerConfig, device: &Device) -> Self {
        let levels = Levels {
            dim: config.dim,
            blocks: config.blocks,
            refine: config.refine,
            bias: config.bias,
        };
        let block =
            |channels: usize, level: usize| TransformerBlock::new(channels, config.heads[level], config, device);
        Self::of(levels, block, device)
    }
}
