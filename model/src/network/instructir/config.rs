//! InstructIR's sizes; the defaults are those of its published network (15.84 M parameters).

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::{InstructIr, Instructions};
use crate::network::{ConfigError, NafnetConfig, NetworkSettings, Size};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InstructIrConfig {
    pub backbone: NafnetConfig,
    /// Width of an instruction's embedding.
    pub text_dim: usize,
    /// The embedding, of length 1, of the one instruction that the network follows where it is given none: as many
    /// numbers as `text_dim`. Empty: all of them equal.
    pub instruction: Vec<f32>,
    /// The degradations that the network is told apart, with sentences for each and the language head that reads them. Empty:
    /// the published image network alone, which follows `instruction`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub instructions: Vec<Instructions>,
}

impl Default for InstructIrConfig {
    fn default() -> Self {
        Self::sized(Size::Paper)
    }
}

impl NetworkSettings for InstructIrConfig {
    type Network = InstructIr;

    fn sized(size: Size) -> Self {
        let (backbone, text_dim) = match size {
            Size::Tiny => (NafnetConfig::sized(size), 32),
            Size::Small => (NafnetConfig::sized(size), 64),
            Size::Paper => {
                let paper = NafnetConfig {
                    encoder: vec![2, 2, 4, 8],
                    middle: 4,
                    decoder: vec![2; 4],
                    ..NafnetConfig::default()
                };
                (paper, 256)
            }
        };
        Self {
            backbone,
            text_dim,
            instruction: Vec::new(),
            instructions: Vec::new(),
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        self.backbone.check()?;
        ConfigError::unless(self.text_dim > 0, "text_dim", || {
            "an embedding has a number or more".into()
        })?;
        let unsaid = self.instructions.iter().find(|set| set.sentences == 0);
        ConfigError::unless(unsaid.is_none(), "instructions", || {
            "each degradation has a sentence or more".into()
        })?;
        let length = self.instruction.len();
        ConfigError::unless(length == 0 || length == self.text_dim, "instruction", || {
            format!("{length} numbers, where `text_dim` is {}", self.text_dim)
        })
    }

    fn set_degradations(&mut self, degradations: &[&str]) {
        self.instructions = degradations.iter().map(|name| Instructions::stand_in(name)).collect();
    }

    fn set_sentences(&mut self, count: &dyn Fn(&str) -> Option<usize>) {
        for set in &mut self.instructions {
            set.sentences = count(&set.degradation).unwrap_or(set.sentences);
        }
    }

    fn build(&self, device: &Device) -> InstructIr {
        InstructIr::new(self, device)
    }
}
