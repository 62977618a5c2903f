//! Which pictures an experiment trains on and is tested on.

use perceive_datasets::{
    catalogue,
    degradation::{Degrade, Recipe},
};
use serde::{Deserialize, Serialize};

/// One `[[experiment.NAME.train]]` or `[[experiment.NAME.test]]` entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PictureSet {
    /// A dataset of the catalogue, or `scenes`: pictures that the program renders itself.
    pub dataset: String,
    /// The split to use; the dataset's own train or test split where it is not named.
    #[serde(default)]
    pub split: Option<String>,
    /// For clean pictures: how their degraded sides are made, one training kind each. Datasets that bring pairs have none.
    #[serde(default)]
    pub degradations: Vec<Recipe>,
    /// At most so many pictures, chosen by the seed; 0: all.
    #[serde(default)]
    pub limit: usize,
    /// Share of a batch that comes from here, relative to the other sets.
    #[serde(default = "one")]
    pub weight: f64,
    /// Sets of one name are one set to a batch: the name's weight (the first's) is shared by their numbers of pictures.
    #[serde(default)]
    pub merge: Option<String>,
    /// Skipped, with a word, where the dataset was not added.
    #[serde(default)]
    pub optional: bool,
    /// Below the paper's scale, where the dataset has too few pictures: others take its place, degraded in its kind by
    /// the program, with a word.
    #[serde(default)]
    pub stand_in: bool,
    /// Only for `scenes`: how many pictures to render.
    #[serde(default)]
    pub count: usize,
    /// Only for `scenes`: their width and height in pixels, 32 to 4096.
    #[serde(default)]
    pub size: usize,
}

fn one() -> f64 {
    1.0
}

/// The kind of pairs of no known dataset.
pub const PAIR: &str = "pair";

/// The dataset name that stands for pictures rendered by the program.
pub const SCENES: &str = "scenes";

impl PictureSet {
    /// The kinds of its degradations, as words: those that are made, or the one that the dataset brings (`pair` for one
    /// of somebody's own).
    pub fn kinds(&self) -> Vec<&'static str> {
        if self.degradations.is_empty() {
            return vec![catalogue::find(&self.dataset).map_or(PAIR, |entry| entry.degradation.word())];
        }
        self.degradations.iter().map(Degrade::kind).collect()
    }

    /// The part of this set that belongs to one of `tasks`, which are kinds; all of it where no task is named.
    pub fn of_tasks(&self, tasks: &[String]) -> Option<Self> {
        let wanted = |kind: &str| tasks.is_empty() || tasks.iter().any(|task| task == kind);
        let mut part = self.clone();
        part.degradations.retain(|recipe| wanted(recipe.kind()));
        self.kinds().into_iter().any(wanted).then_some(part)
    }

    /// What is impossible in this entry: (key, what is wrong).
    pub fn check(&self) -> Vec<(String, String)> {
        let mut wrong = Vec::new();
        let mut say = |key: &str, what: String| wrong.push((key.to_string(), what));
        if self.dataset == SCENES {
            if self.count == 0 {
                say(
                    "count",
                    "scenes need a count of pictures to render, such as count = 64".into(),
                );
            }
            if !(32..=4096).contains(&self.size) {
                say(
                    "size",
                    format!("scenes are {} pixels wide; 32 to 4096 are possible", self.size),
                );
            }
            if self.degradations.is_empty() {
                say("degradations", "scenes are clean: name at least one degradation".into());
            }
        } else if self.count != 0 || self.size != 0 {
            say(
                "count",
                "count and size are for scenes only; use limit for a dataset".into(),
            );
        }
        if !(self.weight.is_finite() && self.weight > 0.0) {
            say(
                "weight",
                format!("a weight of {} draws nothing; it must be above 0", self.weight),
            );
        }
        for (i, recipe) in self.degradations.iter().enumerate() {
            if let Err(what) = recipe.check() {
                say(&format!("degradations.{i}"), what);
            }
        }
        wrong
    }
}
