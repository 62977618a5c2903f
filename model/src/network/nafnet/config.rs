//! NAFNet's sizes; the defaults are those of its denoising and deblurring networks of width 32 (17.11 M parameters).

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::Nafnet;
use crate::network::{ConfigError, NetworkSettings, Size};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NafnetConfig {
    /// Channels at full resolution; they double with each level.
    pub width: usize,
    /// Blocks of each level of the encoder, from full resolution down; so many levels there are.
    pub encoder: Vec<usize>,
    /// Blocks below the lowest level.
    pub middle: usize,
    /// Blocks of each level of the decoder, from the lowest level up.
    pub decoder: Vec<usize>,
    /// Side of the training crops, in pixels: attention takes its means over windows 1.5 times as large, so that larger
    /// pictures look to the network as its crops did (NAFNet-local, by TLC). 0: over whole pictures.
    pub local: usize,
}

impl Default for NafnetConfig {
    fn default() -> Self {
        Self {
            width: 32,
            encoder: vec![1, 1, 1, 28],
            middle: 1,
            decoder: vec![1; 4],
            local: 0,
        }
    }
}

impl NafnetConfig {
    /// What heights and widths are multiples of inside.
    pub(super) fn multiple(&self) -> usize {
        1 << self.encoder.len()
    }

    /// Side of the window over which a block of `level` (from 0) takes its means; 0 without one.
    pub(in crate::network) fn window(&self, level: usize) -> usize {
        if self.local == 0 {
            return 0;
        }
        let side = self.local.next_multiple_of(self.multiple()) >> level;
        side * (self.local * 3 / 2) / self.local
    }
}

impl NetworkSettings for NafnetConfig {
    type Network = Nafnet;

    fn sized(size: Size) -> Self {
        match size {
            Size::Tiny => Self {
                width: 12,
                encoder: vec![1, 1, 1, 2],
                ..Self::default()
            },
            Size::Small => Self {
                width: 16,
                encoder: vec![1, 1, 1, 6],
                ..Self::default()
            },
            Size::Paper => Self::default(),
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        ConfigError::unless(self.width > 0, "width", || "a network needs a channel or more".into())?;
        ConfigError::unless((1..=8).contains(&self.encoder.len()), "encoder", || {
            format!("{} levels; 1 to 8 are possible", self.encoder.len())
        })?;
        ConfigError::unless(self.decoder.len() == self.encoder.len(), "decoder", || {
            format!(
                "{} levels, where the encoder has {}",
                self.decoder.len(),
                self.encoder.len()
            )
        })
    }

    fn build(&self, device: &Device) -> Nafnet {
        Nafnet::new(self, device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_halve_with_each_level() {
        let config = NafnetConfig {
            local: 128,
            ..NafnetConfig::default()
        };
        assert_eq!([0, 1, 2, 3, 4].map(|level| config.window(level)), [192, 96, 48, 24, 12]);
        assert_eq!(NafnetConfig::default().window(2), 0);
    }

    #[test]
    fn settings_of_which_no_network_can_be_built_are_named() {
        let wrong = |config: NafnetConfig| config.check().unwrap_err().to_string();
        let paper = NafnetConfig::default;
        assert!(wrong(NafnetConfig { width: 0, ..paper() }).contains("`width`"));
        assert!(
            wrong(NafnetConfig {
                encoder: vec![],
                ..paper()
            })
            .contains("`encoder`")
        );
        let message = wrong(NafnetConfig {
            decoder: vec![1; 3],
            ..paper()
        });
        assert!(
            message.contains("`decoder`: 3 levels, where the encoder has 4"),
            "{message}"
        );
    }
}
