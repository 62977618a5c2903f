//! MambaIR (Guo et al., ECCV 2024), its U-Net for real denoising: Restormer's [four levels](super::four_levels) of state
//! space blocks.
//!
//! Fields are named as in the official checkpoints.

mod block;
mod config;
mod scan;

pub use block::StateSpaceBlock;
pub use config::MambaIrConfig;
pub use scan::Scan;

use burn::tensor::{Device, Tensor};

use super::four_levels::{Block, FourLevels, Levels};

pub type MambaIr = FourLevels<StateSpaceBlock>;

impl Block for StateSpaceBlock {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        Self::forward(self, x)
    }
}

impl MambaIr {
    pub fn new(config: &MambaIrConfig, device: &Device) -> Self {
        let levels = Levels {
            dim: config.dim,
            blocks: config.blocks,
            refine: config.refine,
            bias: false,
        };
        Self::of(
            levels,
            |channels, _| StateSpaceBlock::new(channels, config, device),
            device,
        )
    }
}
