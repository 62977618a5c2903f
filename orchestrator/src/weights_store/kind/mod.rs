//! The networks whose weights can be imported, one file each; a new one is a file here and a line in [`Kind::ALL`].

pub mod alexnet;
pub mod clip;
pub mod dinov2;
pub mod instructions;
pub mod lpips;
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
    pub const ALL: [&'static Self; 8] = [
        &clip::KIND,
        &dinov2::KIND,
        &vgg16::KIND,
        &restormer::KIND,
        &alexnet::KIND,
        &lpips::ALEX,
        &lpips::VGG,
        &instructions::KIND,
    ];

    /// Those that an experiment with `towers = "stand-in"` has small seeded networks for.
    const WITH_STAND_IN: [&'static Self; 3] = [&clip::KIND, &dinov2::KIND, &vgg16::KIND];

    /// The kind of that name.
    pub fn named(name: &str) -> Result<&'static Self, Failure> {
        let found = Self::ALL.into_iter().find(|kind| kind.name == name);
        found.ok_or_else(|| Failure::unknown("kind of weights", name, Self::ALL.map(|kind| kind.name)))
    }

    /// The kinds that are towers: frozen, published, found by their own name.
    pub fn towers() -> impl Iterator<Item = &'static Self> {
        Self::ALL.into_iter().filter(|kind| kind.publication.is_some())
    }

    /// Whether an experiment can do without these weights.
    pub fn has_stand_in(&self) -> bool {
        Self::WITH_STAND_IN.iter().any(|kind| kind.name == self.name)
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

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use perceive_model::metric::lpips::{Backbone, ChannelWeights};
    use perceive_model::tower::{AlexNet, Clip, ClipConfig, Dinov2, Dinov2Config, Vgg16, Vgg16Config};
    use perceive_model::weights::shapes;

    use super::*;

    #[test]
    fn published_sizes_are_those_of_the_published_networks() {
        let device = Device::flex();
        let count = |shapes: Vec<(String, Vec<usize>)>| -> usize {
            shapes.iter().map(|(_, shape)| shape.iter().product::<usize>()).sum()
        };
        for (kind, parameters) in [
            (&clip::KIND, count(shapes(&Clip::new(&ClipConfig::default(), &device)))),
            (
                &dinov2::KIND,
                count(shapes(&Dinov2::new(&Dinov2Config::default(), &device))),
            ),
            (
                &vgg16::KIND,
                count(shapes(&Vgg16::new(&Vgg16Config::default(), &device))),
            ),
            (&alexnet::KIND, count(shapes(&AlexNet::new(&device)))),
            (
                &lpips::ALEX,
                count(shapes(&ChannelWeights::new(Backbone::Alex, &device))),
            ),
            (&lpips::VGG, count(shapes(&ChannelWeights::new(Backbone::Vgg, &device)))),
        ] {
            let published = kind.publication.as_ref().unwrap().parameters;
            assert_eq!(parameters, published, "{}", kind.name);
        }
    }

    #[test]
    fn kinds_are_found_by_name_and_names_differ() {
        for kind in Kind::ALL {
            assert_eq!(Kind::named(kind.name).unwrap().title, kind.title);
        }
        assert!(Kind::named("clip").is_err());
    }
}
