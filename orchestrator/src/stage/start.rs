//! Weights that a training starts from, in the place of drawn ones.

use perceive_model::network::Start;
use serde::{Deserialize, Serialize};

use super::{Context, restorer};
use crate::{failure::Failure, weights_store::WeightsStore};

/// Whose weights; part of the key of every job that starts from them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StartFrom {
    /// The restorer of an artefact.
    Artefact(String),
    /// Imported weights, by name and by the blake3 of their file in the store.
    Imported { name: String, blake3: String },
}

impl StartFrom {
    /// The artefact that is read.
    pub fn input(&self) -> Option<String> {
        match self {
            Self::Artefact(key) => Some(key.clone()),
            Self::Imported { .. } => None,
        }
    }

    /// The weights.
    ///
    /// # Errors
    /// [`Exit::Weights`](crate::failure::Exit::Weights) where imported ones are no longer those that were planned with.
    pub fn read(&self, context: &Context) -> Result<Start, Failure> {
        let (name, blake3) = match self {
            Self::Artefact(key) => return restorer::weights(&context.artefact(key)),
            Self::Imported { name, blake3 } => (name, blake3),
        };
        let store = WeightsStore::of(context.home());
        store.find_planned(name, |entry| entry.stored_blake3 == *blake3)?;
        restorer::imported(&store, name)
    }
}
