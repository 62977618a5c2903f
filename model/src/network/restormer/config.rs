//! Restormer's sizes; the defaults are the paper's (26.13 M parameters).

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::Restormer;
use crate::network::{ConfigError, NetworkSettings, NormKind, Size};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RestormerConfig {
    /// Channels at full resolution; level l has `dim * 2^(l - 1)`, decoder level 1 and the refinement `2 * dim`.
    pub dim: usize,
    /// Transformer blocks of levels 1 to 4; the decoder's level l has as many as the encoder's.
    pub blocks: [usize; 4],
    /// Attention heads of levels 1 to 4.
    pub heads: [usize; 4],
    /// Hidden channels of the feed-forward network over its input channels.
    pub expansion: f64,
    /// Transformer blocks after decoder level 1.
    pub refine: usize,
    /// Whether convolutions have biases (the official code never gives one to the patch embedding and the resampling).
    pub bias: bool,
    pub norm: NormKind,
}

impl Default for RestormerConfig {
    fn default() -> Self {
        Self {
            dim: 48,
            blocks: [4, 6, 6, 8],
            heads: [1, 2, 4, 8],
            expansion: 2.66,
            refine: 4,
            bias: false,
            norm: NormKind::WithBias,
        }
    }
}

/// What the four levels of a U-shaped transformer need, whichever network they are in.
pub(in crate::network) fn check_levels(dim: usize, heads: [usize; 4], expansion: f64) -> Result<(), ConfigError> {
    ConfigError::unless(dim >= 2 && dim.is_multiple_of(2), "dim", || {
        format!("{dim} is not an even number from 2 on")
    })?;
    for (level, heads) in heads.into_iter().enumerate() {
        let channels = dim << level;
        ConfigError::unless(heads > 0 && channels.is_multiple_of(heads), "heads", || {
            format!(
                "{heads} heads do not divide the {channels} channels of level {}",
                level + 1
            )
        })?;
    }
    ConfigError::unless((dim as f64 * expansion) as usize >= 1, "expansion", || {
        format!("{expansion} leaves no hidden channel of {dim}")
    })
}

impl NetworkSettings for RestormerConfig {
    type Network = Restormer;

    fn sized(size: Size) -> Self {
        match size {
            Size::Tiny => Self {
                dim: 12,
                blocks: [1; 4],
                refine: 1,
                ..Self::default()
            },
            Size::Small => Self {
                dim: 16,
                blocks: [1, 1, 1, 2],
                refine: 1,
                ..Self::default()
            },
            Size::Paper => Self::default(),
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        check_levels(self.dim, self.heads, self.expansion)
    }

    fn build(&self, device: &Device) -> Restormer {
        Restormer::new(self, device)
    }
}
