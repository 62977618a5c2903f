//! AirNet's sizes; the defaults are the published ones (7.61 M learned parameters; the 8.93 M of the paper count the
//! encoder's moving average, which only its training needs, as well).

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::AirNet;
use crate::network::{ConfigError, NetworkSettings, Size};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AirNetConfig {
    /// Groups of blocks.
    pub groups: usize,
    /// Blocks of a group.
    pub blocks: usize,
    /// Channels of the encoder's residual blocks. The first ones are the restorer's as well, as the encoder's first
    /// features guide it; the last ones are the width of the degradation representation.
    pub encoder: [usize; 3],
}

impl Default for AirNetConfig {
    fn default() -> Self {
        Self {
            groups: 5,
            blocks: 5,
            encoder: [64, 128, 256],
        }
    }
}

impl NetworkSettings for AirNetConfig {
    type Network = AirNet;

    fn sized(size: Size) -> Self {
        match size {
            Size::Tiny => Self {
                groups: 1,
                blocks: 1,
                encoder: [8, 12, 16],
            },
            Size::Small => Self {
                groups: 2,
                blocks: 1,
                encoder: [16, 32, 64],
            },
            Size::Paper => Self::default(),
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        ConfigError::unless(!self.encoder.contains(&0), "encoder", || {
            "each width is a channel or more".into()
        })
    }

    fn build(&self, device: &Device) -> AirNet {
        AirNet::new(self, device)
    }
}
