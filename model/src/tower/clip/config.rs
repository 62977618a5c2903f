//! CLIP's sizes.

use serde::{Deserialize, Serialize};

use crate::weights::Checkpoint;

/// Named as in OpenAI's code; the default is ViT-B/32.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClipConfig {
    /// Width of the features that pictures and texts share.
    pub embed_dim: usize,
    pub image_resolution: usize,
    pub vision_layers: usize,
    pub vision_width: usize,
    pub vision_heads: usize,
    pub vision_patch_size: usize,
    /// Most tokens of a text, start and end token included.
    pub context_length: usize,
    pub vocab_size: usize,
    pub transformer_width: usize,
    pub transformer_heads: usize,
    pub transformer_layers: usize,
}

impl Default for ClipConfig {
    fn default() -> Self {
        Self {
            embed_dim: 512,
            image_resolution: 224,
            vision_layers: 12,
            vision_width: 768,
            vision_heads: 12,
            vision_patch_size: 32,
            context_length: 77,
            vocab_size: 49408,
            transformer_width: 512,
            transformer_heads: 8,
            transformer_layers: 12,
        }
    }
}

impl ClipConfig {
    /// The sizes that a published checkpoint has (64 channels a head); ViT-B/32's where it does not tell, so that
    /// loading then names what is missing.
    pub fn from_checkpoint(checkpoint: &Checkpoint) -> Self {
        let usual = Self::default();
        let size = |key: &str, rank: usize, dimension: usize| {
            let shape = &checkpoint.tensors.get(key)?.shape;
            (shape.len() == rank).then(|| shape[dimension])
        };
        let layers = |prefix: &str| {
            let has = |n: &usize| {
                checkpoint
                    .tensors
                    .contains_key(&format!("{prefix}.resblocks.{n}.ln_1.weight"))
            };
            Some((0..1000).take_while(has).count()).filter(|layers| *layers > 0)
        };
        let vision_width = size("visual.conv1.weight", 4, 0).unwrap_or(usual.vision_width);
        let patch = size("visual.conv1.weight", 4, 2).unwrap_or(usual.vision_patch_size);
        let tokens = size("visual.positional_embedding", 2, 0);
        let width = size("token_embedding.weight", 2, 1).unwrap_or(usual.transformer_width);
        Self {
            embed_dim: size("text_projection", 2, 1).unwrap_or(usual.embed_dim),
            image_resolution: tokens.map_or(usual.image_resolution, |tokens| {
                tokens.saturating_sub(1).isqrt() * patch
            }),
            vision_layers: layers("visual.transformer").unwrap_or(usual.vision_layers),
            vision_width,
            vision_heads: (vision_width / 64).max(1),
            vision_patch_size: patch,
            context_length: size("positional_embedding", 2, 0).unwrap_or(usual.context_length),
            vocab_size: size("token_embedding.weight", 2, 0).unwrap_or(usual.vocab_size),
            transformer_width: width,
            transformer_heads: (width / 64).max(1),
            transformer_layers: layers("transformer").unwrap_or(usual.transformer_layers),
        }
    }
}
