//! The medium stage: one fold of the cross-validation. A restorer learns on one half of the scenes and restores the
//! other; no picture is restored by a model that has seen its scene.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
};

use perceive_datasets::{batch::folds, picture::Picture};
use perceive_model::{network::NetworkConfig, train::restorer};
use serde::{Deserialize, Serialize};

use super::{
    Context, Outcome, Stage, Work,
    context::write_json,
    loader::{self, Apart},
    pairs::{Pair, Set, png_name},
    restorer::{Configuration, Restorer, psnr},
    start::StartFrom,
    train::{self, Material, validation::HeldOut},
};
use crate::{failure::Failure, spec::training::Training};

/// Which half is learned from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fold {
    A,
    B,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Medium {
    pub sets: Vec<Set>,
    pub fold: Fold,
    pub network: NetworkConfig,
    pub training: Training,
    pub seed: u64,
    /// Weights to start from; drawn ones without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<StartFrom>,
}

/// The pictures that this stage restored: the folder below an artefact.
pub const RESTORED: &str = "restored";

impl Stage for Medium {
    const NAME: &'static str = "medium";
    const VERSION: u32 = 1;

    fn label(&self) -> String {
        format!("{} fold {:?}", self.network.name(), self.fold)
    }

    fn inputs(&self) -> Vec<String> {
        let mut inputs = Set::inputs(&self.sets);
        inputs.extend(self.start.iter().filter_map(StartFrom::input));
        inputs
    }

    fn work(&self) -> Work {
        Work::training(Self::NAME, &self.network, &self.training, "")
    }

    fn run(&self, context: &mut Context) -> Result<Outcome, Failure> {
        let pairs = loader::read(&self.sets, context)?;
        let learned = self.learned(&pairs);
        let is_learned = |set: &Set, pair: &Pair| learned[&(set.group.as_str(), pair.name.as_str())];
        let validation = &self.training.validation;
        let held_out = HeldOut::choose(&self.sets, &pairs, validation, self.seed, is_learned)?;
        let taken = |set: &Set, pair: &Pair| is_learned(set, pair) && !held_out.holds(pair);
        let none = |_: &Set, _: &Pair| Vec::new();
        let apart = Apart::Degradations;
        let batches = loader::batches(&self.sets, &pairs, &self.training, false, apart, taken, none)?;
        let mut training = restorer::Training::new(
            &self.network,
            self.seed,
            train::adamw(&self.training),
            train::schedule(&self.training),
            context.device(),
        );
        if let Some(start) = &self.start {
            training = training.started(&self.network, &start.read(context)?)?;
        }
        let material = Material {
            batches,
            epochs: None,
            held_out,
        };
        let Some(trained) = train::train(context, training, &material, &self.training, self.seed)? else {
            return Ok(Outcome::Paused);
        };
        let configuration = Configuration {
            network: self.network.clone(),
            guide: None,
        };
        trained.save(context, &configuration)?;
        let restorer = Restorer::new(trained.training.network(), None, context.device());
        let others = |set: &Set, pair: &Pair| !is_learned(set, pair);
        restore_all(context, &self.sets, &pairs, others, |context, turn, set, pair| {
            let degraded = Picture::open(&pair.degraded)?;
            let told = restorer.clone().told(&set.kind);
            let name = format!("{} {}", set.label, pair.name);
            let restored = context.interruptible(turn.done, || Ok(()), || told.picture(&degraded, &name));
            restored.map(Some)
        })
    }
}

impl Medium {
    /// For every scene whether this fold learns from it. The split is the same for both folds of a seed.
    fn learned<'a>(&'a self, pairs: &'a [Vec<Pair>]) -> HashMap<(&'a str, &'a str), bool> {
        let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (set, pairs) in self.sets.iter().zip(pairs) {
            groups
                .entry(&set.group)
                .or_default()
                .extend(pairs.iter().map(|pair| pair.name.as_str()));
        }
        let mut learned = HashMap::new();
        for (group, mut names) in groups {
            names.sort_unstable();
            names.dedup();
            let owned: Vec<String> = names.iter().map(|name| (*name).to_string()).collect();
            let (a, b) = folds(&owned, self.seed);
            let mine = if self.fold == Fold::A { &a } else { &b };
            learned.extend(names.iter().map(|name| ((group, *name), false)));
            learned.extend(mine.iter().map(|index| ((group, names[*index]), true)));
        }
        learned
    }
}

/// What one restorer reached: the mean PSNR of its pictures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reached {
    /// dB, RGB.
    pub average_psnr: f64,
    pub pictures: usize,
}

/// The file that [`restore_all`] leaves a [`Reached`] in.
pub const REACHED: &str = "reached.json";

/// The file of the [`Each`] of every restored picture.
pub const EACH: &str = "psnr.json";

/// Set, picture, PSNR in dB.
pub type Each = (String, String, f64);

/// How far [`restore_all`] is.
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    pub done: u64,
    pub of: u64,
}

/// Where the restored picture of a pair lies in the artefact in the making.
pub fn place(context: &Context, set: &Set, pair: &Pair) -> PathBuf {
    let folder = context.output().join(RESTORED).join(set.folder());
    folder.join(png_name(&pair.name))
}

/// Restores the chosen pictures of all sets into `restored/SET/NAME.png` and records what that reached. `restore` makes
/// one of them, unless it is there already; where it makes none it was asked to stop.
pub fn restore_all(
    context: &mut Context,
    sets: &[Set],
    pairs: &[Vec<Pair>],
    chosen: impl Fn(&Set, &Pair) -> bool,
    mut restore: impl FnMut(&mut Context, Turn, &Set, &Pair) -> Result<Option<Picture>, Failure>,
) -> Result<Outcome, Failure> {
    let work: Vec<(&Set, &Pair)> = sets
        .iter()
        .zip(pairs)
        .flat_map(|(set, pairs)| pairs.iter().map(move |pair| (set, pair)))
        .filter(|(set, pair)| pair.border == 0 && chosen(set, pair))
        .collect();
    let of = work.len() as u64;
    context.started(0, of, "pictures")?;
    let mut sum = 0.0;
    let mut each = Vec::with_capacity(work.len());
    for (done, (set, pair)) in (0..).zip(&work) {
        if context.should_stop() {
            return context.paused(done);
        }
        context.output_folder(&format!("{RESTORED}/{}", set.folder()))?;
        let path = place(context, set, pair);
        let restored = if path.exists() {
            Picture::open(&path)?
        } else {
            let Some(restored) = restore(context, Turn { done, of }, set, pair)? else {
                return context.paused(done);
            };
            restored.save_png(&path)?;
            restored
        };
        let value = psnr(&restored, &Picture::open(&pair.clean)?)?.min(100.0);
        each.push((&set.label, &pair.name, value));
        sum += value;
        context.progress(done + 1, of, &[("psnr", sum / (done + 1) as f64)])?;
    }
    let reached = Reached {
        average_psnr: sum / of.max(1) as f64,
        pictures: work.len(),
    };
    context.metric("psnr_rgb", 0, reached.average_psnr)?;
    write_json(&context.output().join(EACH), &each)?;
    write_json(&context.output().join(REACHED), &reached)?;
    Ok(Outcome::Done)
}
