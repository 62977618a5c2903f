//! MambaIR's sizes; the defaults are those of its U-Net for real denoising (26.78 M parameters).

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::MambaIr;
use crate::network::{ConfigError, NetworkSettings, Size};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MambaIrConfig {
    /// Channels at full resolution, as in [`RestormerConfig`](crate::network::RestormerConfig).
    pub dim: usize,
    /// Blocks of levels 1 to 4; the decoder's level l has as many as the encoder's.
    pub blocks: [usize; 4],
    /// Blocks after decoder level 1.
    pub refine: usize,
    /// Channels of the scan over those of the level.
    pub expansion: f64,
    /// Numbers of a channel's state.
    pub states: usize,
    /// Channels of a level over those between the convolutions of its channel attention block.
    pub compress: usize,
    /// Channels of a level over those that its channel attention squeezes them to.
    pub squeeze: usize,
}

impl Default for MambaIrConfig {
    fn default() -> Self {
        Self {
            dim: 48,
            blocks: [4, 6, 6, 8],
            refine: 4,
            expansion: 1.5,
            states: 16,
            compress: 3,
            squeeze: 30,
        }
    }
}

impl NetworkSettings for MambaIrConfig {
    type Network = MambaIr;

    fn sized(size: Size) -> Self {
        let paper = Self::default();
        match size {
            Size::Tiny => Self {
                dim: 12,
                blocks: [1; 4],
                refine: 1,
                squeeze: 6,
                ..paper
            },
            Size::Small => Self {
                dim: 16,
                blocks: [1, 1, 1, 2],
                refine: 1,
                squeeze: 8,
                ..paper
            },
            Size::Paper => paper,
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        ConfigError::unless(self.dim >= 2 && self.dim.is_multiple_of(2), "dim", || {
            format!("{} is not an even number from 2 on", self.dim)
        })?;
        for (key, divisor) in [("compress", self.compress), ("squeeze", self.squeeze)] {
            ConfigError::unless((1..=self.dim).contains(&divisor), key, || {
                format!("{divisor} leaves no channel of {}", self.dim)
            })?;
        }
        ConfigError::unless((self.dim as f64 * self.expansion) as usize >= 1, "expansion", || {
            format!("{} leaves no channel of {}", self.expansion, self.dim)
        })?;
        ConfigError::unless(self.states > 0, "states", || "a state needs a number or more".into())
    }

    fn build(&self, device: &Device) -> MambaIr {
        MambaIr::new(self, device)
    }
}
