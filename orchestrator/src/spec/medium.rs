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
    /// How it is trained.
    pub training: Training,
}

impl Default for Medium {
    fn default() -> Self {
        Self {
            network: "restormer".into(),
            size: Size::Paper,
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
        unknown.map(|what| ("network".into(), what)).into_iter().collect()
    }
}
