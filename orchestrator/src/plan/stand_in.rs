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
    let is_rendered = asked.dataset == SCENES;
    if !asked.stand_in || is_rendered || experiment.scale == Size::Paper || has(&asked.dataset, split, enough) {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn there(dataset: &str, split: &str, pairs: i64, pictures: i64) -> Split {
        Split {
            dataset: dataset.into(),
            split: split.into(),
            official: None,
            pairs,
            pictures,
            problems: 0,
            scanned_at: 0,
        }
    }

    fn asked(dataset: &str) -> PictureSet {
        serde_json::from_value(serde_json::json!({ "dataset": dataset, "stand_in": true, "weight": 3.0 })).unwrap()
    }

    fn at(scale: Size) -> Experiment {
        Experiment {
            scale,
            ..Experiment::default()
        }
    }

    #[test]
    fn clean_pictures_of_the_same_role_are_degraded_in_the_kind_that_is_missing() {
        let index = [
            there("rain100l", "train", 1, 2),
            there("wed", "train", 3, 3),
            there("cbsd68", "test", 68, 68),
            there("bsd400", "train", 400, 400),
        ];
        let train = of(&asked("Rain100L"), "train", &at(Size::Tiny), &index).unwrap();
        assert_eq!((train.dataset.as_str(), train.kinds()), ("bsd400", vec!["rain"]));
        assert_eq!((train.weight, train.split.as_deref()), (3.0, Some("train")));
        let test = of(&asked("Rain100L"), "test", &at(Size::Small), &index).unwrap();
        assert_eq!(test.dataset, "cbsd68");
        assert_eq!(test.check(), []);
    }

    #[test]
    fn scenes_are_rendered_where_nothing_is_there() {
        for dataset in ["RESIDE", "Rain100L", "GoPro", "LOL", "UIEB", "C60"] {
            let set = of(&asked(dataset), "train", &at(Size::Tiny), &[]).unwrap();
            assert_eq!((set.dataset.as_str(), set.check()), (SCENES, vec![]), "{dataset}");
        }
        let noise = PictureSet {
            degradations: vec![made(Degradation::Rain).unwrap()],
            ..asked("WED")
        };
        let set = of(&noise, "train", &at(Size::Tiny), &[]).unwrap();
        assert_eq!(set.degradations, noise.degradations, "what is to be made is made");
    }

    #[test]
    fn nothing_stands_in_for_pictures_that_are_there_nor_at_the_papers_scale() {
        let index = [
            there("rain100l", "train", 4, 8),
            there("c60", "test", 0, 60),
            there("gopro", "test", 1, 2),
        ];
        assert_eq!(of(&asked("Rain100L"), "train", &at(Size::Tiny), &index), None);
        assert_eq!(of(&asked("C60"), "test", &at(Size::Tiny), &index), None);
        assert_eq!(of(&asked("GoPro"), "test", &at(Size::Tiny), &index), None);
        assert!(of(&asked("GoPro"), "train", &at(Size::Tiny), &index).is_some());
        assert_eq!(of(&asked("GoPro"), "train", &at(Size::Paper), &index), None);
        let plain = PictureSet {
            stand_in: false,
            ..asked("GoPro")
        };
        assert_eq!(of(&plain, "train", &at(Size::Tiny), &index), None);
    }
}
