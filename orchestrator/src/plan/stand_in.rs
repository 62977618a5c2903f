//! Pictures in the place of a dataset that is not there, so that an experiment of the paper can be tried at a small scale
//! with whatever there is: clean pictures of another dataset, or rendered scenes, degraded in the missing one's kind.
//!
//! They are named for what they are: a table shows `cbsd68 rain`, never `rain100l rain`. At the paper's scale nothing
//! stands in.

use perceive_datasets::{
    catalogue::{self, CATALOGUE, Degradation, Split as Official},
    degradation::{Blur, Haze, LowLight, Rain, Recipe},
};

use crate::{
    database::datasets::Split,
    spec::{
        Experiment, Size,
        pictures::{PictureSet, SCENES},
    },
};

/// Two folds, and prompts with something held out, need at least so many pictures to train on.
const TO_TRAIN: i64 = 4;

/// What is rendered where there is no clean picture either: how many, and how large in pixels.
const RENDERED: usize = 48;
const SIDE: usize = 128;

/// The set that stands in for `asked`, which is to be trained on or tested on (`role`: `train` or `test`).
///
/// `None`: `asked` itself is there, or nothing may take its place.
pub fn of(asked: &PictureSet, role: &str, experiment: &Experiment, splits: &[Split]) -> Option<PictureSet> {
    let enough = if role == "train" { TO_TRAIN } else { 1 };
    let has = |dataset: &str, split: &str, enough: i64| {
        splits.iter().any(|there| {
            there.dataset.eq_ignore_ascii_case(dataset) && there.split == split && there.usable() >= enough
        })
    };
    let split = asked.split.as_deref().unwrap_or(role);
    if !asked.stand_in || experiment.scale == Size::Paper || has(&asked.dataset, split, enough) {
        return None;
    }
    let degradations = if asked.degradations.is_empty() {
        vec![made(catalogue::find(&asked.dataset)?.degradation)?]
    } else {
        asked.degradations.clone()
    };
    let holds_clean = |split: &Official| split.name == role;
    let clean = CATALOGUE
        .iter()
        .filter(|entry| entry.degradation == Degradation::Noise && entry.splits.iter().any(holds_clean))
        .find(|entry| has(entry.name, role, enough));
    let (count, size) = if clean.is_some() { (0, 0) } else { (RENDERED, SIDE) };
    Some(PictureSet {
        dataset: clean.map_or(SCENES, |entry| entry.name).into(),
        split: Some(role.into()),
        degradations,
        count,
        size,
        stand_in: false,
        ..asked.clone()
    })
}

/// What the user is told of it.
pub fn telling(asked: &PictureSet, role: &str, other: &PictureSet) -> String {
    let pictures = if other.dataset == SCENES {
        "rendered scenes".to_string()
    } else {
        format!("{}'s clean pictures", other.dataset)
    };
    format!(
        "{} has too few {role} pictures here: {pictures}, degraded by the program, stand in for it",
        asked.dataset
    )
}

/// How the kind of a dataset's pictures is made; underwater light is scattered as in haze.
fn made(kind: Degradation) -> Option<Recipe> {
    match kind {
        Degradation::Noise => None,
        Degradation::Haze | Degradation::Underwater => Some(Recipe::Haze(Haze::default())),
        Degradation::Rain => Some(Recipe::Rain(Rain::default())),
        Degradation::Blur => Some(Recipe::Blur(Blur::default())),
        Degradation::LowLight => Some(Recipe::LowLight(LowLight::default())),
    }
}

impl Split {
    /// Pairs; every picture where the dataset has no references.
    fn usable(&self) -> i64 {
        match catalogue::find(&self.dataset) {
            Some(entry) if entry.is_without_references() => self.pictures,
            _ => self.pairs,
        }
    }
}
