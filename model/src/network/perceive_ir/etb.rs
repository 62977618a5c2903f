//! The blocks: TB (eq. 2) in the encoder and the refinement, ETB (eq. 3) in the latent and the decoder, and a level of ETBs.
//!
//! ```text
//! Y   = PGM(X, c)                      eq. 6; without a PGM X + W c, or X
//! X_m = PGCA(LN X, LN Y) + Y           eqs. 7 and 8; one norm for X and Y
//! X'  = X_m + GDFN(LN X_m)             eq. 3
//! ```
//! With γ = 1 and β = 0 an ETB is exactly a TB.

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};

use super::{PerceiveIrConfig, Pgca, PgcaMode, Pgm, PgmScope, shift::Shift};
use crate::network::channel_norm::{ChannelNorm, NormKind};
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
        let x = self.attn.forward(self.norm1.forward(x.clone())) + x;
        self.ffn.forward(self.norm2.forward(x.clone())) + x
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
    /// In block scope: what makes this block's Y; neither where Y = X.
    pgm: Option<Pgm>,
    shift: Option<Shift>,
}

impl EnhancedBlock {
    fn new(channels: usize, heads: usize, config: &PerceiveIrConfig, device: &Device) -> Self {
        let (pgm, shift) = of_scope(PgmScope::Block, channels, config, device);
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
            shift,
        }
    }

    /// x and the level's y, if it makes one, `[B, C, H, W]`, and the condition `[B, condition_dim]`, to `[B, C, H, W]`.
    fn forward(&self, x: Tensor<4>, level_y: Option<Tensor<4>>, condition: Option<&Tensor<2>>) -> Tensor<4> {
        let y = level_y
            .or_else(|| guided(self.pgm.as_ref(), self.shift.as_ref(), &x, condition))
            .unwrap_or_else(|| x.clone());
        let normed_y = self.norm1.forward(y.clone());
        let attended = match (&self.attn, &self.mdta) {
            (Some(attn), _) => attn.forward(self.norm1.forward(x), normed_y),
            (None, Some(mdta)) => mdta.forward(normed_y),
            (None, None) => normed_y,
        };
        let x = attended + y;
        self.ffn.forward(self.norm2.forward(x.clone())) + x
    }
}

/// What makes Y in this scope: a PGM; without PGMs a shift, where there is a condition; in the other scope nothing.
fn of_scope(
    scope: PgmScope,
    channels: usize,
    config: &PerceiveIrConfig,
    device: &Device,
) -> (Option<Pgm>, Option<Shift>) {
    let condition_dim = config.condition_dim();
    if config.pgm_scope != scope {
        (None, None)
    } else if config.pgm {
        let hidden = if config.pgm_hidden == 0 {
            channels
        } else {
            config.pgm_hidden
        };
        let pgm = Pgm::new(channels, condition_dim.max(1), hidden, config.pgm_kernel, device);
        (Some(pgm), None)
    } else {
        let shift = (condition_dim > 0).then(|| Shift::new(channels, condition_dim, device));
        (None, shift)
    }
}

/// Y of x `[B, C, H, W]`, where anything makes it. A PGM without a condition is told a constant.
fn guided(pgm: Option<&Pgm>, shift: Option<&Shift>, x: &Tensor<4>, condition: Option<&Tensor<2>>) -> Option<Tensor<4>> {
    let nothing = || Tensor::ones([x.dims()[0], 1], &x.device());
    match (pgm, shift, condition) {
        (Some(pgm), _, condition) => Some(pgm.forward(x.clone(), condition.cloned().unwrap_or_else(nothing))),
        (None, Some(shift), Some(condition)) => Some(shift.forward(x.clone(), condition.clone())),
        _ => None,
    }
}

/// The ETBs of the latent or of one decoder level.
#[derive(Module, Debug)]
pub struct Level {
    /// In level scope: what makes one Y for all blocks.
    pgm: Option<Pgm>,
    shift: Option<Shift>,
    blocks: Vec<EnhancedBlock>,
}

impl Level {
    pub fn new(count: usize, channels: usize, heads: usize, config: &PerceiveIrConfig, device: &Device) -> Self {
        let (pgm, shift) = of_scope(PgmScope::Level, channels, config, device);
        Self {
            pgm,
            shift,
            blocks: (0..count)
                .map(|_| EnhancedBlock::new(channels, heads, config, device))
                .collect(),
        }
    }

    /// x `[B, C, H, W]` and the condition `[B, condition_dim]`, to `[B, C, H, W]`.
    pub fn forward(&self, x: Tensor<4>, condition: Option<Tensor<2>>) -> Tensor<4> {
        let condition = condition.as_ref();
        let level_y = guided(self.pgm.as_ref(), self.shift.as_ref(), &x, condition);
        self.blocks
            .iter()
            .fold(x, |x, block| block.forward(x, level_y.clone(), condition))
    }
}
