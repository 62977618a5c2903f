//! The networks whose weights can be imported, one file each; a new one is a file here and a line in [`Kind::ALL`].

pub mod clip;
pub mod dinov2;
pub mod restormer;
pub mod vgg16;

use perceive_model::weights::{Checkpoint, WeightsError};
use serde_json::Value;

use super::Publication;
use crate::failure::Failure;

/// A network whose weights can be imported.
#[derive(Debug)]
pub struct Kind {
    /// As the command line and the store name it.
    pub name: &'static str,
    /// As people name it.
    pub title: &'static str,
    /// Where it can be fetched; `None` for a network that users train themselves.
    pub publication: Option<Publication>,
    /// Keys that published files carry beside the network, or for parts of it that this program does not use.
    pub harmless: fn(&str) -> bool,
    /// Builds the network in the size that the shapes tell, loads the tensors, and returns that size. The text is what
    /// an error calls the checkpoint.
    pub fit: fn(&Checkpoint, &str) -> Result<Value, WeightsError>,
}

impl Kind {
    pub const ALL: [&'static Self; 4] = [&clip::KIND, &dinov2::KIND, &vgg16::KIND, &restormer::KIND];

    /// The kind of that name.
    pub fn named(name: &str) -> Result<&'static Self, Failure> {
        let found = Self::ALL.into_iter().find(|kind| kind.name == name);
        found.ok_or_else(|| Failure::unknown("kind of weights", name, Self::ALL.map(|kind| kind.name)))
    }

    /// The kinds that are towers: frozen, published, found by their own name.
    pub fn towers() -> impl Iterator<Item = &'static Self> {
        Self::ALL.into_iter().filter(|kind| kind.publication.is_some())
    }

    /// How the published file becomes one that can be imported, if it is not one already; `file` is what it is called.
    pub fn conversion_of(&self, file: &str) -> Option<String> {
        let conversion = self.publication.as_ref()?.conversion?;
        Some(conversion.replace("{file}", file).replace("{kind}", self.name))
    }
}

fn none(_key: &str) -> bool {
    false
}
