//! The negatives stage: one frozen proxy restores the degraded training pictures; its outputs are hard or very hard
//! negatives of eq. 11, depending on what the network in training has reached (eq. 10).

use serde::{Deserialize, Serialize};

use super::{Context, Outcome, Stage, loader, medium::restore_all, pairs::Set, restorer::Restorer};
use crate::{failure::Failure, weights_store::WeightsStore};

/// Where a proxy's weights are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyWeights {
    /// The restorer of a medium artefact.
    Medium(String),
    /// Imported weights, by name and by the blake3 of their file.
    Imported { name: String, blake3: String },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Negatives {
    pub proxy: String,
    pub weights: ProxyWeights,
    pub sets: Vec<Set>,
}

impl Stage for Negatives {
    const NAME: &'static str = "negatives";
    const VERSION: u32 = 1;

    fn label(&self) -> String {
        self.proxy.clone()
    }

    fn inputs(&self) -> Vec<String> {
        let mut inputs = Set::inputs(&self.sets);
        if let ProxyWeights::Medium(key) = &self.weights {
            inputs.push(key.clone());
        }
        inputs
    }

    fn run(&self, context: &mut Context) -> Result<Outcome, Failure> {
        let pairs = loader::read(&self.sets, context)?;
        let restorer = match &self.weights {
            ProxyWeights::Medium(key) => Restorer::open(&context.artefact(key), context.home(), context.device())?,
            ProxyWeights::Imported { name, .. } => {
                let path = WeightsStore::of(context.home()).find_named(name)?;
                Restorer::from_weights(&path, context.device())?
            }
        };
        restore_all(context, &restorer, &self.sets, &pairs, |_, _| true)
    }
}
