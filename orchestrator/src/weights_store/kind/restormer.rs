//! Restormer, trained by its authors or by anybody else, in any size: the medium model, or a proxy.

use burn::tensor::Device;
use perceive_model::network::{NetworkSettings, NormKind, RestormerConfig};
use perceive_model::weights::{Checkpoint, load};
use serde_json::json;

use super::{Kind, none};

pub static KIND: Kind = Kind {
    name: "restormer",
    title: "Restormer",
    publication: None,
    harmless: none,
    fit: |checkpoint, origin| {
        let config = sizes(checkpoint);
        load(config.build(&Device::flex()), checkpoint, origin)?;
        Ok(json!(config))
    },
};

/// The sizes that the shapes tell; the published ones where they do not, so that loading names what is missing.
fn sizes(checkpoint: &Checkpoint) -> RestormerConfig {
    let usual = RestormerConfig::default();
    let outputs = |key: &str| {
        checkpoint
            .tensors
            .get(key)
            .and_then(|array| array.shape.first().copied())
    };
    let has = |key: &str| checkpoint.tensors.contains_key(key);
    let depth = |stack: &str| {
        (0..1000)
            .take_while(|block| has(&format!("{stack}.{block}.norm1.body.weight")))
            .count()
    };
    let stacks = ["encoder_level1", "encoder_level2", "encoder_level3", "latent"];

    let mut config = RestormerConfig {
        dim: outputs("patch_embed.proj.weight").unwrap_or(usual.dim),
        refine: depth("refinement"),
        bias: has("output.bias"),
        ..usual
    };
    for (level, stack) in stacks.into_iter().enumerate() {
        let (blocks, heads) = (depth(stack), outputs(&format!("{stack}.0.attn.temperature")));
        config.blocks[level] = if blocks == 0 { config.blocks[level] } else { blocks };
        config.heads[level] = heads.unwrap_or(config.heads[level]);
    }
    // One matrix makes both halves of the gate; the official 2.66 is kept where it gives these channels.
    let hidden = outputs("encoder_level1.0.ffn.project_in.weight").map(|both| both / 2);
    if let Some(hidden) = hidden.filter(|hidden| *hidden != (config.dim as f64 * config.expansion) as usize) {
        config.expansion = hidden as f64 / config.dim as f64;
    }
    if has("encoder_level1.0.norm1.body.weight") && !has("encoder_level1.0.norm1.body.bias") {
        config.norm = NormKind::BiasFree;
    }
    if config.check().is_err() {
        return RestormerConfig::default();
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sizes_of_a_checkpoint_are_those_that_it_was_made_with() {
        let tiny = RestormerConfig {
            dim: 8,
            blocks: [1, 2, 3, 1],
            refine: 2,
            ..RestormerConfig::default()
        };
        let biased = RestormerConfig {
            heads: [2, 2, 4, 4],
            expansion: 2.0,
            bias: true,
            norm: NormKind::BiasFree,
            ..tiny.clone()
        };
        for config in [tiny, biased] {
            let checkpoint = Checkpoint::from_module(&config.build(&Device::flex()));
            assert_eq!(sizes(&checkpoint), config);
        }
    }

    #[test]
    fn a_checkpoint_that_tells_nothing_is_compared_with_the_published_sizes() {
        assert_eq!(sizes(&Checkpoint::default()).dim, 48);
    }
}
