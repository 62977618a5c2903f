//! Perceive-IR's restoration network (Fig. 3, eqs. 2 to 8): a Restormer whose latent and decoder are guided.
//!
//! The degradation representation Z (CFE) and the DINOv2 tokens F_1 to F_4 of the degraded picture modulate the
//! features (PGM), and the modulated features steer the attention (PGCA). F_4 goes to the latent, F_1 to decoder level 1.

mod cfe;
mod config;
mod etb;
mod pgca;
mod pgm;

pub use cfe::Cfe;
pub use config::{PerceiveIrConfig, PgcaMode, PgmScope};
pub use pgca::Pgca;
pub use pgm::Pgm;

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};

use self::etb::{Level, TransformerBlock};
use crate::layer::Conv2d;
use super::convolution::{dense, pointwise};
use super::pixel_shuffle::{pixel_shuffle, pixel_unshuffle};
use super::{Guidance, Restored, Restorer};

#[derive(Module, Debug)]
pub struct PerceiveIr {
    patch_embed: Conv2d,
    encoder_level1: Vec<TransformerBlock>,
    down1_2: [Conv2d; 1],
    encoder_level2: Vec<TransformerBlock>,
    down2_3: [Conv2d; 1],
    encoder_level3: Vec<TransformerBlock>,
    down3_4: [Conv2d; 1],
    latent: Level,
    up4_3: [Conv2d; 1],
    reduce_chan_level3: Conv2d,
    decoder_level3: Level,
    up3_2: [Conv2d; 1],
    reduce_chan_level2: Conv2d,
    decoder_level2: Level,
    up2_1: [Conv2d; 1],
    decoder_level1: Level,
    refinement: Vec<TransformerBlock>,
    output: Conv2d,
    cfe: Option<Cfe>,
    needs_guidance: bool,
}

fn through(blocks: &[TransformerBlock], x: Tensor<4>) -> Tensor<4> {
    blocks.iter().fold(x, |x, block| block.forward(x))
}

/// `[B, C, H, W]` to `[B, 2C, H/2, W/2]`.
fn down(convolution: &[Conv2d; 1], x: Tensor<4>) -> Tensor<4> {
    pixel_unshuffle(convolution[0].forward(x), 2)
}

/// `[B, C, H, W]` to `[B, C/2, 2H, 2W]`.
fn up(convolution: &[Conv2d; 1], x: Tensor<4>) -> Tensor<4> {
    pixel_shuffle(convolution[0].forward(x), 2)
}

impl PerceiveIr {
    pub fn new(config: &PerceiveIrConfig, device: &Device) -> Self {
        let PerceiveIrConfig { dim, blocks, heads, .. } = *config;
        let conv = |inputs: usize, outputs: usize| dense(inputs, outputs, 1, false, device);
        let stack = |count: usize, channels: usize, heads: usize| -> Vec<_> {
            (0..count).map(|_| TransformerBlock::new(channels, heads, config.expansion, device)).collect()
        };
        let level = |count, channels, heads| Level::new(count, channels, heads, config, device);
        Self {
            patch_embed: conv(3, dim),
            encoder_level1: stack(blocks[0], dim, heads[0]),
            down1_2: [conv(dim, dim / 2)],
            encoder_level2: stack(blocks[1], 2 * dim, heads[1]),
            down2_3: [conv(2 * dim, dim)],
            encoder_level3: stack(blocks[2], 4 * dim, heads[2]),
            down3_4: [conv(4 * dim, 2 * dim)],
            latent: level(blocks[3], 8 * dim, heads[3]),
            up4_3: [conv(8 * dim, 16 * dim)],
            reduce_chan_level3: pointwise(8 * dim, 4 * dim, false, device),
            decoder_level3: level(blocks[2], 4 * dim, heads[2]),
            up3_2: [conv(4 * dim, 8 * dim)],
            reduce_chan_level2: pointwise(4 * dim, 2 * dim, false, device),
            decoder_level2: level(blocks[1], 2 * dim, heads[1]),
            up2_1: [conv(2 * dim, 4 * dim)],
            decoder_level1: level(blocks[0], 2 * dim, heads[0]),
            refinement: stack(config.refine, 2 * dim, heads[0]),
            output: conv(2 * dim, 3),
            cfe: config.cfe.then(|| Cfe::new(&config.cfe_widths, config.cfe_units, config.z_dim, device)),
            needs_guidance: config.needs_guidance(),
        }
    }

    /// # Shapes
    /// - image `[B, 3, H, W]`, H and W multiples of 8
    /// - feats: F_1 to F_4, each `[B, feat_dim]`; ignored where the configuration does not use them
    /// - z `[B, z_dim]`: a Z computed before; `None` lets the CFE compute it. Ignored without a CFE.
    /// - output: the restored picture `[B, 3, H, W]`, not clamped, and Z where there is a CFE
    ///
    /// # Panics
    /// Where the configuration uses guidance and none is given.
    pub fn forward(
        &self,
        image: Tensor<4>,
        feats: Option<[Tensor<2>; 4]>,
        z: Option<Tensor<2>>,
    ) -> (Tensor<4>, Option<Tensor<2>>) {
        assert!(feats.is_some() || !self.needs_guidance, "this Perceive-IR is guided: it needs DINOv2 tokens");
        let z = self.cfe.as_ref().map(|cfe| z.unwrap_or_else(|| cfe.forward(image.clone())));
        let [f1, f2, f3, f4] = feats.filter(|_| self.needs_guidance).map_or([const { None }; 4], |feats| feats.map(Some));
        let condition = |token: Option<Tensor<2>>| {
            let parts: Vec<_> = z.clone().into_iter().chain(token).collect();
            (!parts.is_empty()).then(|| Tensor::cat(parts, 1))
        };

        let skip1 = through(&self.encoder_level1, self.patch_embed.forward(image.clone())); // [B, C, H, W]
        let skip2 = through(&self.encoder_level2, down(&self.down1_2, skip1.clone())); // [B, 2C, H/2, W/2]
        let skip3 = through(&self.encoder_level3, down(&self.down2_3, skip2.clone())); // [B, 4C, H/4, W/4]
        let x = self.latent.forward(down(&self.down3_4, skip3.clone()), condition(f4)); // [B, 8C, H/8, W/8]

        let x = self.reduce_chan_level3.forward(Tensor::cat(vec![up(&self.up4_3, x), skip3], 1));
        let x = self.decoder_level3.forward(x, condition(f3));
        let x = self.reduce_chan_level2.forward(Tensor::cat(vec![up(&self.up3_2, x), skip2], 1));
        let x = self.decoder_level2.forward(x, condition(f2));
        let x = Tensor::cat(vec![up(&self.up2_1, x), skip1], 1); // level 1 keeps both halves: [B, 2C, H, W]
        let x = through(&self.refinement, self.decoder_level1.forward(x, condition(f1)));
        (self.output.forward(x) + image, z)
    }
}

impl Restorer for PerceiveIr {
    fn restore(&self, image: Tensor<4>, guidance: Option<Guidance>) -> Restored {
        let (image, z) = self.forward(image, guidance, None);
        Restored { image, z }
    }

    fn degradation(&self, image: Tensor<4>) -> Option<Tensor<2>> {
        self.cfe.as_ref().map(|cfe| cfe.forward(image))
    }

    fn needs_guidance(&self) -> bool {
        self.needs_guidance
    }
}
