//! One `[experiment.NAME]`: everything that decides its results.

use std::collections::BTreeSet;

use perceive_model::metric;
use serde::{Deserialize, Serialize};

use super::{
    medium::Medium,
    negatives::Negatives,
    pictures::PictureSet,
    prompts::Prompts,
    proxy::{Origin, Proxy},
    restore::Restore,
    size::Size,
    unknown,
    upkeep::Upkeep,
};

/// Which frozen encoders an experiment uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Towers {
    /// CLIP ViT-B/32, DINOv2 ViT-B/14 and VGG-16 with their published weights.
    Real,
    /// Small seeded encoders of the same kind, called stand-ins wherever a result is shown.
    StandIn,
}

/// The settings of one case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Experiment {
    /// One sentence for listings.
    pub about: String,
    /// Of everything drawn: scenes, degradations, folds, first weights, batches. Repetitions take the seeds after it.
    pub seed: u64,
    /// Which preset fills in the sizes, steps, batches and crops that the experiment does not name.
    pub scale: Size,
    /// The published towers, or small seeded ones in their place.
    pub towers: Towers,
    /// At most so many pictures of each training set; 0: all.
    pub train_limit: usize,
    /// At most so many pictures of each test set; 0: all.
    pub test_limit: usize,
    /// Of `train` and `test`, only what is of these kinds; empty: all.
    pub tasks: Vec<String>,
    /// What is trained on; at least one set.
    pub train: Vec<PictureSet>,
    /// What is tested on; at least one set.
    pub test: Vec<PictureSet>,
    /// What is measured, by the registry's names; a test set without references has those that need none.
    pub metrics: Vec<String>,
    /// The restorer whose pictures are of medium quality.
    pub medium: Medium,
    /// The quality perceiver.
    pub prompts: Prompts,
    /// The proxies whose pictures are negatives.
    pub negatives: Negatives,
    /// The network and its loss.
    pub restore: Restore,
    /// How trainings are looked after: it changes no result.
    pub upkeep: Upkeep,
}

impl Default for Experiment {
    fn default() -> Self {
        Self {
            about: String::new(),
            seed: 1,
            scale: Size::Paper,
            towers: Towers::Real,
            train_limit: 0,
            test_limit: 0,
            tasks: Vec::new(),
            train: Vec::new(),
            test: Vec::new(),
            metrics: ["psnr_rgb", "ssim_rgb"].map(String::from).to_vec(),
            medium: Medium::default(),
            prompts: Prompts::default(),
            negatives: Negatives::default(),
            restore: Restore::default(),
            upkeep: Upkeep::default(),
        }
    }
}

impl Experiment {
    /// The sets to train on, of its tasks.
    pub fn train_sets(&self) -> Vec<PictureSet> {
        self.of_tasks(&self.train)
    }

    /// The sets to test on, of its tasks.
    pub fn test_sets(&self) -> Vec<PictureSet> {
        self.of_tasks(&self.test)
    }

    fn of_tasks(&self, sets: &[PictureSet]) -> Vec<PictureSet> {
        sets.iter().filter_map(|set| set.of_tasks(&self.tasks)).collect()
    }

    /// Whether any stage looks at medium pictures or models.
    pub fn needs_medium(&self) -> bool {
        let loss = &self.restore.loss;
        let of_medium = |proxy: &Proxy| proxy.fold().is_some();
        loss.clip_aware > 0.0 || (loss.perceptual > 0.0 && self.negatives.proxies.iter().any(of_medium))
    }

    /// The proxies that are no weights, where any stage needs them.
    pub fn foreign_proxies(&self) -> impl Iterator<Item = &Proxy> {
        let proxies = if self.restore.loss.perceptual > 0.0 {
            self.negatives.proxies.as_slice()
        } else {
            &[]
        };
        proxies
            .iter()
            .filter(|proxy| !matches!(proxy.origin, Origin::Weights(_)))
    }

    /// The crops of training pictures that its stages cut, as (key, side in pixels).
    pub fn crops(&self) -> Vec<(&'static str, usize)> {
        let mut crops = vec![("restore.training.patch", self.restore.training.patch)];
        if self.needs_medium() {
            crops.push(("medium.training.patch", self.medium.training.patch));
        }
        if self.restore.loss.clip_aware > 0.0 {
            crops.push(("prompts.patch", self.prompts.patch));
        }
        crops
    }

    /// What is impossible, as (dotted key, what is wrong); empty when the experiment can be planned.
    pub fn check(&self) -> Vec<(String, String)> {
        let mut wrong = Vec::new();
        for name in &self.metrics {
            let what = unknown("metric", name, metric::METRICS.iter().map(|metric| metric.name));
            wrong.extend(what.map(|what| ("metrics".into(), what)));
        }
        let mut under = |prefix: &str, found: Vec<(String, String)>| {
            wrong.extend(found.into_iter().map(|(key, what)| (format!("{prefix}.{key}"), what)));
        };
        for (i, set) in self.train.iter().enumerate() {
            under(&format!("train.{i}"), set.check());
        }
        for (i, set) in self.test.iter().enumerate() {
            under(&format!("test.{i}"), set.check());
        }
        under("medium", self.medium.check());
        under("medium.training", self.medium.training.check());
        under("prompts", self.prompts.check());
        under("negatives", self.negatives.check());
        under("restore", self.restore.check());
        under("restore.training", self.restore.training.check());
        under("upkeep", self.upkeep.check());
        if self.train.is_empty() {
            wrong.push((
                "train".into(),
                "nothing to train on: add a [[experiment.NAME.train]] entry".into(),
            ));
        }
        if self.test.is_empty() {
            wrong.push((
                "test".into(),
                "nothing to test on: add a [[experiment.NAME.test]] entry".into(),
            ));
        }
        for task in &self.tasks {
            for (role, sets) in [("train", &self.train), ("test", &self.test)] {
                let kinds: BTreeSet<&str> = sets.iter().flat_map(PictureSet::kinds).collect();
                if !sets.is_empty() && !kinds.contains(task.as_str()) {
                    let there = kinds.into_iter().collect::<Vec<_>>().join(", ");
                    wrong.push((
                        "tasks".into(),
                        format!("no {role} set is of the kind {task:?}; there are {there}"),
                    ));
                }
            }
        }
        if self.metrics.is_empty() {
            wrong.push(("metrics".into(), "nothing to measure: name at least one".into()));
        }
        if self.restore.loss.perceptual > 0.0 && self.negatives.proxies.is_empty() {
            wrong.push((
                "negatives.proxies".into(),
                "the perceptual loss needs at least one proxy".into(),
            ));
        }
        wrong
    }
}
