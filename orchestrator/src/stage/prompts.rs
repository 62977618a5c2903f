//! The prompts stage: the quality perceiver learns to tell the tiers apart (Fig. 2, eq. 1).
//!
//! A pool of crops, the same place in the clean, the medium and the degraded picture, is seen by CLIP once; the prompts
//! then learn from those features. Pictures held out tell the accuracy.

use std::{
    collections::{BTreeMap, HashSet},
    path::PathBuf,
};

use burn::tensor::{Tensor, TensorData};
use perceive_datasets::{picture::Picture, random::Key};
use perceive_model::{
    tower::{Clip, input::clip_input},
    train::prompts::{Learner, Prompts as Tokens, Start, classify},
    train::schedule::Schedule,
    weights::{Array, Checkpoint},
};
use serde::{Deserialize, Serialize};

use super::{
    Context, Outcome, Stage, Work, loader,
    medium::RESTORED,
    pairs::{Pair, Set, png_name},
    towers::Tower,
};
use crate::{
    failure::{Exit, Failure},
    journal::Event,
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

/// CLIP sees this many crops at once.
const AT_ONCE: usize = 32;

/// Image features of a pool of crops, `[pool, features]` a tier, best tier first.
struct Pool {
    tiers: Vec<Tensor<2>>,
    size: usize,
}

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
        let Some(pool) = self.pool(context, &clip, &learned, self.settings.pool, "learned")? else {
            return Ok(Outcome::Paused);
        };
        let tests = (self.settings.pool / 4).clamp(1, 1000);
        let Some(test) = self.pool(context, &clip, &held_out, tests, "held out")? else {
            return Ok(Outcome::Paused);
        };
        let mut learner = self.learner(clip);
        let state = context.state();
        if state.exists() {
            learner = learner.clone().resume(&state, context.device()).unwrap_or(learner);
        }
        let steps = if self.settings.initialisation == Initialisation::Fixed {
            0
        } else {
            self.settings.steps
        };
        context.started(learner.steps(), steps, "steps")?;
        for step in learner.steps()..steps {
            if context.should_stop() {
                learner.save(&state)?;
                context.tell(Event::Paused { step })?;
                return Ok(Outcome::Paused);
            }
            let (image, tiers) = self.batch(&pool, step, &device);
            let loss = learner
                .step(image, &tiers)
                .map_err(|broken| Failure::new(Exit::Training, broken.to_string()))?;
            let done = step + 1;
            if done.is_multiple_of((steps / 100).max(1)) || done == steps {
                context.metric("prompt_cross_entropy", done, loss)?;
                context.metric("accuracy", done, accuracy(&learner, &test))?;
            }
            context.progress(done, steps, &[("loss", loss)])?;
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

    /// `None`: stopped on request.
    fn pool(
        &self,
        context: &mut Context,
        clip: &Clip,
        triples: &[Triple],
        size: usize,
        name: &str,
    ) -> Result<Option<Pool>, Failure> {
        use rayon::prelude::*;
        let (tiers, patch) = (self.settings.words.len(), self.settings.patch);
        let mut features: Vec<Vec<Tensor<2>>> = vec![Vec::new(); tiers];
        context.started(0, size as u64, &format!("crops {name}"))?;
        for first in (0..size).step_by(AT_ONCE) {
            if context.should_stop() {
                return Ok(None);
            }
            let count = AT_ONCE.min(size - first);
            let crops: Vec<Vec<Vec<f32>>> = (first..first + count)
                .into_par_iter()
                .map(|index| {
                    let mut stream = Key::new(name, self.seed).number(index as u64).stream();
                    let triple = &triples[stream.below(triples.len())];
                    triple.crops(&mut stream, patch, tiers)
                })
                .collect::<Result<_, Failure>>()?;
            for (tier, features) in features.iter_mut().enumerate() {
                let pixels: Vec<f32> = crops.iter().flat_map(|tiers| tiers[tier].iter().copied()).collect();
                let data = TensorData::new(pixels, [count, 3, patch, patch]);
                let image = Tensor::<4>::from_data(data, context.device());
                let seen = clip
                    .encode_image(clip_input(image.autodiff(), clip.resolution()))
                    .detach();
                features.push(seen);
            }
            context.progress((first + count) as u64, size as u64, &[])?;
        }
        let tiers = features.into_iter().map(|parts| Tensor::cat(parts, 0)).collect();
        Ok(Some(Pool { tiers, size }))
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
        (Tensor::cat(images, 0), labels)
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

/// One scene in three tiers, as paths.
struct Triple {
    name: String,
    clean: PathBuf,
    medium: PathBuf,
    degraded: PathBuf,
}

impl Triple {
    /// The same crop of every tier, best first, as planes. Between tiers of a four-prompt perceiver stand mixtures.
    fn crops(
        &self,
        stream: &mut perceive_datasets::random::Stream,
        patch: usize,
        tiers: usize,
    ) -> Result<Vec<Vec<f32>>, Failure> {
        let pictures = [&self.clean, &self.medium, &self.degraded].map(|path| Picture::open(path));
        let [clean, medium, degraded] = pictures;
        let (clean, medium, degraded) = (clean?, medium?, degraded?);
        let (width, height) = (clean.width.min(degraded.width), clean.height.min(degraded.height));
        if width < patch || height < patch {
            let text = format!(
                "{} has {width} x {height} pixels, less than a crop of {patch}",
                self.clean.display()
            );
            return Err(
                Failure::new(Exit::Pictures, text).help("set a smaller prompts.patch, or leave the picture out")
            );
        }
        let (x, y) = (stream.below(width - patch + 1), stream.below(height - patch + 1));
        let cut = |picture: &Picture| picture.crop(x, y, patch, patch).to_planes();
        let mix = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| 0.5 * (a + b)).collect::<Vec<f32>>();
        let (clean, medium, degraded) = (cut(&clean), cut(&medium), cut(&degraded));
        Ok(match tiers {
            2 => vec![clean, degraded],
            4 => vec![clean.clone(), mix(&clean, &medium), mix(&medium, &degraded), degraded],
            _ => vec![clean, medium, degraded],
        })
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
