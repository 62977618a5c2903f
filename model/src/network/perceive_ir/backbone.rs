//! A Restormer's weights under the keys that they have in a Perceive-IR.
//!
//! Blocks of the latent and the decoder are ETBs, whose queries are computed apart from keys and values: `qkv` is cut in
//! two. Whatever is the Perceive-IR's own (CFE, PGMs) is not among them.

use std::collections::BTreeMap;

use super::PgcaMode;
use crate::weights::{Array, Checkpoint};

/// # Panics
/// If the tensors do not have a Restormer's shapes.
pub fn from_restormer(restormer: &Checkpoint, pgca: PgcaMode) -> Checkpoint {
    let mut tensors = BTreeMap::new();
    for (key, array) in &restormer.tensors {
        let mut key = key.replace(".body.", ".").replace("patch_embed.proj.", "patch_embed.");
        let is_enhanced = ["latent.", "decoder_level"].iter().any(|level| key.starts_with(level));
        if !is_enhanced {
            tensors.insert(key, array.clone());
            continue;
        }
        key = key.replacen('.', ".blocks.", 1);
        if pgca == PgcaMode::Off {
            tensors.insert(key.replace(".attn.", ".mdta."), array.clone());
        } else if key.contains(".attn.qkv") {
            let (q, kv) = halves(array);
            tensors.insert(key.replace(".qkv", ".q"), q);
            tensors.insert(key.replace(".qkv", ".kv"), kv);
        } else {
            tensors.insert(key, array.clone());
        }
    }
    Checkpoint {
        tensors,
        ..Checkpoint::default()
    }
}

/// The first third of the output channels, and the others.
fn halves(qkv: &Array) -> (Array, Array) {
    let (channels, numbers) = (qkv.shape[0] / 3, qkv.data.len() / 3);
    let part = |channels: usize, data: &[f32]| Array {
        shape: [&[channels], &qkv.shape[1..]].concat(),
        data: data.to_vec(),
    };
    let (q, kv) = qkv.data.split_at(numbers);
    (part(channels, q), part(2 * channels, kv))
}

/// Whether a weight is the Perceive-IR's own: of its CFE or of a PGM.
pub fn is_own(key: &str) -> bool {
    key.starts_with("cfe.") || key.contains(".pgm.")
}
