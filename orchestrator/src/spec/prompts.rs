//! Settings of the prompts stage: the quality perceiver (eq. 1, Table VIII).

use serde::{Deserialize, Serialize};

/// How a prompt's tokens start (Table VIII).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Initialisation {
    /// The words alone; nothing is learned.
    Fixed,
    /// All tokens random, all learned.
    Random,
    /// Random tokens followed by the word; all learned. The paper's choice.
    PartialRandom,
}

/// The prompts stage: the quality perceiver.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Prompts {
    /// From best to worst quality. 2 words: good and bad pictures; 3: with medium between; 4: with two grades between,
    /// the medium picture mixed half and half with its clean and with its degraded side.
    pub words: Vec<String>,
    /// N: learned tokens a prompt.
    pub tokens: usize,
    /// How the tokens start.
    pub initialisation: Initialisation,
    /// Standard deviation of random tokens.
    pub deviation: f64,
    /// What cosine similarities are multiplied by before the softmax of eqs. 1 and 9.
    pub temperature: f64,
    /// Optimiser steps.
    pub steps: u64,
    /// Scenes a step; each brings one picture a tier.
    pub batch: usize,
    /// The optimiser's rate, constant.
    pub learning_rate: f64,
    /// Width and height of the crops that are shown to CLIP.
    pub patch: usize,
    /// Crops per tier whose CLIP features are computed once and drawn from.
    pub pool: usize,
    /// Share of the pictures that no prompt learns from, kept for the accuracy.
    pub held_out: f64,
}

impl Default for Prompts {
    fn default() -> Self {
        Self {
            words: ["excellent", "mediocre", "terrible"].map(String::from).to_vec(),
            tokens: 16,
            initialisation: Initialisation::PartialRandom,
            deviation: 0.02,
            temperature: 100.0,
            steps: 100_000,
            batch: 32,
            learning_rate: 4e-5,
            patch: 128,
            pool: 20_000,
            held_out: 0.1,
        }
    }
}

impl Prompts {
    /// These settings with the defaults where prompts that do not learn look at nothing: equal ones give equal prompts.
    pub fn effective(&self) -> Self {
        let mut prompts = self.clone();
        if prompts.initialisation == Initialisation::Fixed {
            let default = Self::default();
            prompts.tokens = default.tokens;
            prompts.deviation = default.deviation;
            prompts.steps = default.steps;
            prompts.batch = default.batch;
            prompts.learning_rate = default.learning_rate;
        }
        prompts
    }

    /// What is impossible in these settings: (key, what is wrong).
    pub fn check(&self) -> Vec<(String, String)> {
        let mut wrong = Vec::new();
        let mut say = |key: &str, what: String| wrong.push((key.to_string(), what));
        if !(2..=4).contains(&self.words.len()) {
            say("words", format!("{} prompts; 2, 3 or 4 are possible", self.words.len()));
        }
        if !(1..=75).contains(&self.tokens) {
            say(
                "tokens",
                format!("{} tokens; CLIP's text has room for 1 to 75", self.tokens),
            );
        }
        if self.steps == 0 && self.initialisation != Initialisation::Fixed {
            say(
                "steps",
                "0 steps learn nothing; initialisation = \"fixed\" needs none".into(),
            );
        }
        if self.batch == 0 {
            say("batch", "a batch needs at least one scene".into());
        }
        if self.pool == 0 {
            say("pool", "a pool of 0 crops has nothing to learn from".into());
        }
        if self.patch < 16 {
            say(
                "patch",
                format!("crops of {} pixels are too small; take 16 or more", self.patch),
            );
        }
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            say("learning_rate", "must be above 0".into());
        }
        if !(self.temperature.is_finite() && self.temperature > 0.0) {
            say("temperature", "must be above 0".into());
        }
        if !(0.0..=0.5).contains(&self.held_out) {
            say("held_out", "must lie between 0 and 0.5".into());
        }
        wrong
    }
}
