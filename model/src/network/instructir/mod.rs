//! InstructIR (Conde et al., ECCV 2024): a NAFNet that follows a sentence, by a condition block after every level.
//!
//! The sentence comes as an embedding ([`LanguageHead`]); as a restorer among others the network follows the one
//! instruction of its settings. Fields are named as in the official checkpoints.

mod condition;
mod config;
mod language_head;

pub use config::InstructIrConfig;
pub use language_head::LanguageHead;

use burn::{
    module::Module,
    tensor::{Device, Tensor, TensorData},
};

use self::condition::ConditionBlock;
use super::convolution::dense;
use super::nafnet::{Down, NafBlock, Up, new_up, pad_with_zeros, through, up};
use super::{Guidance, Restored, Restorer};
use crate::layer::Conv2d;

#[derive(Module, Debug)]
pub struct InstructIr {
    intro: Conv2d,
    ending: Conv2d,
    encoders: Vec<Vec<NafBlock>>,
    decoders: Vec<Vec<NafBlock>>,
    middle_blks: Vec<NafBlock>,
    ups: Vec<Up>,
    downs: Vec<Down>,
    enc_cond: Vec<ConditionBlock>,
    dec_cond: Vec<ConditionBlock>,
    #[module(skip)]
    instruction: Vec<f32>,
}

impl InstructIr {
    pub fn new(config: &InstructIrConfig, device: &Device) -> Self {
        let backbone = &config.backbone;
        let levels = backbone.encoder.len();
        let channels = |level: usize| backbone.width << level;
        let stack = |count: usize, level: usize| -> Vec<_> {
            (0..count)
                .map(|_| NafBlock::new(channels(level), backbone.window(level), device))
                .collect()
        };
        let condition =
            |level: usize| ConditionBlock::new(channels(level), config.text_dim, backbone.window(level), device);
        let (encoders, decoders) = (backbone.encoder.iter().enumerate(), backbone.decoder.iter().enumerate());
        let instruction = if config.instruction.is_empty() {
            vec![1.0 / (config.text_dim as f32).sqrt(); config.text_dim]
        } else {
            config.instruction.clone()
        };
        Self {
            intro: dense(3, backbone.width, 1, true, device),
            ending: dense(backbone.width, 3, 1, true, device),
            encoders: encoders.map(|(level, &count)| stack(count, level)).collect(),
            decoders: decoders
                .map(|(index, &count)| stack(count, levels - 1 - index))
                .collect(),
            middle_blks: stack(backbone.middle, levels),
            ups: (0..levels)
                .rev()
                .map(|level| new_up(channels(level + 1), device))
                .collect(),
            downs: (0..levels).map(|level| Down::new(channels(level), device)).collect(),
            enc_cond: (0..levels).map(condition).collect(),
            dec_cond: (0..levels).rev().map(condition).collect(),
            instruction,
        }
    }

    /// # Shapes
    /// - image `[B, 3, H, W]` of any size
    /// - text `[B, text_dim]`, rows of length 1
    /// - output `[B, 3, H, W]`, not clamped
    pub fn forward(&self, image: Tensor<4>, text: &Tensor<2>) -> Tensor<4> {
        let [_, _, height, width] = image.dims();
        let padded = pad_with_zeros(image, 1 << self.downs.len());
        let mut skips = Vec::with_capacity(self.downs.len());
        let mut x = self.intro.forward(padded.clone());
        for ((blocks, condition), down) in self.encoders.iter().zip(&self.enc_cond).zip(&self.downs) {
            let level = condition.forward(through(blocks, x), text);
            x = down.forward(level.clone());
            skips.push(level);
        }
        x = through(&self.middle_blks, x);
        let levels = self.decoders.iter().zip(&self.dec_cond).zip(&self.ups);
        for (((blocks, condition), convolution), skip) in levels.zip(skips.into_iter().rev()) {
            x = condition.forward(through(blocks, up(convolution, x) + skip), text);
        }
        (self.ending.forward(x) + padded)
            .narrow(2, 0, height)
            .narrow(3, 0, width)
    }
}

impl Restorer for InstructIr {
    /// Following the instruction of the settings.
    fn restore(&self, image: Tensor<4>, _guidance: Option<Guidance>) -> Restored {
        let (batch, width) = (image.dims()[0], self.instruction.len());
        let data = TensorData::new(self.instruction.clone(), [1, width]);
        let text = Tensor::<2>::from_data(data, &image.device())
            .cast(image.dtype())
            .expand([batch, width]);
        Restored {
            image: self.forward(image, &text),
            z: None,
        }
    }

    fn multiple(&self) -> usize {
        1
    }

    fn last_layer(&self) -> Option<&'static str> {
        Some("ending")
    }
}
