//! Perceive-IR's parts, whatever the backbone: which of them a network has (Table VI), and in which reading.

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::Pgm;
use crate::network::ConfigError;

/// How many PGMs a level has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PgmScope {
    /// One inside each block, fed by that block's own input.
    #[default]
    Block,
    /// One, fed by the level's input; its Y is shared by the level's blocks (as Fig. 3 draws it).
    Level,
}

/// The attention of a guided block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PgcaMode {
    /// One attention of the backbone's own kind, steered by Y over features of X (as Fig. 3 draws it).
    #[default]
    Single,
    /// Eq. 8 literally: cross attention, then a whole MDTA.
    Eq8,
    /// No cross attention: the backbone's attention on Y, plus Y.
    Off,
}

/// Which parts, in which reading.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Parts {
    /// Whether there is a CFE.
    pub cfe: bool,
    /// Whether the DINOv2 tokens are part of the condition.
    pub guidance: bool,
    /// Whether the condition modulates the features, or is only added to them.
    pub pgm: bool,
    pub pgm_scope: PgmScope,
    /// Width between a PGM's linear map and its convolution; 0 is the level's channels.
    pub pgm_hidden: usize,
    /// Size of a PGM's convolution, 1 or 3.
    pub pgm_kernel: usize,
    pub pgca: PgcaMode,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            cfe: true,
            guidance: true,
            pgm: true,
            pgm_scope: PgmScope::Block,
            pgm_hidden: 0,
            pgm_kernel: 1,
            pgca: PgcaMode::Single,
        }
    }
}

impl Parts {
    /// Width of what PGMs are told: of `[Z; F_l]`, or 1 where there is neither; `None` where there are no PGMs at all.
    pub fn condition_dim(&self, z_dim: usize, feat_dim: usize) -> Option<usize> {
        let width = usize::from(self.cfe) * z_dim + usize::from(self.guidance) * feat_dim;
        (self.pgm || width > 0).then_some(width.max(1))
    }

    /// A PGM of a level of so many channels, or what is left of it without modulation.
    pub fn pgm(&self, channels: usize, condition_dim: usize, device: &Device) -> Pgm {
        let hidden = if self.pgm_hidden == 0 {
            channels
        } else {
            self.pgm_hidden
        };
        let pgm = Pgm::new(channels, condition_dim, hidden, self.pgm_kernel, device);
        if self.pgm { pgm } else { pgm.without_scale() }
    }

    /// Whether the forward pass uses the DINOv2 tokens.
    pub fn needs_guidance(&self) -> bool {
        self.guidance
    }

    /// Whether the parts can be built at these widths.
    pub fn check(&self, z_dim: usize, feat_dim: usize, cfe_widths: &[usize]) -> Result<(), ConfigError> {
        ConfigError::unless(matches!(self.pgm_kernel, 1 | 3), "pgm_kernel", || {
            format!("{} is neither 1 nor 3", self.pgm_kernel)
        })?;
        ConfigError::unless(!self.needs_guidance() || feat_dim > 0, "feat_dim", || {
            "guidance needs a width of 1 or more".into()
        })?;
        ConfigError::unless(!self.cfe || z_dim > 0, "z_dim", || {
            "the CFE needs a width of 1 or more".into()
        })?;
        ConfigError::unless(
            !self.cfe || cfe_widths.first().is_some_and(|_| !cfe_widths.contains(&0)),
            "cfe_widths",
            || "the CFE needs one width or more, each of 1 or more".into(),
        )
    }
}
