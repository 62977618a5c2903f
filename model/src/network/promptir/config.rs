//! PromptIR's sizes; the defaults are those of its published code (35.59 M parameters; the paper says 32.96 M).

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::PromptIr;
use crate::network::restormer::check_levels;
use crate::network::{ConfigError, NetworkSettings, RestormerConfig, Size};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PromptIrConfig {
    pub backbone: RestormerConfig,
    /// Channels of the prompts of levels 1 to 3.
    pub prompt_dims: [usize; 3],
    /// Height and width of the prompts of levels 1 to 3.
    pub prompt_sizes: [usize; 3],
    /// Prompts that a level mixes.
    pub prompt_len: usize,
    /// Channels of `chnl_reduce3`, which the published code makes and never uses.
    pub reduced: usize,
}

impl Default for PromptIrConfig {
    fn default() -> Self {
        Self {
            backbone: RestormerConfig::default(),
            prompt_dims: [64, 128, 320],
            prompt_sizes: [64, 32, 16],
            prompt_len: 5,
            reduced: 256,
        }
    }
}

impl PromptIrConfig {
    /// Channels where the prompt of level 1, 2 or 3 meets the decoder.
    pub(super) fn prompted(&self, level: usize) -> usize {
        (self.backbone.dim << level) + self.prompt_dims[level - 1]
    }
}

impl NetworkSettings for PromptIrConfig {
    type Network = PromptIr;

    fn sized(size: Size) -> Self {
        let of = |prompt_dims, prompt_sizes, reduced| Self {
            backbone: RestormerConfig::sized(size),
            prompt_dims,
            prompt_sizes,
            prompt_len: 5,
            reduced,
        };
        match size {
            Size::Tiny => of([16, 32, 80], [16, 8, 4], 64),
            Size::Small => of([20, 40, 104], [32, 16, 8], 80),
            Size::Paper => Self::default(),
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        let RestormerConfig {
            dim, heads, expansion, ..
        } = self.backbone;
        check_levels(dim, heads, expansion)?;
        for level in 1..=3 {
            let (channels, heads) = (self.prompted(level), heads[2]);
            ConfigError::unless(channels.is_multiple_of(heads), "prompt_dims", || {
                format!("{heads} heads do not divide the {channels} channels of level {level} with its prompt")
            })?;
        }
        ConfigError::unless(!self.prompt_dims.contains(&0), "prompt_dims", || {
            "a prompt needs a channel or more".into()
        })?;
        ConfigError::unless(!self.prompt_sizes.contains(&0), "prompt_sizes", || {
            "a prompt needs a pixel or more".into()
        })?;
        ConfigError::unless(self.prompt_len > 0, "prompt_len", || "one prompt or more".into())
    }

    fn build(&self, device: &Device) -> PromptIr {
        PromptIr::new(self, device)
    }
}
