//! How large a thing is: the paper's own size, or a smaller one of the same shape.

use serde::{Deserialize, Serialize};

/// A size of networks, of steps, batches and crops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Size {
    /// Minutes on two cores: to see every stage work.
    Tiny,
    /// An evening on two cores.
    Small,
    /// What the paper ran.
    Paper,
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Tiny => "tiny",
            Self::Small => "small",
            Self::Paper => "paper",
        })
    }
}

impl Size {
    /// The same size as the networks name it.
    pub fn of_network(self) -> perceive_model::network::Size {
        match self {
            Self::Tiny => perceive_model::network::Size::Tiny,
            Self::Small => perceive_model::network::Size::Small,
            Self::Paper => perceive_model::network::Size::Paper,
        }
    }
}
