//! How trainings are looked after: when their state is saved, which checkpoints are kept, when one is given up.
//!
//! Nothing here can change a result, so it is no part of a job or of its artefact's key: it travels beside the job.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Upkeep {
    /// The state of a training is saved every so many seconds; 0: at every step.
    pub save_every: f64,
    /// So many of the latest checkpoints are kept, at least one.
    pub keep_last: usize,
    /// So many of the best by validation are kept beside them, and go into the artefact.
    pub keep_best: usize,
    /// A loss above so many times the median of the training's beginning has diverged: the run fails; 0: never.
    pub diverged_above: f64,
}

impl Default for Upkeep {
    fn default() -> Self {
        Self {
            save_every: 60.0,
            keep_last: 3,
            keep_best: 1,
            diverged_above: 1000.0,
        }
    }
}

impl Upkeep {
    /// What is impossible in these settings: (key, what is wrong).
    pub fn check(&self) -> Vec<(String, String)> {
        let mut wrong = Vec::new();
        let mut say = |key: &str, what: &str| wrong.push((key.to_string(), what.to_string()));
        if !(0.0..=1e9).contains(&self.save_every) {
            say("save_every", "must be a number of seconds, 0 or above");
        }
        if self.keep_last == 0 {
            say("keep_last", "without a checkpoint nothing can go on; keep at least 1");
        }
        if !(self.diverged_above.is_finite() && (self.diverged_above == 0.0 || self.diverged_above > 1.0)) {
            say("diverged_above", "must be 0 (never) or above 1");
        }
        wrong
    }
}
