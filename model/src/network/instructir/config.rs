//! InstructIR's sizes; the defaults are those of its published network (15.84 M parameters).

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::InstructIr;
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
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        self.backbone.check()?;
        ConfigError::unless(self.text_dim > 0, "text_dim", || {
            "an embedding has a number or more".into()
        })?;
        let length = self.instruction.len();
        ConfigError::unless(length == 0 || length == self.text_dim, "instruction", || {
            format!("{length} numbers, where `text_dim` is {}", self.text_dim)
        })
    }

    fn build(&self, device: &Device) -> InstructIr {
        InstructIr::new(self, device)
    }
}
