//! Small towers with seeded weights, for experiments without the published ones. They have learned nothing: what they
//! tell is how a random network sees a picture, and every result must call them stand-ins.
//!
//! Weights come from their keys alone (the golden recipe), so they are the same on every machine, whatever the
//! experiment's seed. What the recipe makes is then scaled so that noise, blur and light leave their mark on the features.

use burn::tensor::Device;

use super::{Clip, ClipConfig, Dinov2, Dinov2Config, Vgg16, Vgg16Config};
use crate::weights::{Array, Checkpoint, load, recipe, shapes};

/// Side of the pictures that the stand-in of DINOv2 takes.
pub const DINO_RESOLUTION: usize = 56;

/// CLIP with the real vocabulary: 64x64 pictures, features of 64, prompts of up to 75 tokens.
pub fn clip(device: &Device) -> Clip {
    let config = ClipConfig {
        embed_dim: 64,
        image_resolution: 64,
        vision_layers: 2,
        vision_width: 64,
        vision_heads: 2,
        vision_patch_size: 8,
        transformer_width: 64,
        transformer_heads: 2,
        transformer_layers: 2,
        ..ClipConfig::default()
    };
    let clip = Clip::new(&config, device);
    let mut weights = recipe(&shapes(&clip));
    sharpen(&mut weights, "visual.conv1.weight");
    scale(&mut weights, "visual.positional_embedding", 4.0);
    fill(&mut weights, "logit_scale", 100.0_f32.ln());
    filled(clip, &weights)
}

/// The sizes of [`dinov2`].
pub fn dinov2_config() -> Dinov2Config {
    Dinov2Config {
        img_size: DINO_RESOLUTION,
        patch_size: 14,
        embed_dim: 64,
        depth: 4,
        num_heads: 2,
        mlp_ratio: 2,
    }
}

/// DINOv2 of four blocks: 56x56 pictures in patches of 14, class tokens of 64.
pub fn dinov2(device: &Device) -> Dinov2 {
    let config = dinov2_config();
    let dino = Dinov2::new(&config, device);
    let mut weights = recipe(&shapes(&dino));
    sharpen(&mut weights, "patch_embed.proj.weight");
    filled(dino, &weights)
}

/// VGG-16 up to relu3_3 with a quarter of the width and less.
pub fn vgg16(device: &Device) -> Vgg16 {
    let vgg = Vgg16::new(&Vgg16Config::of(&[16, 16, 0, 32, 32, 0, 64, 64, 64]), device);
    let mut weights = recipe(&shapes(&vgg));
    let kernels: Vec<String> = weights
        .tensors
        .keys()
        .filter(|key| key.ends_with("weight"))
        .cloned()
        .collect();
    for key in kernels {
        // A ReLU halves the power of what goes through it.
        scale(&mut weights, &key, std::f32::consts::SQRT_2);
    }
    filled(vgg, &weights)
}

fn filled<M: burn::module::Module>(module: M, weights: &Checkpoint) -> M {
    load(module, weights, "stand-in").unwrap_or_else(|error| unreachable!("made for this module: {error}"))
}

fn scale(weights: &mut Checkpoint, key: &str, factor: f32) {
    change(weights, key, |array| {
        array.data.iter_mut().for_each(|value| *value *= factor)
    });
}

fn fill(weights: &mut Checkpoint, key: &str, value: f32) {
    change(weights, key, |array| array.data.fill(value));
}

fn change(weights: &mut Checkpoint, key: &str, edit: impl FnOnce(&mut Array)) {
    if let Some(array) = weights.tensors.get_mut(key) {
        edit(array);
    }
}

/// Random filters answer to brightness far more than to detail. Of every four filters one stays so, one loses its mean,
/// two become differences of neighbours, strengthened, so that they answer to noise and blur.
fn sharpen(weights: &mut Checkpoint, key: &str) {
    change(weights, key, |array| {
        let size = array.shape[3];
        let plane = size * size;
        let filter = array.shape[1] * plane;
        for (index, kernel) in array.data.chunks_exact_mut(filter).enumerate() {
            for plane in kernel.chunks_exact_mut(plane) {
                match index % 4 {
                    0 => {}
                    1 => centre(plane),
                    _ => laplacian(plane, size),
                }
            }
        }
    });
}

fn centre(plane: &mut [f32]) {
    let mean = plane.iter().sum::<f32>() / plane.len() as f32;
    plane.iter_mut().for_each(|value| *value -= mean);
}

/// Each value against its neighbours (wrapped around, so that the sum is 0), at about twice the power.
fn laplacian(plane: &mut [f32], size: usize) {
    let old = plane.to_vec();
    let at = |row: usize, column: usize| old[(row % size) * size + column % size];
    for (index, value) in plane.iter_mut().enumerate() {
        let (row, column) = (index / size + size, index % size + size);
        let around = at(row - 1, column) + at(row + 1, column) + at(row, column - 1) + at(row, column + 1);
        *value = 2.0 * (at(row, column) - around / 4.0);
    }
}
