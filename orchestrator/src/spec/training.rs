//! What every training loop is told: steps, batches, crops, the optimiser and its schedule.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How a network is trained. The defaults are the paper's restoration stage (section IV.A).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Training {
    /// Optimiser steps; 0 only for a network that starts from weights.
    pub steps: u64,
    /// Pictures a step.
    pub batch: usize,
    /// Pieces of a batch that a device works through one after the other, which needs less memory; equal to one piece within
    /// rounding. While it is 1 it is no part of a job.
    #[serde(skip_serializing_if = "is_one")]
    pub accumulate: usize,
    /// Width and height of a crop, in pixels; a multiple of 8.
    pub patch: usize,
    /// Random horizontal and vertical flips.
    pub flips: bool,
    /// AdamW's rate at the first step.
    pub learning_rate: f64,
    /// The rate that a cosine ends at.
    pub final_learning_rate: f64,
    /// `cosine` or `constant`.
    pub schedule: Schedule,
    /// Steps over which the rate climbs linearly from 0 at the start.
    pub warm_up: u64,
    /// AdamW's decay of the weights a step, relative to the rate.
    pub weight_decay: f64,
    /// The gradient of all parameters together is scaled down to this norm; 0: never.
    pub clip_norm: f64,
    /// Start with a network that gives its input back, or (`false`) with all weights drawn, as the papers do. Without
    /// effect on a network that starts from weights.
    pub identity_start: bool,
    /// `f32`, or `bf16`: the network's passes in 16 bits, its weights, norms and losses in 32. While it is f32 it is no part
    /// of a job.
    #[serde(skip_serializing_if = "is_f32")]
    pub precision: Precision,
    /// `none`, or `blocks`: blocks keep only their inputs, and are run once more in the backward pass. Less memory, more
    /// time, the same numbers; on the CPU, for the transformer networks. While it is none it is no part of a job.
    #[serde(skip_serializing_if = "keeps_all")]
    pub checkpointing: Checkpointing,
    /// Draw noise anew at every step (`true`), or read the noisy pictures of the degrade stage.
    pub fresh_noise: bool,
    /// Pictures kept from the training to measure it on. While it is off it is no part of a job.
    #[serde(skip_serializing_if = "Validation::is_off")]
    pub validation: Validation,
}

/// Pictures that the network does not learn from, restored every so often; and what follows from their PSNR.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Validation {
    /// Steps between two validations; 0: none, and no picture is held out.
    pub every: u64,
    /// Pairs that are measured, evenly from all sets. Their scenes are held out whole, with all their degradations.
    pub pictures: usize,
    /// The training stops after so many validations without improvement; 0: never.
    pub patience: u64,
    /// dB by which a validation must be better than the last improvement to be one.
    pub min_delta: f64,
    /// The artefact is the network of the best validation instead of the last step's.
    pub use_best: bool,
}

impl Default for Validation {
    fn default() -> Self {
        Self {
            every: 0,
            pictures: 8,
            patience: 0,
            min_delta: 0.0,
            use_best: false,
        }
    }
}

impl Validation {
    pub fn is_off(&self) -> bool {
        self.every == 0
    }
}

/// What a network's passes are computed in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// 32 bits.
    #[default]
    F32,
    /// 16 bits with the range of f32. For GPUs: on a CPU it is slower than f32.
    Bf16,
}

/// What is kept of a forward pass for the backward pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Checkpointing {
    /// Whatever the backward pass reads.
    #[default]
    None,
    /// The inputs of blocks.
    Blocks,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn keeps_all(checkpointing: &Checkpointing) -> bool {
    *checkpointing == Checkpointing::None
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_f32(precision: &Precision) -> bool {
    *precision == Precision::F32
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_one(count: &usize) -> bool {
    *count == 1
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// Half a cosine from the first rate to the final one.
    Cosine,
    /// The first rate throughout.
    Constant,
}

impl Default for Training {
    fn default() -> Self {
        Self {
            steps: 400_000,
            batch: 6,
            accumulate: 1,
            patch: 128,
            flips: true,
            learning_rate: 2e-4,
            final_learning_rate: 1e-6,
            schedule: Schedule::Cosine,
            warm_up: 0,
            weight_decay: 1e-4,
            clip_norm: 0.0,
            identity_start: true,
            precision: Precision::F32,
            checkpointing: Checkpointing::None,
            fresh_noise: true,
            validation: Validation::default(),
        }
    }
}

impl Training {
    /// What is impossible for a network that starts from weights, or does not.
    pub fn check_started(&self, started: bool) -> Option<(String, String)> {
        let wrong = self.steps == 0 && !started;
        let what = "0 steps train nothing; only a network with `start_from` can be used as it is";
        wrong.then(|| ("training.steps".into(), what.into()))
    }

    /// These settings with the defaults where nothing looks at them: equal ones train equally.
    pub fn effective(&self, started: bool) -> Self {
        Self {
            identity_start: self.identity_start && !started,
            ..self.clone()
        }
    }

    /// All settings as JSON, with those that are no part of a job while they change nothing.
    pub fn whole(&self) -> Result<Value, serde_json::Error> {
        let mut whole = serde_json::to_value(self)?;
        whole["accumulate"] = self.accumulate.into();
        whole["precision"] = serde_json::to_value(self.precision)?;
        whole["checkpointing"] = serde_json::to_value(self.checkpointing)?;
        whole["validation"] = serde_json::to_value(&self.validation)?;
        Ok(whole)
    }

    /// What is impossible in these settings: (key, what is wrong).
    pub fn check(&self) -> Vec<(String, String)> {
        let mut wrong = Vec::new();
        let mut say = |key: &str, what: String| wrong.push((key.to_string(), what));
        if self.batch == 0 {
            say("batch", "a batch needs at least one picture".into());
        }
        if !(1..=self.batch.max(1)).contains(&self.accumulate) {
            say(
                "accumulate",
                format!(
                    "a batch of {} cannot be cut into {} pieces; take 1 to {}",
                    self.batch, self.accumulate, self.batch
                ),
            );
        }
        if self.patch < 16 || !self.patch.is_multiple_of(8) {
            say(
                "patch",
                format!(
                    "a crop of {} pixels is impossible; take a multiple of 8, 16 or more",
                    self.patch
                ),
            );
        }
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            say(
                "learning_rate",
                format!("{} is no learning rate; it must be above 0", self.learning_rate),
            );
        }
        if !(0.0..=self.learning_rate).contains(&self.final_learning_rate) {
            say("final_learning_rate", "must lie between 0 and learning_rate".into());
        }
        if !(0.0..1.0).contains(&self.weight_decay) {
            say("weight_decay", "must lie between 0 and 1".into());
        }
        if !(self.clip_norm.is_finite() && self.clip_norm >= 0.0) {
            say("clip_norm", "must be 0 (never) or above".into());
        }
        let validation = &self.validation;
        if validation.is_off() && (validation.patience > 0 || validation.use_best) {
            say(
                "validation.every",
                "patience and use_best need validations; 0 makes none".into(),
            );
        }
        if !validation.is_off() && validation.pictures == 0 {
            say("validation.pictures", "a validation needs at least one picture".into());
        }
        if !(validation.min_delta.is_finite() && validation.min_delta >= 0.0) {
            say("validation.min_delta", "must be 0 dB or above".into());
        }
        wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_validation_that_is_off_is_no_part_of_a_job() {
        let job = |training: &Training| serde_json::to_value(training).unwrap();
        let off = Training::default();
        assert!(job(&off).get("validation").is_none());
        let on = Training {
            validation: Validation {
                every: 500,
                ..Validation::default()
            },
            ..Training::default()
        };
        assert_eq!(job(&on)["validation"]["every"], 500);
        assert_eq!(serde_json::from_value::<Training>(job(&on)).unwrap(), on);
    }

    #[test]
    fn a_batch_of_one_piece_in_f32_is_what_it_was_before_there_were_others() {
        let job = serde_json::to_value(Training::default()).unwrap();
        for key in ["accumulate", "precision", "checkpointing"] {
            assert!(job.get(key).is_none(), "{key}");
        }
        let other = Training {
            accumulate: 3,
            precision: Precision::Bf16,
            ..Training::default()
        };
        let job = serde_json::to_value(&other).unwrap();
        assert_eq!((&job["accumulate"], &job["precision"]), (&3.into(), &"bf16".into()));
        assert_eq!(serde_json::from_value::<Training>(job).unwrap(), other);
    }

    #[test]
    fn a_batch_has_as_many_pieces_as_pictures_at_the_most() {
        let mut training = Training::default();
        for (accumulate, possible) in [(0, false), (1, true), (6, true), (7, false)] {
            training.accumulate = accumulate;
            assert_eq!(training.check().is_empty(), possible, "{accumulate}");
        }
    }

    #[test]
    fn patience_without_validations_is_impossible() {
        let mut training = Training::default();
        training.validation.patience = 3;
        assert_eq!(training.check()[0].0, "validation.every");
        training.validation.every = 100;
        assert_eq!(training.check(), []);
    }
}
