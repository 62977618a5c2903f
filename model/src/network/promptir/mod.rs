//! PromptIR (Potlapalli et al., NeurIPS 2023): a Restormer whose decoder is told what it sees by learned prompts.
//!
//! Before each step up, a prompt that fits the features is laid beside them, and a transformer block mixes the two.
//! Fields are named as in the official checkpoints, with the convolutions that the official code makes and never uses.

mod config;
mod prompt;

pub use config::PromptIrConfig;

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};

use self::prompt::PromptGenerator;
use super::convolution::{dense, pointwise};
use super::four_levels::through;
use super::restormer::{Down, PatchEmbed, TransformerBlock, Up};
use super::{Guidance, Restored, Restorer};
use crate::layer::Conv2d;

#[derive(Module, Debug)]
pub struct PromptIr {
    patch_embed: PatchEmbed,
    prompt1: PromptGenerator,
    prompt2: PromptGenerator,
    prompt3: PromptGenerator,
    chnl_reduce1: Conv2d,
    chnl_reduce2: Conv2d,
    chnl_reduce3: Conv2d,
    reduce_noise_channel_1: Conv2d,
    encoder_level1: Vec<TransformerBlock>,
    down1_2: Down,
    reduce_noise_channel_2: Conv2d,
    encoder_level2: Vec<TransformerBlock>,
    down2_3: Down,
    reduce_noise_channel_3: Conv2d,
    encoder_level3: Vec<TransformerBlock>,
    down3_4: Down,
    latent: Vec<TransformerBlock>,
    up4_3: Up,
    reduce_chan_level3: Conv2d,
    noise_level3: TransformerBlock,
    reduce_noise_level3: Conv2d,
    decoder_level3: Vec<TransformerBlock>,
    up3_2: Up,
    reduce_chan_level2: Conv2d,
    noise_level2: TransformerBlock,
    reduce_noise_level2: Conv2d,
    decoder_level2: Vec<TransformerBlock>,
    up2_1: Up,
    noise_level1: TransformerBlock,
    reduce_noise_level1: Conv2d,
    decoder_level1: Vec<TransformerBlock>,
    refinement: Vec<TransformerBlock>,
    output: Conv2d,
}

/// Features with their prompt, mixed and made narrower.
fn prompted(x: Tensor<4>, generator: &PromptGenerator, block: &TransformerBlock, reduce: &Conv2d) -> Tensor<4> {
    let prompt = generator.forward(x.clone());
    reduce.forward(block.forward(Tensor::cat(vec![x, prompt], 1)))
}

impl PromptIr {
    pub fn new(config: &PromptIrConfig, device: &Device) -> Self {
        let backbone = &config.backbone;
        let (dim, blocks, heads, bias) = (backbone.dim, backbone.blocks, backbone.heads, backbone.bias);
        let block = |channels: usize, heads: usize| TransformerBlock::new(channels, heads, backbone, device);
        let stack = |count: usize, channels: usize, heads: usize| -> Vec<_> {
            (0..count).map(|_| block(channels, heads)).collect()
        };
        let reduce = |inputs: usize, outputs: usize| pointwise(inputs, outputs, bias, device);
        let unused = |inputs: usize, outputs: usize| pointwise(inputs, outputs, false, device);
        let generator = |level: usize| {
            let (channels, size) = (config.prompt_dims[level - 1], config.prompt_sizes[level - 1]);
            PromptGenerator::new(dim << level, channels, config.prompt_len, size, device)
        };
        let [prompt1, prompt2, prompt3] = config.prompt_dims;
        Self {
            patch_embed: PatchEmbed::new(dim, device),
            prompt1: generator(1),
            prompt2: generator(2),
            prompt3: generator(3),
            chnl_reduce1: unused(prompt1, prompt1),
            chnl_reduce2: unused(prompt2, prompt2),
            chnl_reduce3: unused(prompt3, config.reduced),
            reduce_noise_channel_1: reduce(dim + prompt1, dim),
            encoder_level1: stack(blocks[0], dim, heads[0]),
            down1_2: Down::new(dim, device),
            reduce_noise_channel_2: reduce(2 * dim + prompt2, 2 * dim),
            encoder_level2: stack(blocks[1], 2 * dim, heads[1]),
            down2_3: Down::new(2 * dim, device),
            reduce_noise_channel_3: reduce(4 * dim + config.reduced, 4 * dim),
            encoder_level3: stack(blocks[2], 4 * dim, heads[2]),
            down3_4: Down::new(4 * dim, device),
            latent: stack(blocks[3], 8 * dim, heads[3]),
            up4_3: Up::new(4 * dim, device),
            reduce_chan_level3: reduce(6 * dim, 4 * dim),
            noise_level3: block(config.prompted(3), heads[2]),
            reduce_noise_level3: reduce(config.prompted(3), 4 * dim),
            decoder_level3: stack(blocks[2], 4 * dim, heads[2]),
            up3_2: Up::new(4 * dim, device),
            reduce_chan_level2: reduce(4 * dim, 2 * dim),
            noise_level2: block(config.prompted(2), heads[2]),
            reduce_noise_level2: reduce(config.prompted(2), 4 * dim),
            decoder_level2: stack(blocks[1], 2 * dim, heads[1]),
            up2_1: Up::new(2 * dim, device),
            noise_level1: block(config.prompted(1), heads[2]),
            reduce_noise_level1: reduce(config.prompted(1), 2 * dim),
            decoder_level1: stack(blocks[0], 2 * dim, heads[0]),
            refinement: stack(backbone.refine, 2 * dim, heads[0]),
            output: dense(2 * dim, 3, 1, bias, device),
        }
    }

    /// `[B, 3, H, W]` to the same, H and W multiples of 8; the output is not clamped.
    pub fn forward(&self, image: Tensor<4>) -> Tensor<4> {
        let skip1 = through(&self.encoder_level1, self.patch_embed.forward(image.clone())); // [B, C, H, W]
        let skip2 = through(&self.encoder_level2, self.down1_2.forward(skip1.clone())); // [B, 2C, H/2, W/2]
        let skip3 = through(&self.encoder_level3, self.down2_3.forward(skip2.clone())); // [B, 4C, H/4, W/4]
        let x = through(&self.latent, self.down3_4.forward(skip3.clone())); // [B, 8C, H/8, W/8]

        let x = prompted(x, &self.prompt3, &self.noise_level3, &self.reduce_noise_level3);
        let x = Tensor::cat(vec![self.up4_3.forward(x), skip3], 1);
        let x = through(&self.decoder_level3, self.reduce_chan_level3.forward(x));
        let x = prompted(x, &self.prompt2, &self.noise_level2, &self.reduce_noise_level2);
        let x = Tensor::cat(vec![self.up3_2.forward(x), skip2], 1);
        let x = through(&self.decoder_level2, self.reduce_chan_level2.forward(x));
        let x = prompted(x, &self.prompt1, &self.noise_level1, &self.reduce_noise_level1);
        let x = Tensor::cat(vec![self.up2_1.forward(x), skip1], 1);
        let x = through(&self.refinement, through(&self.decoder_level1, x));
        self.output.forward(x) + image
    }
}

impl Restorer for PromptIr {
    fn restore(&self, image: Tensor<4>, _guidance: Option<Guidance>) -> Restored {
        Restored {
            image: self.forward(image),
            z: None,
        }
    }
}
