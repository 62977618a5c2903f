//! Settings of the medium stage: two folds, each restored by a model that was trained on the other.

use perceive_model::network::NetworkConfig;
use serde::{Deserialize, Serialize};

use super::{size::Size, training::Training, unknown};

/// The medium stage: two folds, each restored by a model that was trained on the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Medium {
    /// The restorer whose outputs count as medium quality (Table X compares several).
    pub network: String,
    /// How large that restorer is.
    pub size: Size,
    /// Imported weights that it starts from, or a run or an experiment whose restorer it starts from; empty: drawn ones.
    /// Its sizes are then those of the weights, and with 0 steps it is used as it is.
    pub start_from: String,
    /// How it is trained.
    pub training: Training,
}

impl Default for Medium {
    fn default() -> Self {
        Self {
            network: "restormer".into(),
            size: Size::Paper,
            start_from: String::new(),
            training: Training {
                steps: 100_000,
                ..Training::default()
            },
        }
    }
}

impl Medium {
    /// What is impossible in these settings: (key, what is wrong).
    pub fn check(&self) -> Vec<(String, String)> {
        let unknown = unknown("network", &self.network, NetworkConfig::NAMES.iter().copied());
        let mut wrong: Vec<_> = unknown.map(|what| ("network".into(), what)).into_iter().collect();
        wrong.extend(self.training.check_started(!self.start_from.is_empty()));
        wrong
    }
}
