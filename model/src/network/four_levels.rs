//! Restormer's U, whatever its blocks are: four levels over a 3x3 embedding, a skip from each level of the encoder to the
//! decoder's, refinement at full resolution, and the picture added to the output.
//!
//! Fields are named as in the official checkpoints of Restormer and MambaIR.

use burn::{
    module::{Module, ModuleDisplay},
    tensor::{Device, Tensor},
};

use super::convolution::{dense, pointwise};
use super::recompute::recomputed;
use super::restormer::{Down, PatchEmbed, Up};
use super::{Guidance, Restored, Restorer};
use crate::layer::Conv2d;

/// What the levels are made of: `[B, C, H, W]` to the same.
pub trait Block: Module + ModuleDisplay + Sync + 'static {
    fn forward(&self, x: Tensor<4>) -> Tensor<4>;
}

/// One block after the other.
pub fn through<B: Block>(blocks: &[B], x: Tensor<4>) -> Tensor<4> {
    blocks.iter().fold(x, |x, block| recomputed(block, x, B::forward))
}

/// How large the U is.
#[derive(Clone, Copy, Debug)]
pub struct Levels {
    /// Channels at full resolution; level l has `dim * 2^(l - 1)`, decoder level 1 and the refinement `2 * dim`.
    pub dim: usize,
    /// Blocks of levels 1 to 4; the decoder's level l has as many as the encoder's.
    pub blocks: [usize; 4],
    /// Blocks after decoder level 1.
    pub refine: usize,
    /// Whether the 1x1 convolutions and the last one have biases.
    pub bias: bool,
}

#[derive(Module, Debug)]
pub struct FourLevels<B: Module> {
    patch_embed: PatchEmbed,
    encoder_level1: Vec<B>,
    down1_2: Down,
    encoder_level2: Vec<B>,
    down2_3: Down,
    encoder_level3: Vec<B>,
    down3_4: Down,
    latent: Vec<B>,
    up4_3: Up,
    reduce_chan_level3: Conv2d,
    decoder_level3: Vec<B>,
    up3_2: Up,
    reduce_chan_level2: Conv2d,
    decoder_level2: Vec<B>,
    up2_1: Up,
    decoder_level1: Vec<B>,
    refinement: Vec<B>,
    output: Conv2d,
}

impl<B: Block> FourLevels<B> {
    /// `block(channels, level)` makes a block of a level, counted from 0 at full resolution.
    pub fn of(levels: Levels, block: impl Fn(usize, usize) -> B, device: &Device) -> Self {
        let Levels {
            dim,
            blocks,
            refine,
            bias,
        } = levels;
        let stack = |count: usize, channels: usize, level: usize| -> Vec<B> {
            (0..count).map(|_| block(channels, level)).collect()
        };
        Self {
            patch_embed: PatchEmbed::new(dim, device),
            encoder_level1: stack(blocks[0], dim, 0),
            down1_2: Down::new(dim, device),
            encoder_level2: stack(blocks[1], 2 * dim, 1),
            down2_3: Down::new(2 * dim, device),
            encoder_level3: stack(blocks[2], 4 * dim, 2),
            down3_4: Down::new(4 * dim, device),
            latent: stack(blocks[3], 8 * dim, 3),
            up4_3: Up::new(8 * dim, device),
            reduce_chan_level3: pointwise(8 * dim, 4 * dim, bias, device),
            decoder_level3: stack(blocks[2], 4 * dim, 2),
            up3_2: Up::new(4 * dim, device),
            reduce_chan_level2: pointwise(4 * dim, 2 * dim, bias, device),
            decoder_level2: stack(blocks[1], 2 * dim, 1),
            up2_1: Up::new(2 * dim, device),
            decoder_level1: stack(blocks[0], 2 * dim, 0),
            refinement: stack(refine, 2 * dim, 0),
            output: dense(2 * dim, 3, 1, bias, device),
        }
    }

    /// `[B, 3, H, W]` to the same, H and W multiples of 8; the output is not clamped.
    pub fn forward(&self, image: Tensor<4>) -> Tensor<4> {
        let skip1 = through(&self.encoder_level1, self.patch_embed.forward(image.clone())); // [B, C, H, W]
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

impl<B: Block> Restorer for FourLevels<B> {
    fn restore(&self, image: Tensor<4>, _guidance: Option<Guidance>) -> Restored {
        Restored {
            image: self.forward(image),
            z: None,
        }
    }
}
