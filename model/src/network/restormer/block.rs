//! Restormer's transformer block: `x + MDTA(LN x)`, then `x + GDFN(LN x)`.

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};

use super::{Gdfn, Mdta, RestormerConfig};
use crate::network::channel_norm::{ChannelNorm, NormKind};

/// The official code keeps its two norms behind one wrapper, whence `norm1.body.weight`.
#[derive(Module, Debug)]
struct Norm {
    body: ChannelNorm,
}

impl Norm {
    fn new(channels: usize, kind: NormKind, device: &Device) -> Self {
        Self {
            body: ChannelNorm::new(channels, kind, device),
        }
    }
}

#[derive(Module, Debug)]
pub struct TransformerBlock {
    norm1: Norm,
    attn: Mdta,
    norm2: Norm,
    ffn: Gdfn,
}

impl TransformerBlock {
    pub fn new(channels: usize, heads: usize, config: &RestormerConfig, device: &Device) -> Self {
        Self {
            norm1: Norm::new(channels, config.norm, device),
            attn: Mdta::new(channels, heads, config.bias, device),
            norm2: Norm::new(channels, config.norm, device),
            ffn: Gdfn::new(channels, config.expansion, config.bias, device),
        }
    }

    /// `[B, C, H, W]` to the same.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = self.attn.forward_onto(x.clone(), &self.norm1.body, x);
        self.ffn.residual(&self.norm2.body, x)
    }
}
