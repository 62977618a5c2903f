//! The blocks: TB (eq. 2) in the encoder and the refinement, ETB (eq. 3) in the latent and the decoder, and a level of ETBs.
//!
//! ```text
//! Y   = PGM(X, c)                      eq. 6; X where there is nothing to be told
//! X_m = PGCA(LN X, LN Y) + Y           eqs. 7 and 8; one norm for X and Y
//! X'  = X_m + GDFN(LN X_m)             eq. 3
//! ```
//! With γ = 1 and β = 0 an ETB is exactly a TB.

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};

use super::{PerceiveIrConfig, Pgca, PgcaMode, Pgm, PgmScope, modulate};
use crate::network::channel_norm::{ChannelNorm, NormKind};
use crate::network::recompute::{Inputs, recomputed_with};
use crate::network::restormer::{Gdfn, Mdta};

/// Restormer's block, with the norm's keys directly under it.
#[derive(Module, Debug)]
pub struct TransformerBlock {
    norm1: ChannelNorm,
    attn: Mdta,
    norm2: ChannelNorm,
    ffn: Gdfn,
}

impl TransformerBlock {
    pub fn new(channels: usize, heads: usize, expansion: f64, device: &Device) -> Self {
        Self {
            norm1: ChannelNorm::new(channels, NormKind::WithBias, device),
            attn: Mdta::new(channels, heads, false, device),
            norm2: ChannelNorm::new(channels, NormKind::WithBias, device),
            ffn: Gdfn::new(channels, expansion, false, device),
        }
    }

    /// `[B, C, H, W]` to the same.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = self.attn.forward_onto(x.clone(), &self.norm1, x);
        self.ffn.residual(&self.norm2, x)
    }
}

#[derive(Module, Debug)]
pub struct EnhancedBlock {
    norm1: ChannelNorm,
    /// Absent when PGCA is off.
    attn: Option<Pgca>,
    /// In its place then.
    mdta: Option<Mdta>,
    norm2: ChannelNorm,
    ffn: Gdfn,
    pgm: Option<Pgm>,
}

impl EnhancedBlock {
    fn new(channels: usize, heads: usize, config: &PerceiveIrConfig, pgm: Option<Pgm>, device: &Device) -> Self {
        Self {
            norm1: ChannelNorm::new(channels, NormKind::WithBias, device),
            attn: match config.pgca {
                PgcaMode::Single => Some(Pgca::single(channels, heads, device)),
                PgcaMode::Eq8 => Some(Pgca::then_mdta(channels, heads, device)),
                PgcaMode::Off => None,
            },
            mdta: (config.pgca == PgcaMode::Off).then(|| Mdta::new(channels, heads, false, device)),
            norm2: ChannelNorm::new(channels, NormKind::WithBias, device),
            ffn: Gdfn::new(channels, config.expansion, false, device),
            pgm,
        }
    }

    /// x and the level's y, if it makes one, `[B, C, H, W]`, and the condition `[B, condition_dim]`, to `[B, C, H, W]`.
    fn forward(&self, x: Tensor<4>, level_y: Option<Tensor<4>>, condition: Option<&Tensor<2>>) -> Tensor<4> {
        let y = level_y.unwrap_or_else(|| modulate(self.pgm.as_ref(), x.clone(), condition));
        let x = match (&self.attn, &self.mdta) {
            (Some(attn), _) => attn.forward_onto(y.clone(), &self.norm1, x, y),
            (None, Some(mdta)) => mdta.forward_onto(y.clone(), &self.norm1, y),
            (None, None) => self.norm1.forward(y.clone()) + y,
        };
        self.ffn.residual(&self.norm2, x)
    }
}

/// The ETBs of the latent or of one decoder level.
#[derive(Module, Debug)]
pub struct Level {
    /// In level scope: one Y for all blocks.
    pgm: Option<Pgm>,
    blocks: Vec<EnhancedBlock>,
}

impl Level {
    pub fn new(count: usize, channels: usize, heads: usize, config: &PerceiveIrConfig, device: &Device) -> Self {
        let pgm_of = |scope: PgmScope| {
            let condition_dim = config.condition_dim().filter(|_| config.pgm_scope == scope)?;
            Some(config.parts().pgm(channels, condition_dim, device))
        };
        Self {
            pgm: pgm_of(PgmScope::Level),
            blocks: (0..count)
                .map(|_| EnhancedBlock::new(channels, heads, config, pgm_of(PgmScope::Block), device))
                .collect(),
        }
    }

    /// x `[B, C, H, W]` and the condition `[B, condition_dim]`, to `[B, C, H, W]`.
    pub fn forward(&self, x: Tensor<4>, condition: Option<Tensor<2>>) -> Tensor<4> {
        let condition = condition.as_ref();
        let level_y = self.pgm.as_ref().map(|pgm| modulate(Some(pgm), x.clone(), condition));
        self.blocks.iter().fold(x, |x, block| {
            let inputs = Inputs {
                features: [x].into_iter().chain(level_y.clone()).collect(),
                conditions: condition.cloned().into_iter().collect(),
            };
            recomputed_with(block, inputs, |block, inputs| {
                let mut features = inputs.features.into_iter();
                let x = features.next().unwrap_or_else(|| unreachable!("x comes first"));
                block.forward(x, features.next(), inputs.conditions.first())
            })
        })
    }
}
