//! The plan: a pure function from an experiment and its pictures to the jobs that make its results.
//!
//! Jobs come in an order in which every input stands before what reads it. Equal jobs of several experiments have equal
//! keys, so what is done once is done for all.

mod checks;
pub mod estimate;
pub mod graph;
#[cfg(test)]
mod keys;
pub mod pictures;
#[cfg(test)]
mod shipped;
mod stand_in;
pub mod standing;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use perceive_datasets::degradation::{Degrade as _, Noise, Recipe};
use perceive_model::{
    metric::{self, Metric},
    network::{NetworkConfig, Parts, instructir::instructions::speaking_of},
};

use serde::{Deserialize, Serialize};

use crate::{
    failure::{Exit, Failure},
    number::plain,
    spec::{
        Experiment, Size,
        experiment::Towers,
        proxy::{Origin, Proxy},
    },
    stage::{
        Job,
        degrade::Degrade,
        evaluate::Evaluate,
        medium::{Fold, Medium},
        negatives::{Negatives, source::Source},
        pairs::{Listing, Set},
        prompts::Prompts,
        restore::{Perceiver, Proxies, Restore, Sentences},
        scenes::Scenes,
        start::StartFrom,
        towers::Tower,
    },
    weights_store::{Kind, kind},
};
use pictures::{Found, Pictures};

pub use graph::Graph;
pub use standing::{Standing, Standings};

/// One job of a plan.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Node {
    pub key: String,
    pub job: Job,
}

/// What the plan needs to know of the frozen towers and of imported weights, beside the pictures.
pub trait Weights: Sync {
    /// Refuses towers that are asked for and not installed, all of them at once.
    fn check(&self, towers: Towers, kinds: &[&'static Kind]) -> Result<(), Failure>;
    /// CLIP, DINOv2 and VGG-16 as the experiment asks for them.
    fn clip(&self, towers: Towers) -> Result<Tower, Failure>;
    fn dinov2(&self, towers: Towers) -> Result<Tower, Failure>;
    fn vgg16(&self, towers: Towers) -> Result<Tower, Failure>;
    /// Width of DINOv2's tokens.
    fn token_width(&self, tower: &Tower) -> Result<usize, Failure>;
    /// blake3 of a plain restorer's imported weights, as they lie in the store.
    fn imported(&self, name: &str) -> Result<String, Failure>;
    /// Imported weights, or else the restorer of a run, and of what network they are.
    fn start(&self, name: &str) -> Result<(StartFrom, NetworkConfig), Failure>;
    /// Imported sentence embeddings of this name, and how many there are for each degradation.
    fn sentences(&self, name: &str) -> Result<(Sentences, BTreeMap<String, usize>), Failure>;
    /// blake3 of the imported files that a metric looks through; none for one that is computed.
    ///
    /// `None`: they are not installed, and the metric is left out. At the paper's scale that is an error.
    fn metric(&self, metric: &Metric, scale: Size) -> Result<Option<Vec<String>>, Failure>;
    /// What a proxy is just now that comes from outside the home.
    fn foreign(&self, proxy: &Proxy) -> Result<Source, Failure>;
}

/// The jobs of `experiment` on `pictures`.
///
/// # Errors
/// A network that does not exist, or weights that are not installed.
pub fn plan(experiment: &Experiment, pictures: &Pictures, weights: &dyn Weights) -> Result<Vec<Node>, Failure> {
    let mut planner = Planner {
        experiment,
        weights,
        nodes: Vec::new(),
        keys: HashSet::new(),
    };
    let train = planner.sets(&pictures.train);
    let test = planner.sets(&pictures.test);
    // A folder that does not fit, or a command that fails, is found out before anything is trained.
    let foreign = planner.foreign(&train)?;
    planner.check_towers()?;
    let medium = planner.medium(&train)?;
    let perceiver = planner.perceiver(&train, &medium)?;
    let proxies = planner.proxies(&train, foreign, &medium)?;
    let restorer = planner.restore(&train, perceiver, proxies)?;
    for mut set in test {
        // What a set weighs in a batch says nothing about a test.
        set.weight = 1.0;
        let metrics = measurable(&experiment.metrics, &set)?;
        let (metrics, weights) = planner.installed(metrics)?;
        planner.add(Evaluate {
            metrics,
            weights,
            set,
            restorer: restorer.clone(),
            medium: medium.first().cloned(),
            rows: 8,
        });
    }
    Ok(planner.nodes)
}

struct Planner<'a> {
    experiment: &'a Experiment,
    weights: &'a dyn Weights,
    nodes: Vec<Node>,
    keys: HashSet<String>,
}

/// The hashes of the weights that each metric looks through.
type Hashes = BTreeMap<String, Vec<String>>;

impl Planner<'_> {
    /// Adds a job unless it is there, and gives its key.
    fn add(&mut self, job: impl Into<Job>) -> String {
        let job = job.into();
        let key = job.key();
        if self.keys.insert(key.clone()) {
            self.nodes.push(Node { key: key.clone(), job });
        }
        key
    }

    /// The metrics that can be measured with the weights that are here, and those weights.
    fn installed(&self, metrics: Vec<String>) -> Result<(Vec<String>, Hashes), Failure> {
        let (mut kept, mut weights) = (Vec::new(), BTreeMap::new());
        for name in metrics {
            let hashes = match metric::find(&name) {
                Some(metric) => self.weights.metric(metric, self.experiment.scale)?,
                None => Some(Vec::new()),
            };
            let Some(hashes) = hashes else { continue };
            if !hashes.is_empty() {
                weights.insert(name.clone(), hashes);
            }
            kept.push(name);
        }
        if kept.is_empty() {
            let text = "every metric of the experiment looks through weights that are not installed";
            return Err(
                Failure::new(Exit::Weights, text).help("`perceive-ir weights ls` lists them; or measure psnr_rgb")
            );
        }
        Ok((kept, weights))
    }

    /// The sets of pairs, with the jobs that render scenes and degrade clean pictures.
    fn sets(&mut self, pictures: &[Found]) -> Vec<Set> {
        let mut sets = Vec::new();
        for found in pictures {
            let (listing, name) = match found {
                Found::Scenes {
                    split,
                    count,
                    size,
                    seed,
                    ..
                } => {
                    let job = Scenes {
                        split: split.clone(),
                        count: *count,
                        size: *size,
                        seed: *seed,
                    };
                    (Listing::Artefact(self.add(job)), "scenes".to_string())
                }
                Found::Indexed { digest, dataset, .. } => (Listing::Index(digest.clone()), dataset.clone()),
            };
            let asked = found.asked();
            let weight = share(found, pictures);
            let group = format!("{name} {}", found.split());
            if asked.degradations.is_empty() {
                let kind = found.kind().to_string();
                let label = format!("{name} {kind}");
                sets.push(Set {
                    label,
                    kind,
                    group: group.clone(),
                    weight,
                    noise: None,
                    without_references: found.is_without_references(),
                    listing,
                });
                continue;
            }
            for recipe in &asked.degradations {
                let job = Degrade {
                    dataset: group.clone(),
                    clean: listing.clone(),
                    recipe: recipe.clone(),
                    seed: self.experiment.seed,
                };
                let noise: Option<Noise> = match recipe {
                    Recipe::Noise(noise) => Some(noise.clone()),
                    _ => None,
                };
                sets.push(Set {
                    label: format!("{name} {}", recipe.label()),
                    kind: recipe.label(),
                    group: group.clone(),
                    weight,
                    noise,
                    without_references: false,
                    listing: Listing::Artefact(self.add(job)),
                });
            }
        }
        distinguish(&mut sets);
        sets
    }

    /// Both folds, where anything needs medium pictures.
    fn medium(&mut self, train: &[Set]) -> Result<Vec<String>, Failure> {
        if !self.experiment.needs_medium() {
            return Ok(Vec::new());
        }
        let settings = &self.experiment.medium;
        let mut network = sized(&settings.network, settings.size)?.with_degradations(&Set::degradations(train));
        let start = self.start("medium", &settings.start_from, &mut network)?;
        told_alike("medium", &network, train)?;
        if network.needs_guidance() {
            let text = format!(
                "medium.network = {:?} needs guidance; the medium model is a plain restorer",
                settings.network
            );
            return Err(Failure::new(Exit::Spec, text).help("medium.network = \"restormer\""));
        }
        let fold = |fold| Medium {
            sets: train.to_vec(),
            fold,
            network: network.clone(),
            training: settings.training.effective(start.is_some()),
            seed: self.experiment.seed,
            start: start.clone(),
        };
        let (a, b) = (fold(Fold::A), fold(Fold::B));
        Ok(vec![self.add(a), self.add(b)])
    }

    fn perceiver(&mut self, train: &[Set], medium: &[String]) -> Result<Option<Perceiver>, Failure> {
        if self.experiment.restore.loss.clip_aware == 0.0 {
            return Ok(None);
        }
        let settings = self.experiment.prompts.effective();
        let (clip, temperature) = (self.weights.clip(self.experiment.towers)?, settings.temperature);
        let job = Prompts {
            sets: train.to_vec(),
            medium: medium.to_vec(),
            clip: clip.clone(),
            settings,
            seed: self.experiment.seed,
        };
        let prompts = self.add(job);
        Ok(Some(Perceiver {
            prompts,
            clip,
            temperature,
        }))
    }

    /// The negatives of the proxies that are no models of the medium stage; `None` in the places of those.
    fn foreign(&mut self, train: &[Set]) -> Result<Vec<Option<String>>, Failure> {
        if self.experiment.restore.loss.perceptual == 0.0 {
            return Ok(Vec::new());
        }
        let proxies = &self.experiment.negatives.proxies;
        let mut negatives = Vec::with_capacity(proxies.len());
        for proxy in proxies {
            let source = match &proxy.origin {
                _ if proxy.fold().is_some() => None,
                Origin::Weights(name) => Some(Source::Imported {
                    name: name.clone(),
                    blake3: self.weights.imported(name)?,
                }),
                _ => Some(self.weights.foreign(proxy)?),
            };
            negatives.push(source.map(|source| self.negatives(proxy, source, train)));
        }
        Ok(negatives)
    }

    fn negatives(&mut self, proxy: &Proxy, source: Source, train: &[Set]) -> String {
        self.add(Negatives {
            proxy: proxy.name.clone(),
            source,
            sets: train.to_vec(),
        })
    }

    fn proxies(
        &mut self,
        train: &[Set],
        foreign: Vec<Option<String>>,
        medium: &[String],
    ) -> Result<Option<Proxies>, Failure> {
        if self.experiment.restore.loss.perceptual == 0.0 {
            return Ok(None);
        }
        let mut negatives = Vec::new();
        for (proxy, made) in self.experiment.negatives.proxies.iter().zip(foreign) {
            let of_medium = || proxy.fold().and_then(|fold| medium.get(fold)).cloned();
            negatives.extend(made.or_else(|| Some(self.negatives(proxy, Source::Medium(of_medium()?), train))));
        }
        Ok(Some(Proxies {
            negatives,
            vgg16: self.weights.vgg16(self.experiment.towers)?,
        }))
    }

    /// The restorer's network, as it is without a start.
    fn network(&self) -> Result<NetworkConfig, Failure> {
        let settings = &self.experiment.restore;
        let network = sized(&settings.network, settings.size)?;
        Ok(network.with_parts(&Parts {
            cfe: settings.cfe,
            guidance: settings.guidance,
            pgm: settings.pgm,
            pgm_hidden: settings.pgm_hidden,
            pgm_kernel: settings.pgm_kernel,
            pgca: reading("pgca", &settings.pgca)?,
            pgm_scope: reading("pgm_scope", &settings.pgm_scope)?,
        }))
    }

    fn check_towers(&self) -> Result<(), Failure> {
        let loss = &self.experiment.restore.loss;
        let wanted = [
            (loss.clip_aware > 0.0, &kind::clip::KIND),
            (self.network()?.needs_guidance(), &kind::dinov2::KIND),
            (loss.perceptual > 0.0, &kind::vgg16::KIND),
        ];
        let wanted: Vec<&'static Kind> = wanted.into_iter().filter_map(|(is, kind)| is.then_some(kind)).collect();
        self.weights.check(self.experiment.towers, &wanted)
    }

    fn restore(
        &mut self,
        train: &[Set],
        clip_aware: Option<Perceiver>,
        perceptual: Option<Proxies>,
    ) -> Result<String, Failure> {
        let settings = &self.experiment.restore;
        let mut network = self.network()?.with_degradations(&Set::degradations(train));
        let start = self.start("restore", &settings.start_from, &mut network)?;
        told_alike("restore", &network, train)?;
        let guide = if network.needs_guidance() {
            Some(self.weights.dinov2(self.experiment.towers)?)
        } else {
            None
        };
        if let Some(tower) = &guide {
            network = network.with_guidance_width(self.weights.token_width(tower)?);
        }
        let instructions = if settings.instructions.is_empty() {
            None
        } else {
            let (sentences, counts) = self.weights.sentences(&settings.instructions)?;
            spoken_of(&sentences.name, &counts, train)?;
            network = network.with_sentences(&|degradation| {
                speaking_of(degradation, counts.keys().map(String::as_str)).map(|name| counts[name])
            });
            Some(sentences)
        };
        network
            .check()
            .map_err(|error| Failure::new(Exit::Spec, error.to_string()))?;
        let job = Restore {
            sets: train.to_vec(),
            network,
            guide,
            loss: settings.loss.effective(),
            clip_aware,
            perceptual,
            instructions,
            training: settings.training.effective(start.is_some()),
            seed: self.experiment.seed,
            start,
        };
        Ok(self.add(job))
    }

    /// What `STAGE.start_from` means, if it names anything; the network gets the sizes of those weights.
    fn start(&self, stage: &str, name: &str, network: &mut NetworkConfig) -> Result<Option<StartFrom>, Failure> {
        if name.is_empty() {
            return Ok(None);
        }
        let (start, of) = self.weights.start(name).map_err(|mut failure| {
            failure.message = format!("{stage}.start_from: {}", failure.message);
            failure
        })?;
        *network = network.starting_from(&of).map_err(|error| {
            let text = format!("{stage}.start_from = {name:?}: {error}");
            Failure::new(Exit::Spec, text)
        })?;
        Ok(Some(start))
    }
}

/// Refuses to go on from a network that was told other degradations, or in another order, than those of this training.
fn told_alike(stage: &str, network: &NetworkConfig, train: &[Set]) -> Result<(), Failure> {
    let told = network.degradations();
    let degradations = Set::degradations(train);
    if told.is_empty() || told == degradations {
        return Ok(());
    }
    let text = format!(
        "{stage}.start_from: those weights follow instructions for {}, and the training is on {}",
        told.join(", "),
        degradations.join(", ")
    );
    Err(Failure::new(Exit::Spec, text).help("train on the same degradations, in the same order"))
}

/// Refuses sentences that say nothing of a degradation that is trained.
fn spoken_of(name: &str, counts: &BTreeMap<String, usize>, train: &[Set]) -> Result<(), Failure> {
    let known = counts.keys().map(String::as_str);
    let unspoken = |degradation: &&str| speaking_of(degradation, known.clone()).is_none();
    let unspoken: Vec<&str> = Set::degradations(train).into_iter().filter(unspoken).collect();
    if unspoken.is_empty() {
        return Ok(());
    }
    let text = format!(
        "restore.instructions: {name} has no sentence for {}",
        unspoken.join(", ")
    );
    let known = known.collect::<Vec<_>>().join(", ");
    Err(Failure::new(Exit::Weights, text).help(format!(
        "it has sentences for {known}; add a tensor of that name to the file"
    )))
}

/// What each kind of a set weighs in a batch: merged sets share the first's weight by their numbers of pictures.
fn share(found: &Found, among: &[Found]) -> f64 {
    let (name, kinds) = (&found.asked().merge, found.asked().degradations.len().max(1) as f64);
    if name.is_none() {
        return plain(found.asked().weight / kinds);
    }
    let merged: Vec<&Found> = among.iter().filter(|other| other.asked().merge == *name).collect();
    let all: usize = merged.iter().map(|other| other.pictures()).sum();
    let weight = merged.first().map_or(1.0, |first| first.asked().weight);
    plain(weight * found.pictures() as f64 / all.max(1) as f64 / kinds)
}

/// The metrics that a set can be measured by, sorted: their order in a file changes nothing.
fn measurable(asked: &[String], set: &Set) -> Result<Vec<String>, Failure> {
    let alone = |name: &str| metric::find(name).is_some_and(|metric| !metric.needs_reference());
    let possible = |name: &&String| !set.without_references || alone(name);
    let metrics: BTreeSet<String> = asked.iter().filter(possible).cloned().collect();
    if metrics.is_empty() {
        let text = format!(
            "{} has no references, and each of the metrics {} needs one",
            set.label,
            asked.join(", ")
        );
        return Err(
            Failure::new(Exit::Spec, text).help("metrics = [\"uciqe\", \"uiqm\"] need none; or leave the set out")
        );
    }
    Ok(metrics.into_iter().collect())
}

/// One of the network's readings, by its word.
fn reading<T: serde::de::DeserializeOwned>(key: &str, word: &str) -> Result<T, Failure> {
    serde_json::from_value(word.into()).map_err(|error| Failure::new(Exit::Spec, format!("restore.{key}: {error}")))
}

/// Labels name folders and test sets, so no two sets may share one: later ones add their split, or a number.
fn distinguish(sets: &mut [Set]) {
    for index in 1..sets.len() {
        let (before, rest) = sets.split_at_mut(index);
        let set = &mut rest[0];
        let taken = |label: &str| before.iter().any(|other| other.label == label);
        if !taken(&set.label) {
            continue;
        }
        let split = set.group.rsplit(' ').next().unwrap_or_default();
        let longer = format!("{} {split}", set.label);
        let numbered = (2..).map(|number| format!("{longer} {number}"));
        if let Some(label) = std::iter::once(longer.clone())
            .chain(numbered)
            .find(|label| !taken(label))
        {
            set.label = label;
        }
    }
}

fn sized(name: &str, size: Size) -> Result<NetworkConfig, Failure> {
    NetworkConfig::sized(name, size.of_network())
        .map_err(|_| Failure::unknown("network", name, NetworkConfig::NAMES.iter().copied()))
}
