//! What every network's settings can do, the named sizes, and what can be wrong with them.

use std::{fmt, str::FromStr};

use burn::tensor::Device;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Parts, Restorer};

/// The preset sizes of an experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Size {
    /// For the quickstart and for tests: trains in a minute on two cores.
    Tiny,
    /// For one machine without a GPU.
    Small,
    /// As published.
    Paper,
}

impl Size {
    pub const ALL: [Self; 3] = [Self::Tiny, Self::Small, Self::Paper];

    pub fn name(self) -> &'static str {
        match self {
            Self::Tiny => "tiny",
            Self::Small => "small",
            Self::Paper => "paper",
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Size {
    type Err = ConfigError;

    fn from_str(name: &str) -> Result<Self, ConfigError> {
        let found = Self::ALL.into_iter().find(|size| size.name() == name);
        found.ok_or_else(|| ConfigError::UnknownSize { name: name.into() })
    }
}

/// The settings of one network. Their `Default` is the published network.
pub trait NetworkSettings: Clone + Default + PartialEq + Serialize + DeserializeOwned {
    type Network: Restorer;

    fn sized(size: Size) -> Self;

    /// Whether a network can be built of them; the first thing that is wrong, by its key.
    fn check(&self) -> Result<(), ConfigError>;

    /// The width of the DINOv2 tower that will guide the network.
    fn set_guidance_width(&mut self, _width: usize) {}

    /// Which of Perceive-IR's parts the network has.
    fn set_parts(&mut self, _parts: &Parts) {}

    /// The degradations of the training, in the order of their numbers in a batch, for a network that is told them.
    fn set_degradations(&mut self, _degradations: &[&str]) {}

    /// How many sentences there are for each of those.
    fn set_sentences(&mut self, _count: &dyn Fn(&str) -> Option<usize>) {}

    fn needs_guidance(&self) -> bool {
        false
    }

    /// A network with first values drawn from the device's generator.
    fn build(&self, device: &Device) -> Self::Network;
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error("there is no network `{name}`; known are {known}")]
    UnknownNetwork { name: String, known: String },
    #[error("there is no network size `{name}`; known are tiny, small and paper")]
    UnknownSize { name: String },
    #[error("network setting `{key}`: {problem}")]
    Setting { key: &'static str, problem: String },
}

impl ConfigError {
    pub(super) fn unless(holds: bool, key: &'static str, problem: impl FnOnce() -> String) -> Result<(), Self> {
        if holds {
            Ok(())
        } else {
            Err(Self::Setting {
                key,
                problem: problem(),
            })
        }
    }
}
