//! Restormer (Zamir et al., CVPR 2022): the medium model, a proxy, and the backbone of Perceive-IR.
//!
//! A U of four levels of transformer blocks over a 3x3 embedding, a skip from each encoder level to the decoder's,
//! and the picture added to the output. Fields are named as in the official checkpoints.

mod attention;
mod block;
mod config;
mod feed_forward;
mod resample;

pub use attention::Mdta;
pub use block::TransformerBlock;
pub use config::RestormerConfig;
pub use feed_forward::Gdfn;

pub(super) use config::check_levels;

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};

use self::resample::{Down, Up};
use super::convolution::{dense, pointwise};
use super::{Guidance, Restored, Restorer};
use crate::layer::Conv2d;

#[derive(Module, Debug)]
struct PatchEmbed {
    proj: Conv2d,
}

#[derive(Module, Debug)]
pub struct Restormer {
    patch_embed: PatchEmbed,
    encoder_level1: Vec<TransformerBlock>,
    down1_2: Down,
    encoder_level2: Vec<TransformerBlock>,
    down2_3: Down,
    encoder_level3: Vec<TransformerBlock>,
    down3_4: Down,
    latent: Vec<TransformerBlock>,
    up4_3: Up,
    reduce_chan_level3: Conv2d,
    decoder_level3: Vec<TransformerBlock>,
    up3_2: Up,
    reduce_chan_level2: Conv2d,
    decoder_level2: Vec<TransformerBlock>,
    up2_1: Up,
    decoder_level1: Vec<TransformerBlock>,
    refinement: Vec<TransformerBlock>,
    output: Conv2d,
}

fn through(blocks: &[TransformerBlock], x: Tensor<4>) -> Tensor<4> {
    blocks.iter().fold(x, |x, block| block.forward(x))
}

impl Restormer {
    pub fn new(config: &RestormerConfig, device: &Device) -> Self {
        let RestormerConfig {
            dim,
            blocks,
            heads,
            bias,
            ..
        } = *config;
        let stack = |count: usize, channels: usize, heads: usize| -> Vec<_> {
            (0..count)
                .map(|_| TransformerBlock::new(channels, heads, config, device))
                .collect()
        };
        Self {
            patch_embed: PatchEmbed {
                proj: dense(3, dim, 1, false, device),
            },
            encoder_level1: stack(blocks[0], dim, heads[0]),
            down1_2: Down::new(dim, device),
            encoder_level2: stack(blocks[1], 2 * dim, heads[1]),
            down2_3: Down::new(2 * dim, device),
            encoder_level3: stack(blocks[2], 4 * dim, heads[2]),
            down3_4: Down::new(4 * dim, device),
            latent: stack(blocks[3], 8 * dim, heads[3]),
            up4_3: Up::new(8 * dim, device),
            reduce_chan_level3: pointwise(8 * dim, 4 * dim, bias, device),
            decoder_level3: stack(blocks[2], 4 * dim, heads[2]),
            up3_2: Up::new(4 * dim, device),
            reduce_chan_level2: pointwise(4 * dim, 2 * dim, bias, device),
            decoder_level2: stack(blocks[1], 2 * dim, heads[1]),
            up2_1: Up::new(2 * dim, device),
            decoder_level1: stack(blocks[0], 2 * dim, heads[0]),
            refinement: stack(config.refine, 2 * dim, heads[0]),
            output: dense(2 * dim, 3, 1, bias, device),
        }
    }

    /// `[B, 3, H, W]` to the same, H and W multiples of 8; the output is not clamped.
    pub fn forward(&self, image: Tensor<4>) -> Tensor<4> {
        let skip1 = through(&self.encoder_level1, self.patch_embed.proj.forward(image.clone())); // [B, C, H, W]
        let skip2 = through(&self.encoder_level2, self.down1_2.forward(skip1.clone())); // [B, 2C, H/2, W/2]
        let skip3 = through(&self.encoder_level3, self.down2_3.forward(skip2.clone())); // [B, 4C, H/4, W/4]
        let x = through(&self.latent, self.down3_4.forward(skip3.clone())); // [B, 8C, H/8, W/8]

        let x = Tensor::cat(vec![self.up4_3.forward(x), skip3], 1);
        let x = through(&self.decoder_level3, self.reduce_chan_level3.forward(x));
        let x = Tensor::cat(vec![self.up3_2.forward(x), skip2], 1);
        let x = through(&self.decoder_level2, self.reduce_chan_level2.forward(x));
        let x = Tensor::cat(vec![self.up2_1.forward(x), skip1], 1); // level 1 keeps both halves: [B, 2C, H, W]
        let x = through(&self.refinement, through(&self.decoder_level1, x));
        self.output.forward(x) + image
    }
}

impl Restorer for Restormer {
    fn restore(&self, image: Tensor<4>, _guidance: Option<Guidance>) -> Restored {
        Restored {
            image: self.forward(image),
            z: None,
        }
    }
}
