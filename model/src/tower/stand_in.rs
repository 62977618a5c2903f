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

/// Length of a patch filter that answers to detail; random ones have length 1.
const DETAIL: f32 = 6.0;

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
        for value in &mut array.data {
            *value *= factor;
        }
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

/// Random filters answer to brightness far more than to detail. Of every four filters one stays so; the others become
/// differences of neighbours, once or twice over, and are strengthened, so that they answer to noise and blur.
fn sharpen(weights: &mut Checkpoint, key: &str) {
    change(weights, key, |array| {
        let size = array.shape[3];
        let filter = array.shape[1] * size * size;
        for (index, kernel) in array.data.chunks_exact_mut(filter).enumerate() {
            if index % 4 == 0 {
                continue;
            }
            for plane in kernel.chunks_exact_mut(size * size) {
                for _ in 0..=index % 2 {
                    difference(plane, size);
                }
            }
            let length = kernel.iter().map(|value| value * value).sum::<f32>().sqrt();
            for value in kernel.iter_mut() {
                *value *= DETAIL / length;
            }
        }
    });
}

/// Each value less the mean of its four neighbours, wrapped around, so that the sum is 0.
fn difference(plane: &mut [f32], size: usize) {
    let old = plane.to_vec();
    let at = |row: usize, column: usize| old[(row % size) * size + column % size];
    for (index, value) in plane.iter_mut().enumerate() {
        let (row, column) = (index / size + size, index % size + size);
        let around = at(row - 1, column) + at(row + 1, column) + at(row, column - 1) + at(row, column + 1);
        *value = at(row, column) - around / 4.0;
    }
}

#[cfg(test)]
mod tests {
    use burn::{
        module::Module,
        tensor::{Tensor, TensorData},
    };

    use super::{
        super::{
            clip::tokenizer::tokens,
            input::{clip_input, dino_input, vgg_input},
        },
        *,
    };
    use crate::weights::recipe::{hash, units};

    /// Pictures of three lit boxes before a slope of light, `[count, 3, 64, 64]`, the same for the same name.
    fn scenes(name: &str, count: usize) -> Tensor<4> {
        let mut random = units(hash(name)).map(|unit| unit * 0.5 + 0.5);
        let mut next = || random.next().unwrap_or_default();
        let mut data = Vec::new();
        for _ in 0..count {
            let slope = [next() - 0.5, next() - 0.5];
            let boxes: Vec<[f32; 4]> = (0..3).map(|_| [next(), next(), next() * 0.4, next() * 0.4]).collect();
            for _ in 0..3 {
                let (ground, lights) = (0.3 + 0.4 * next(), [next(), next(), next()]);
                for at in 0..64 * 64 {
                    let [y, x] = [at / 64, at % 64].map(|position| position as f32 / 64.0);
                    let inside = |b: &[f32; 4]| (x - b[0]).abs() < b[2] && (y - b[1]).abs() < b[3];
                    let lit = boxes.iter().rposition(inside);
                    let shade = slope[0] * (x - 0.5) + slope[1] * (y - 0.5);
                    data.push((lit.map_or(ground, |lit| lights[lit]) + shade).clamp(0.0, 1.0));
                }
            }
        }
        Tensor::from_data(TensorData::new(data, [count, 3, 64, 64]), &Device::flex())
    }

    /// Even noise of a deviation of 25 of 255.
    fn noisy(pictures: Tensor<4>, name: &str) -> Tensor<4> {
        let dims = pictures.dims();
        let reach = 25.0 / 255.0 * 3.0_f32.sqrt();
        let noise: Vec<f32> = units(hash(name))
            .take(dims.iter().product())
            .map(|unit| unit * reach)
            .collect();
        (pictures + Tensor::from_data(TensorData::new(noise, dims), &Device::flex())).clamp(0.0, 1.0)
    }

    fn unit(features: Tensor<2>) -> Tensor<2> {
        let length = features.clone().powi_scalar(2).sum_dim(1).sqrt();
        features / length
    }

    #[test]
    fn noise_leaves_its_mark_on_the_features() {
        let clip = clip(&Device::flex());
        let look = |pictures: Tensor<4>| unit(clip.encode_image(clip_input(pictures, clip.resolution())));
        let count = 40;
        let (seen, new) = (scenes("seen", count), scenes("new", count));
        let mean = |pictures: Tensor<4>| look(pictures).mean_dim(0);
        let (clean, noise) = (mean(seen.clone()), mean(noisy(seen, "noise of seen")));
        // The plane halfway between the two means, and how many new pictures lie on their side of it.
        let normal = noise.clone() - clean.clone();
        let middle: f32 = ((noise + clean) * normal.clone()).sum().div_scalar(2.0).into_scalar();
        let side = |pictures: Tensor<4>| look(pictures).matmul(normal.clone().transpose()).sub_scalar(middle);
        let right = |side: Tensor<2>| side.greater_scalar(0.0).int().sum().into_scalar::<i64>();
        let (of_noisy, of_clean) = (right(side(noisy(new.clone(), "noise of new"))), right(-side(new)));
        let rate = (of_noisy + of_clean) as f32 / (2 * count) as f32;
        assert!(
            rate > 0.9,
            "{rate}: {of_noisy} noisy and {of_clean} clean of {count} each"
        );
    }

    #[test]
    fn the_experiments_seed_changes_nothing() {
        let device = Device::flex();
        let made = |seed: u64| {
            device.seed(seed);
            Checkpoint::from_module(&dinov2(&device))
        };
        assert_eq!(made(1), made(2));
    }

    #[test]
    fn every_feature_stays_of_ordinary_size() {
        let device = Device::flex();
        let pictures = scenes("sizes", 4);
        let vgg = vgg16(&device).features(vgg_input(pictures.clone()), &[3, 7, 11, 15]);
        let dino = dinov2(&device).cls_tokens(dino_input(pictures, DINO_RESOLUTION), &[0, 1, 2, 3]);
        let powers = vgg
            .into_iter()
            .map(|feature| feature.powi_scalar(2).mean().into_scalar::<f32>());
        let powers = powers.chain(dino.into_iter().map(|token| token.powi_scalar(2).mean().into_scalar()));
        for power in powers {
            assert!((0.05..20.0).contains(&power), "{power}");
        }
    }

    #[test]
    fn the_words_of_the_prompts_differ() {
        let clip = clip(&Device::flex());
        assert_eq!((clip.token_width(), clip.feature_width()), (64, 64));
        let features = ["terrible", "mediocre", "excellent"].map(|word| {
            let token = clip.token_embedding(tokens(word)[0] as usize);
            clip.encode_prompts(token.reshape([1, 1, 64]))
        });
        let features = unit(Tensor::cat(features.to_vec(), 0));
        let alike: f32 = features.clone().matmul(features.transpose()).min().into_scalar();
        assert!(alike < 0.95, "{alike}");
        assert!(clip.num_params() < 4_000_000);
    }
}
