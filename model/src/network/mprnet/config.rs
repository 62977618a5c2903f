//! MPRNet's sizes; the defaults are those of its denoising network (15.74 M parameters).

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::MprNet;
use crate::network::{ConfigError, NetworkSettings, Size};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MprNetConfig {
    /// Channels at full resolution.
    pub features: usize,
    /// Channels that each level of the U-Nets of stages 1 and 2 has more than the one above.
    pub unet_step: usize,
    /// Channels that stage 3 has more than `features`.
    pub original_step: usize,
    /// Attention blocks in each of stage 3's three groups.
    pub blocks: usize,
    /// Channels over those that the channel attention squeezes them to.
    pub reduction: usize,
    /// Whether convolutions have biases.
    pub bias: bool,
}

impl Default for MprNetConfig {
    fn default() -> Self {
        Self {
            features: 80,
            unet_step: 48,
            original_step: 32,
            blocks: 8,
            reduction: 4,
            bias: false,
        }
    }
}

impl NetworkSettings for MprNetConfig {
    type Network = MprNet;

    fn sized(size: Size) -> Self {
        let paper = Self::default();
        match size {
            Size::Tiny => Self {
                features: 12,
                unet_step: 4,
                original_step: 4,
                blocks: 1,
                ..paper
            },
            Size::Small => Self {
                features: 20,
                unet_step: 12,
                original_step: 8,
                blocks: 2,
                ..paper
            },
            Size::Paper => paper,
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        ConfigError::unless(self.features > 0, "features", || {
            "a network needs a channel or more".into()
        })?;
        ConfigError::unless((1..=self.features).contains(&self.reduction), "reduction", || {
            format!("{} leaves no channel of {}", self.reduction, self.features)
        })
    }

    fn build(&self, device: &Device) -> MprNet {
        MprNet::new(self, device)
    }
}
