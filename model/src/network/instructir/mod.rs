//! InstructIR (Conde et al., ECCV 2024): a NAFNet that follows a sentence, by a condition block after every level.
//!
//! A sentence comes as an embedding of a frozen encoder, which the [`LanguageHead`] turns into the instruction that the
//! network follows. As a restorer among others it is told the degradation of a picture and takes the sentences that ask for
//! that to be taken away ([`Instructions`]); as published, without sentences, it follows the one instruction of its
//! settings. Fields are named as in the official checkpoints, with the language head under `lm_head`.

mod condition;
mod config;
pub mod instructions;
mod language_head;

pub use config::InstructIrConfig;
pub use instructions::Instructions;
pub use language_head::LanguageHead;

use burn::{
    module::{Module, Param},
    tensor::{Device, Int, Tensor, TensorData},
};

use self::condition::ConditionBlock;
use super::convolution::dense;
use super::nafnet::{Down, NafBlock, Up, new_up, pad_with_zeros, through, up};
use super::{Guidance, Restored, Restorer};
use crate::layer::Conv2d;
use crate::weights::{Checkpoint, WeightsError};

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
    lm_head: Option<LanguageHead>,
    /// `[sentences, 384]` of all sets, one after the other; not learned.
    sentences: Option<Param<Tensor<2>>>,
    #[module(skip)]
    instruction: Vec<f32>,
    #[module(skip)]
    sets: Vec<Instructions>,
    /// Which set the pictures to come are restored by.
    #[module(skip)]
    told: Option<usize>,
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
            lm_head: (!config.instructions.is_empty()).then(|| {
                let kinds = config.instructions.len();
                LanguageHead::new(instructions::SENTENCE_DIM, config.text_dim, kinds, device)
            }),
            sentences: (!config.instructions.is_empty()).then(|| instructions::stand_ins(&config.instructions, device)),
            instruction,
            sets: config.instructions.clone(),
            told: None,
        }
    }

    /// The sentences of a file in place of stand-ins; `origin` is what an error calls it.
    pub fn with_sentences(mut self, file: &Checkpoint, origin: &str) -> Result<Self, WeightsError> {
        let rows = instructions::rows(&self.sets, file, origin)?;
        self.sentences = self.sentences.map(|sentences| {
            let rows = rows.tensor::<2>(&sentences.device());
            sentences.map(|_| rows).set_require_grad(false)
        });
        Ok(self)
    }

    /// The degradations that it has sentences for.
    pub fn degradations(&self) -> Vec<&str> {
        self.sets.iter().map(|set| set.degradation.as_str()).collect()
    }

    /// The instructions for `batch` pictures, `[batch, text_dim]`: of each one's degradation by its number, whose sentences
    /// take turns; `None` where the network has no sentences.
    fn instructions(&self, kinds: &[usize]) -> Option<Tensor<2>> {
        let (head, sentences) = (self.lm_head.as_ref()?, self.sentences.as_ref()?.val());
        let row = |(at, kind): (usize, &usize)| {
            let before: usize = self.sets[..*kind].iter().map(|set| set.sentences).sum();
            (before + at % self.sets[*kind].sentences) as i64
        };
        let rows: Vec<i64> = kinds.iter().enumerate().map(row).collect();
        let rows = Tensor::<1, Int>::from_data(TensorData::new(rows, [kinds.len()]), &sentences.device());
        Some(head.forward(sentences.select(0, rows)).0)
    }

    /// What the pictures are restored by that nothing is known of: the middle of all instructions, or the one of the
    /// settings.
    fn general(&self, batch: usize, device: &Device) -> Tensor<2> {
        let text = if let (Some(head), Some(sentences)) = (&self.lm_head, &self.sentences) {
            let sum = head.forward(sentences.val()).0.sum_dim(0);
            let length = sum.clone().powi_scalar(2).sum().sqrt().clamp_min(1e-12);
            sum / length.reshape([1, 1])
        } else {
            let data = TensorData::new(self.instruction.clone(), [1, self.instruction.len()]);
            Tensor::from_data(data, device)
        };
        let width = text.dims()[1];
        text.expand([batch, width])
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
    /// Following what it was told last, or else the general instruction.
    fn restore(&self, image: Tensor<4>, _guidance: Option<Guidance>) -> Restored {
        let batch = image.dims()[0];
        let told = self.told.and_then(|kind| self.instructions(&vec![kind; batch]));
        let text = told.unwrap_or_else(|| self.general(batch, &image.device()));
        let text = text.cast(image.dtype());
        Restored {
            image: self.forward(image, &text),
            z: None,
        }
    }

    fn restore_told(&self, image: Tensor<4>, guidance: Option<Guidance>, kinds: &[usize]) -> Restored {
        match self.instructions(kinds) {
            Some(text) => {
                let text = text.cast(image.dtype());
                Restored {
                    image: self.forward(image, &text),
                    z: None,
                }
            }
            None => self.restore(image, guidance),
        }
    }

    /// A degradation that it has no sentences for leaves it with the general instruction.
    fn tell(&mut self, degradation: &str) {
        let names = self.sets.iter().map(|set| set.degradation.as_str());
        let name = instructions::speaking_of(degradation, names);
        self.told = self.sets.iter().position(|set| Some(set.degradation.as_str()) == name);
    }

    fn multiple(&self) -> usize {
        1
    }

    fn last_layer(&self) -> Option<&'static str> {
        Some("ending")
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Distribution;

    use super::*;
    use crate::network::{NetworkSettings, Size};
    use crate::weights::shapes;

    fn told(degradations: &[&str]) -> InstructIr {
        let mut config = InstructIrConfig::sized(Size::Tiny);
        config.set_degradations(degradations);
        let mut network = config.build(&Device::flex());
        // Conditions start at zero, where no instruction is heard.
        for condition in network.enc_cond.iter_mut().chain(&mut network.dec_cond) {
            condition.listen();
        }
        network
    }

    fn values(restored: Restored) -> Vec<f32> {
        restored.image.into_data().try_to_vec().unwrap()
    }

    #[test]
    fn the_degradation_of_a_picture_decides_which_instruction_is_followed() {
        let mut network = told(&["noise25", "haze"]);
        let image = Tensor::<4>::random([1, 3, 16, 16], Distribution::Uniform(0.0, 1.0), &Device::flex());
        let general = values(network.restore(image.clone(), None));
        let mut by_kind = Vec::new();
        for (number, name) in ["noise25", "haze"].into_iter().enumerate() {
            network.tell(name);
            let restored = values(network.restore(image.clone(), None));
            assert_eq!(restored, values(network.restore_told(image.clone(), None, &[number])));
            by_kind.push(restored);
        }
        assert_ne!(by_kind[0], by_kind[1]);
        assert_ne!(by_kind[0], general);
        network.tell("rain");
        assert_eq!(values(network.restore(image, None)), general);
    }

    #[test]
    fn sentences_are_stored_and_not_learned_and_the_published_network_has_none() {
        let network = told(&["noise25", "haze"]);
        let keys: Vec<String> = shapes(&network).into_iter().map(|(key, _)| key).collect();
        assert!(keys.contains(&"sentences".to_string()) && keys.contains(&"lm_head.fc1.weight".to_string()));
        assert!(!network.sentences.as_ref().unwrap().is_require_grad());
        let published = InstructIrConfig::sized(Size::Tiny).build(&Device::flex());
        assert!(
            shapes(&published)
                .iter()
                .all(|(key, _)| key != "sentences" && !key.starts_with("lm_head"))
        );
    }
}
