//! The prompts stage's loop: the quality perceiver of eq. 1. Only the prompts' tokens learn; CLIP is frozen, so the
//! pictures' features are computed once, outside.

use burn::{
    module::{Module, Param},
    tensor::{Device, Distribution, Int, Tensor, TensorData},
};

use super::{NotFinite, adamw::AdamW, schedule::Schedule, state::State};
use crate::{
    loss::{prompt_cross_entropy, quality_logits},
    tower::{Clip, clip::tokens},
    weights::{Checkpoint, WeightsError},
};

/// How a prompt's tokens start (Table VIII).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// The word alone; meant not to be trained.
    Words,
    /// Normal values of this deviation.
    Random,
    /// The same, with the word as the last tokens.
    PartialRandom,
}

/// The learned tokens, `[prompts, N, width]`.
#[derive(Module, Debug)]
pub struct Prompts {
    pub context: Param<Tensor<3>>,
}

impl Prompts {
    /// One prompt a word. `Start::Words` has as many tokens as the longest word, shorter ones repeating their last.
    pub fn new(clip: &Clip, words: &[String], length: usize, start: Start, deviation: f64, seed: u64) -> Self {
        let device = clip.token_embedding(0).device();
        // The same on every device.
        let generator = Device::flex();
        generator.seed(seed);
        let ids: Vec<Vec<u32>> = words.iter().map(|word| tokens(word)).collect();
        let longest = ids.iter().map(Vec::len).max().unwrap_or(0).max(1);
        let length = if start == Start::Words { longest } else { length };
        let rows = ids.iter().map(|ids| {
            let word: Vec<Tensor<2>> = ids
                .iter()
                .map(|id| clip.token_embedding(*id as usize).detach().unsqueeze())
                .collect();
            let shape = [length, clip.token_width()];
            let noise = Tensor::<2>::random(shape, Distribution::Normal(0.0, deviation), &generator);
            let noise = Tensor::from_data(noise.into_data(), &device);
            let taken = if start == Start::Random {
                0
            } else {
                word.len().min(length)
            };
            if taken == 0 {
                return noise;
            }
            let tail = Tensor::cat(word[..taken].to_vec(), 0);
            match (start, length - taken) {
                (_, 0) => tail,
                (Start::Words, missing) => {
                    let last = word[taken - 1].clone();
                    Tensor::cat([vec![tail], vec![last; missing]].concat(), 0)
                }
                (_, free) => Tensor::cat(vec![noise.narrow(0, 0, free), tail], 0),
            }
        });
        Self {
            context: Param::from_tensor(Tensor::stack(rows.collect(), 0)),
        }
    }
}

/// Prompts in training against fixed features of pictures.
#[derive(Clone, Debug)]
pub struct Learner {
    state: State<Prompts>,
    clip: Clip,
    schedule: Schedule,
    /// What cosine similarities are multiplied by.
    scale: f64,
}

impl Learner {
    /// `clip` and `prompts` on a device with autodiff.
    pub fn new(clip: Clip, prompts: Prompts, schedule: Schedule, scale: f64) -> Self {
        Self {
            state: State::new(prompts, AdamW::new(0.0, 0.0)),
            clip: clip.frozen(),
            schedule,
            scale,
        }
    }

    /// Goes on from a state's checkpoint, which an error calls `origin`.
    pub fn resume(mut self, checkpoint: Checkpoint, origin: &str) -> Result<Self, WeightsError> {
        let device = self.state.module.context.val().device().inner();
        self.state = self.state.resume(checkpoint, origin, &device)?;
        Ok(self)
    }

    /// Everything that the training has come to.
    pub fn state(&self) -> &State<Prompts> {
        &self.state
    }

    /// Steps done.
    pub fn steps(&self) -> u64 {
        self.state.step
    }

    pub fn prompts(&self) -> &Prompts {
        &self.state.module
    }

    /// The prompts' features, `[prompts, features]`, without gradients.
    pub fn text(&self) -> Tensor<2> {
        let context = self.state.module.context.val().without_autodiff();
        self.clip.valid().encode_prompts(context)
    }

    /// One step of eq. 1 on image features `[B, features]` with their tiers. Gives the loss.
    pub fn step(&mut self, image: Tensor<2>, tiers: &[usize]) -> Result<f64, NotFinite> {
        let step = self.state.step + 1;
        let text = self.clip.encode_prompts(self.state.module.context.val());
        let labels: Vec<i64> = tiers.iter().map(|tier| *tier as i64).collect();
        let labels = Tensor::<1, Int>::from_data(TensorData::new(labels, [tiers.len()]), &image.device());
        let loss = prompt_cross_entropy(image, text, labels, self.scale);
        let value: f32 = loss.clone().into_scalar();
        if !value.is_finite() {
            return Err(NotFinite {
                what: "the loss term prompt_cross_entropy".into(),
                step,
                value,
            });
        }
        let gradients = loss.backward();
        let rate = self.schedule.rate(self.state.step);
        let State { adamw, module, .. } = &mut self.state;
        let norm = adamw.step(module, &gradients, rate);
        if !norm.is_finite() {
            return Err(NotFinite {
                what: "the gradient's norm".into(),
                step,
                value: norm as f32,
            });
        }
        self.state.step = step;
        Ok(f64::from(value))
    }
}

/// The tier that each picture looks like most: the row of `text` with the largest similarity.
pub fn classify(image: Tensor<2>, text: Tensor<2>) -> Vec<usize> {
    let best = quality_logits(image, text, 1.0).argmax(1);
    best.into_data().iter::<i64>().map(|tier| tier as usize).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tower::stand_in;

    fn words() -> Vec<String> {
        ["excellent", "mediocre", "terrible"].map(String::from).to_vec()
    }

    #[test]
    fn a_partial_random_prompt_ends_with_its_word() {
        let clip = stand_in::clip(&Device::flex());
        let prompts = Prompts::new(&clip, &words(), 16, Start::PartialRandom, 0.02, 7);
        assert_eq!(prompts.context.val().dims(), [3, 16, clip.token_width()]);
        let last = prompts.context.val().slice([1..2, 15..16]).flatten::<1>(0, 2);
        assert!(last.equal(clip.token_embedding(41170)).all().into_scalar::<bool>());
    }

    #[test]
    fn the_same_seed_gives_the_same_prompts() {
        let clip = stand_in::clip(&Device::flex());
        let drawn = |seed| {
            Prompts::new(&clip, &words(), 4, Start::Random, 0.02, seed)
                .context
                .val()
                .into_data()
        };
        assert_eq!(drawn(3), drawn(3));
        assert_ne!(drawn(3), drawn(4));
    }

    #[test]
    fn learning_tells_features_apart() {
        let device = Device::flex().autodiff();
        let clip = stand_in::clip(&device);
        let images = Tensor::<2>::random([12, clip.feature_width()], Distribution::Normal(0.0, 1.0), &device);
        let tiers: Vec<usize> = (0..12).map(|i| i % 3).collect();
        let prompts = Prompts::new(&clip, &words(), 16, Start::PartialRandom, 0.02, 1);
        let schedule = Schedule {
            start: 5e-3,
            end: 5e-3,
            steps: 100,
            warm_up: 0,
            cosine: false,
        };
        let mut learner = Learner::new(clip, prompts, schedule, 100.0);
        let first = learner.step(images.clone(), &tiers).unwrap();
        let mut last = first;
        for _ in 0..60 {
            last = learner.step(images.clone(), &tiers).unwrap();
        }
        assert!(last < 0.5 * first, "{first} -> {last}");
    }
}
