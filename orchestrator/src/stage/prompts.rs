//! The prompts stage: the quality perceiver learns to tell the tiers apart (Fig. 2, eq. 1).
//!
//! A pool of crops, the same place in the clean, the medium and the degraded picture, is seen by CLIP once; the prompts
//! then learn from those features. Pictures held out tell the accuracy.

use std::{
    collections::{BTreeMap, HashSet},
    path::PathBuf,
};

use burn::tensor::{Tensor, TensorData};
use perceive_datasets::random::Key;
use perceive_model::{
    tower::Clip,
    train::{
        prompts::{Learner, Prompts as Tokens, Start, classify},
        schedule::Schedule,
    },
    weights::{Array, Checkpoint, WeightsError},
};
use serde::{Deserialize, Serialize};

use super::{
    Context, Outcome, Stage, Work, loader,
    medium::RESTORED,
    pairs::{Pair, Set, png_name},
    pool::{Crops, Pool, Triple},
    towers::Tower,
    train::attempt::{Attempt, Learning},
};
use crate::{
    failure::{Exit, Failure},
    spec::prompts::{Initialisation, Prompts as Settings},
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prompts {
    pub sets: Vec<Set>,
    /// The medium stage's artefacts; each scene is restored in one of them.
    pub medium: Vec<String>,
    pub clip: Tower,
    pub settings: Settings,
    pub seed: u64,
}

/// What the stage leaves: `context` (the tokens) and `text` (their features).
pub const FILE: &str = "prompts.safetensors";

impl Stage for Prompts {
    const NAME: &'static str = "prompts";
    const VERSION: u32 = 1;

    fn label(&self) -> String {
        self.settings.words.join("/")
    }

    fn inputs(&self) -> Vec<String> {
        let mut inputs = Set::inputs(&self.sets);
        inputs.extend(self.medium.iter().cloned());
        inputs
    }

    fn work(&self) -> Work {
        Work {
            class: format!("prompts, {} crops of {}", self.settings.pool, self.settings.patch),
            units: self.settings.steps,
        }
    }

    fn run(&self, context: &mut Context) -> Result<Outcome, Failure> {
        let device = context.device().clone().autodiff();
        let clip = self.clip.clip(context.home(), &device)?;
        let (learned, held_out) = self.split(context)?;
        let crops = Crops {
            patch: self.settings.patch,
            tiers: self.settings.words.len(),
            seed: self.seed,
        };
        let Some(pool) = crops.pool(context, &clip, &learned, self.settings.pool, "learned")? else {
            return Ok(Outcome::Paused);
        };
        let tests = (self.settings.pool / 4).clamp(1, 1000);
        let Some(test) = crops.pool(context, &clip, &held_out, tests, "held out")? else {
            return Ok(Outcome::Paused);
        };
        let mut attempt = Attempt::new(context, false);
        let mut learner = attempt.resume(context, self.learner(clip))?;
        let steps = if self.settings.initialisation == Initialisation::Fixed {
            0
        } else {
            self.settings.steps
        };
        context.started(learner.steps(), steps, "steps")?;
        for step in learner.steps()..steps {
            if attempt.is_over(context, step) {
                return attempt.pause(context, &learner);
            }
            let (image, tiers) = self.batch(&pool, step, context.device());
            let stepped = attempt.unless_stopped(context, &mut learner, |learner| learner.step(image, &tiers));
            let loss = stepped.map_err(|broken| attempt.not_finite(context, &broken))?;
            let done = step + 1;
            if done.is_multiple_of((steps / 100).max(1)) || done == steps {
                context.metric("prompt_cross_entropy", done, loss)?;
                context.metric("accuracy", done, accuracy(&learner, &test))?;
            }
            context.progress(done, steps, &[("loss", loss)])?;
            attempt.stepped(context, &learner, loss)?;
        }
        let reached = accuracy(&learner, &test);
        context.metric("accuracy_held_out", learner.steps(), reached)?;
        context.note(format!(
            "{}-way accuracy on {} held-out crops: {:.1}% (chance {:.1}%)",
            self.settings.words.len(),
            test.size * self.settings.words.len(),
            reached * 100.0,
            100.0 / self.settings.words.len() as f64
        ))?;
        self.write(context, &learner)
    }
}

impl Prompts {
    fn learner(&self, clip: Clip) -> Learner {
        let settings = &self.settings;
        let start = match settings.initialisation {
            Initialisation::Fixed => Start::Words,
            Initialisation::Random => Start::Random,
            Initialisation::PartialRandom => Start::PartialRandom,
        };
        let tokens = Tokens::new(
            &clip,
            &settings.words,
            settings.tokens,
            start,
            settings.deviation,
            self.seed,
        );
        let rate = settings.learning_rate;
        let schedule = Schedule {
            start: rate,
            end: rate,
            steps: settings.steps,
            warm_up: 0,
            cosine: false,
        };
        Learner::new(clip, tokens, schedule, settings.temperature)
    }

    /// Triples of paths to learn from and to test on, split by scene.
    fn split(&self, context: &Context) -> Result<(Vec<Triple>, Vec<Triple>), Failure> {
        let mut triples = Vec::new();
        let mut scenes: BTreeMap<(String, String), bool> = BTreeMap::new();
        for (set, pairs) in self.sets.iter().zip(loader::read(&self.sets, context)?) {
            for pair in pairs.into_iter().filter(|pair| pair.border == 0) {
                scenes.insert((set.group.clone(), pair.name.clone()), false);
                if let Some(medium) = self.medium_of(context, set, &pair) {
                    triples.push((
                        set.group.clone(),
                        Triple {
                            clean: pair.clean,
                            medium,
                            degraded: pair.degraded,
                            name: pair.name,
                        },
                    ));
                }
            }
        }
        let mut names: Vec<(String, String)> = scenes.into_keys().collect();
        Key::new("held out", self.seed).stream().shuffle(&mut names);
        let kept = ((names.len() as f64 * self.settings.held_out).ceil() as usize).clamp(1, names.len().max(2) - 1);
        let held: HashSet<(String, String)> = names.into_iter().take(kept).collect();
        let (test, learned): (Vec<_>, Vec<_>) = triples
            .into_iter()
            .partition(|(group, triple)| held.contains(&(group.clone(), triple.name.clone())));
        let strip = |list: Vec<(String, Triple)>| list.into_iter().map(|(_, triple)| triple).collect::<Vec<_>>();
        if learned.is_empty() || test.is_empty() {
            return Err(Failure::new(
                Exit::Pictures,
                "too few pictures to learn prompts from and to hold some out",
            )
            .help("train on at least two scenes"));
        }
        Ok((strip(learned), strip(test)))
    }

    fn medium_of(&self, context: &Context, set: &Set, pair: &Pair) -> Option<PathBuf> {
        self.medium
            .iter()
            .map(|key| {
                context
                    .artefact(key)
                    .join(RESTORED)
                    .join(set.folder())
                    .join(png_name(&pair.name))
            })
            .find(|path| path.exists())
    }

    /// The features of one step, a function of (seed, step): `batch` scenes, every tier of each.
    fn batch(&self, pool: &Pool, step: u64, device: &burn::tensor::Device) -> (Tensor<2>, Vec<usize>) {
        let mut stream = Key::new("prompt batch", self.seed).number(step).stream();
        let batch = self.settings.batch;
        let chosen: Vec<i64> = (0..batch).map(|_| stream.below(pool.size) as i64).collect();
        let chosen = Tensor::<1, burn::tensor::Int>::from_data(TensorData::new(chosen, [batch]), device);
        let images = pool
            .tiers
            .iter()
            .map(|tier| tier.clone().select(0, chosen.clone()))
            .collect();
        let labels = (0..pool.tiers.len())
            .flat_map(|tier| std::iter::repeat_n(tier, batch))
            .collect();
        (Tensor::cat(images, 0).autodiff(), labels)
    }

    fn write(&self, context: &mut Context, learner: &Learner) -> Result<Outcome, Failure> {
        let mut checkpoint = Checkpoint::default();
        checkpoint
            .tensors
            .insert("context".into(), Array::of(&learner.prompts().context.val()));
        checkpoint.tensors.insert("text".into(), Array::of(&learner.text()));
        checkpoint
            .metadata
            .insert("words".into(), self.settings.words.join("/"));
        checkpoint.write(context.output().join(FILE))?;
        Ok(Outcome::Done)
    }
}

fn accuracy(learner: &Learner, test: &Pool) -> f64 {
    let text = learner.text();
    let right: usize = test
        .tiers
        .iter()
        .enumerate()
        .map(|(tier, images)| {
            classify(images.clone(), text.clone())
                .into_iter()
                .filter(|found| *found == tier)
                .count()
        })
        .sum();
    right as f64 / (test.size * test.tiers.len()) as f64
}

impl Learning for Learner {
    fn steps(&self) -> u64 {
        Self::steps(self)
    }

    fn state(&self) -> Box<dyn FnOnce() -> Checkpoint + Send> {
        let state = self.state().clone();
        Box::new(move || state.checkpoint())
    }

    fn resume(self, checkpoint: Checkpoint, origin: &str) -> Result<Self, WeightsError> {
        Self::resume(self, checkpoint, origin)
    }
}
