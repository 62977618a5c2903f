//! One `[experiment.NAME]`: everything that decides its results.

use serde::{Deserialize, Serialize};

use super::{
    medium::Medium, negatives::Negatives, pictures::PictureSet, prompts::Prompts, restore::Restore, size::Size,
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
    /// What is trained on; at least one set.
    pub train: Vec<PictureSet>,
    /// What is tested on; at least one set.
    pub test: Vec<PictureSet>,
    /// The restorer whose pictures are of medium quality.
    pub medium: Medium,
    /// The quality perceiver.
    pub prompts: Prompts,
    /// The proxies whose pictures are negatives.
    pub negatives: Negatives,
    /// The network and its loss.
    pub restore: Restore,
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
            train: Vec::new(),
            test: Vec::new(),
            medium: Medium::default(),
            prompts: Prompts::default(),
            negatives: Negatives::default(),
            restore: Restore::default(),
            upkeep: Upkeep::default(),
        }
    }
}

impl Experiment {
    /// What is impossible, as (dotted key, what is wrong); empty when the experiment can be planned.
    pub fn check(&self) -> Vec<(String, String)> {
        let mut wrong = Vec::new();
        let mut under = |prefix: &str, found: Vec<(String, String)>| {
            wrong.extend(found.into_iter().map(|(key, what)| (format!("{prefix}.{key}"), what)));
        };
        for (i, set) in self.train.iter().enumerate() {
            under(&format!("train.{i}"), set.check());
        }
        for (i, set) in self.test.iter().enumerate() {
            under(&format!("test.{i}"), set.check());
        }
        under("medium.training", self.medium.training.check());
        under("prompts", self.prompts.check());
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
        if self.restore.loss.perceptual > 0.0 && self.negatives.proxies.is_empty() {
            wrong.push((
                "negatives.proxies".into(),
                "the perceptual loss needs at least one proxy".into(),
            ));
        }
        for (i, proxy) in self.negatives.proxies.iter().enumerate() {
            if self.negatives.proxies[..i].iter().any(|other| other.name == proxy.name) {
                wrong.push((
                    format!("negatives.proxies.{i}.name"),
                    format!("{:?} is named twice", proxy.name),
                ));
            }
        }
        wrong
    }
}
