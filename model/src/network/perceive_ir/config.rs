//! Perceive-IR's sizes and readings; the defaults are those of `docs/paper-choices.md` (42.02 M parameters).

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::{Parts, PerceiveIr, PgcaMode, PgmScope};
use crate::network::restormer::check_levels;
use crate::network::{ConfigError, NetworkSettings, Size};

/// # What the switches of Table VI mean here
/// The condition is `[Z; F_l]`: `cfe = false` leaves F_l, `guidance = false` leaves Z. A PGM turns it into
/// `Y = γ ⊙ X + β`; with neither Z nor F_l it is told nothing, and its γ and β are learned constants. With `pgm = false`
/// the condition is only added, `Y = X + β`; with nothing to add, Y = X. So with all three off and `pgca` single or off,
/// the network computes what Restormer does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PerceiveIrConfig {
    /// Channels at full resolution, as in [`RestormerConfig`](crate::network::RestormerConfig).
    pub dim: usize,
    /// TBs of encoder levels 1 to 3 and ETBs of the latent (level 4) and the decoder levels 3 to 1.
    pub blocks: [usize; 4],
    pub heads: [usize; 4],
    pub expansion: f64,
    /// Plain TBs after decoder level 1.
    pub refine: usize,
    /// Width of the DINOv2 tokens F_1 to F_4.
    pub feat_dim: usize,
    /// Width of the degradation representation Z.
    pub z_dim: usize,
    /// Channels of the CFE's residual blocks; each but the first halves the resolution.
    pub cfe_widths: Vec<usize>,
    /// Identity-skip units at the CFE's last width.
    pub cfe_units: usize,
    pub pgm_scope: PgmScope,
    /// Width between a PGM's linear map and its convolution; 0 is the level's channels.
    pub pgm_hidden: usize,
    /// Size of a PGM's convolution, 1 or 3.
    pub pgm_kernel: usize,
    pub pgca: PgcaMode,
    /// Whether there is a CFE.
    pub cfe: bool,
    /// Whether the DINOv2 tokens are part of the condition.
    pub guidance: bool,
    /// Whether the condition modulates the features, or is only added to them.
    pub pgm: bool,
}

impl Default for PerceiveIrConfig {
    fn default() -> Self {
        Self {
            dim: 48,
            blocks: [4, 6, 6, 8],
            heads: [1, 2, 4, 8],
            expansion: 2.66,
            refine: 4,
            feat_dim: 768,
            z_dim: 128,
            cfe_widths: vec![64, 128, 256],
            cfe_units: 2,
            pgm_scope: PgmScope::Block,
            pgm_hidden: 0,
            pgm_kernel: 1,
            pgca: PgcaMode::Single,
            cfe: true,
            guidance: true,
            pgm: true,
        }
    }
}

impl PerceiveIrConfig {
    /// Which parts it has.
    pub fn parts(&self) -> Parts {
        Parts {
            cfe: self.cfe,
            guidance: self.guidance,
            pgm: self.pgm,
            pgm_scope: self.pgm_scope,
            pgm_hidden: self.pgm_hidden,
            pgm_kernel: self.pgm_kernel,
            pgca: self.pgca,
        }
    }

    /// Width of what PGMs are told, or `None` where there are no PGMs.
    pub fn condition_dim(&self) -> Option<usize> {
        self.parts().condition_dim(self.z_dim, self.feat_dim)
    }

    /// Whether the forward pass uses the DINOv2 tokens.
    pub fn needs_guidance(&self) -> bool {
        self.parts().needs_guidance()
    }
}

impl NetworkSettings for PerceiveIrConfig {
    type Network = PerceiveIr;

    fn sized(size: Size) -> Self {
        let paper = Self::default();
        match size {
            Size::Tiny => Self {
                dim: 12,
                blocks: [1; 4],
                refine: 1,
                z_dim: 16,
                cfe_widths: vec![8, 16, 24],
                cfe_units: 1,
                ..paper
            },
            Size::Small => Self {
                dim: 16,
                blocks: [1, 1, 1, 2],
                refine: 1,
                z_dim: 32,
                cfe_widths: vec![16, 32, 64],
                cfe_units: 1,
                ..paper
            },
            Size::Paper => paper,
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        check_levels(self.dim, self.heads, self.expansion)?;
        self.parts().check(self.z_dim, self.feat_dim, &self.cfe_widths)
    }

    fn set_guidance_width(&mut self, width: usize) {
        self.feat_dim = width;
    }

    fn set_parts(&mut self, parts: &Parts) {
        Parts {
            cfe: self.cfe,
            guidance: self.guidance,
            pgm: self.pgm,
            pgm_scope: self.pgm_scope,
            pgm_hidden: self.pgm_hidden,
            pgm_kernel: self.pgm_kernel,
            pgca: self.pgca,
        } = *parts;
    }

    fn needs_guidance(&self) -> bool {
        Self::needs_guidance(self)
    }

    fn build(&self, device: &Device) -> PerceiveIr {
        PerceiveIr::new(self, device)
    }
}
