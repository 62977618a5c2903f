//! Sizes and parts of Perceive-IR on NAFNet; the defaults are those of `docs/paper-choices.md` (21.74 M parameters).

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::PerceiveIrNafnet;
use crate::network::perceive_ir::{Parts, PerceiveIrConfig, PgcaMode};
use crate::network::{ConfigError, NafnetConfig, NetworkSettings, Size};

/// The switches mean what they mean on [Restormer](PerceiveIrConfig).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PerceiveIrNafnetConfig {
    pub backbone: NafnetConfig,
    pub parts: Parts,
    /// Width of the DINOv2 tokens F_1 to F_4.
    pub feat_dim: usize,
    /// Width of the degradation representation Z.
    pub z_dim: usize,
    /// Channels of the CFE's residual blocks; each but the first halves the resolution.
    pub cfe_widths: Vec<usize>,
    /// Identity-skip units at the CFE's last width.
    pub cfe_units: usize,
}

impl Default for PerceiveIrNafnetConfig {
    fn default() -> Self {
        Self::sized(Size::Paper)
    }
}

impl PerceiveIrNafnetConfig {
    /// Width of what PGMs are told, or `None` where there are no PGMs.
    pub fn condition_dim(&self) -> Option<usize> {
        self.parts.condition_dim(self.z_dim, self.feat_dim)
    }
}

impl NetworkSettings for PerceiveIrNafnetConfig {
    type Network = PerceiveIrNafnet;

    /// The backbone's and the CFE's sizes are those of NAFNet and of Perceive-IR on Restormer.
    fn sized(size: Size) -> Self {
        let PerceiveIrConfig {
            feat_dim,
            z_dim,
            cfe_widths,
            cfe_units,
            ..
        } = PerceiveIrConfig::sized(size);
        Self {
            backbone: NafnetConfig::sized(size),
            parts: Parts::default(),
            feat_dim,
            z_dim,
            cfe_widths,
            cfe_units,
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        self.backbone.check()?;
        ConfigError::unless(self.parts.pgca != PgcaMode::Eq8, "pgca", || {
            "eq8 is an MDTA after the cross attention, which NAFNet's blocks do not have; single and off are possible"
                .into()
        })?;
        self.parts.check(self.z_dim, self.feat_dim, &self.cfe_widths)
    }

    fn set_guidance_width(&mut self, width: usize) {
        self.feat_dim = width;
    }

    fn set_parts(&mut self, parts: &Parts) {
        self.parts = parts.clone();
    }

    fn needs_guidance(&self) -> bool {
        self.parts.needs_guidance()
    }

    fn build(&self, device: &Device) -> PerceiveIrNafnet {
        PerceiveIrNafnet::new(self, device)
    }
}
