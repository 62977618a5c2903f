//! What the four levels of Restormer's U tell of their sizes: in Restormer itself, in PromptIR, in Perceive-IR.

use perceive_model::network::RestormerConfig;

use super::shapes::{Shapes, factor};

/// How a network names what its blocks hold.
#[derive(Clone, Copy, Debug)]
pub struct Naming {
    /// The first convolution.
    pub embedding: &'static str,
    /// Behind a block's number.
    pub norm: &'static str,
    /// Where the latent's blocks are.
    pub latent: &'static str,
    /// A latent block's attention.
    pub attention: &'static str,
}

impl Naming {
    /// Restormer's, and PromptIR's.
    pub const RESTORMER: Self = Self {
        embedding: "patch_embed.proj.weight",
        norm: "norm1.body.weight",
        latent: "latent",
        attention: "attn",
    };
}

/// The sizes of the four levels; `usual` where the shapes do not tell.
pub fn sizes(shapes: &Shapes, naming: Naming, usual: &RestormerConfig) -> RestormerConfig {
    let Naming {
        embedding,
        norm,
        latent,
        attention,
    } = naming;
    let mut config = usual.clone();
    config.dim = shapes.outputs(embedding).unwrap_or(usual.dim);
    config.refine = shapes.count(|block| format!("refinement.{block}.{norm}"));
    let stacks = ["encoder_level1", "encoder_level2", "encoder_level3", latent];
    let mut made = Vec::new();
    for (level, stack) in stacks.into_iter().enumerate() {
        let attention = if level == 3 { attention } else { "attn" };
        let blocks = shapes.count(|block| format!("{stack}.{block}.{norm}"));
        if blocks > 0 {
            config.blocks[level] = blocks;
        }
        if let Some(heads) = shapes.outputs(&format!("{stack}.0.{attention}.temperature")) {
            config.heads[level] = heads;
        }
        // One matrix makes both halves of the gate.
        if let Some(both) = shapes.outputs(&format!("{stack}.0.ffn.project_in.weight")) {
            made.push((config.dim << level, both / 2));
        }
    }
    if config.refine == 0 && !shapes.has(&format!("{}.0.{norm}", stacks[0])) {
        config.refine = usual.refine;
    }
    config.expansion = factor(usual.expansion, &made).unwrap_or(usual.expansion);
    config
}
