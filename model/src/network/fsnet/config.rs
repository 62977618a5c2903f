//! FSNet's sizes; the defaults are the published ones (13.28 M parameters).

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::FsNet;
use crate::network::{ConfigError, NetworkSettings, Size};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FsNetConfig {
    /// Channels at full resolution; twice and four times as many below.
    pub base: usize,
    /// Residual blocks of each of the six stages.
    pub blocks: usize,
    /// Means are taken over windows of so many 256ths of the picture (its motion deblurring network: 80). 0: over
    /// whole pictures.
    pub local: usize,
}

impl Default for FsNetConfig {
    fn default() -> Self {
        Self {
            base: 32,
            blocks: 16,
            local: 0,
        }
    }
}

impl NetworkSettings for FsNetConfig {
    type Network = FsNet;

    fn sized(size: Size) -> Self {
        let (base, blocks) = match size {
            Size::Tiny => (16, 4),
            Size::Small => (16, 6),
            Size::Paper => (32, 16),
        };
        Self { base, blocks, local: 0 }
    }

    fn check(&self) -> Result<(), ConfigError> {
        ConfigError::unless(self.base > 0 && self.base.is_multiple_of(16), "base", || {
            format!(
                "{} is not a multiple of 16: half of it is filtered in 8 groups",
                self.base
            )
        })?;
        ConfigError::unless(self.blocks >= 4, "blocks", || {
            format!("{} blocks; the U within a stage needs 4", self.blocks)
        })
    }

    fn build(&self, device: &Device) -> FsNet {
        FsNet::new(self, device)
    }
}
