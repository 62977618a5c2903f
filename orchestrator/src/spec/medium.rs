//! Settings of the medium stage: two folds, each restored by a model that was trained on the other.

use serde::{Deserialize, Serialize};

use super::{size::Size, training::Training};

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
