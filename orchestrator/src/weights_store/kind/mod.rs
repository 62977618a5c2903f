//! The networks whose weights can be imported, one file each; a new one is a file here and a line in [`Kind::ALL`].

pub mod airnet;
pub mod alexnet;
pub mod clip;
pub mod dinov2;
pub mod fsnet;
pub mod instructions;
pub mod instructir;
pub mod instructir_language;
pub mod lpips;
pub mod mambair;
pub mod mprnet;
pub mod nafnet;
pub mod perceive_ir;
pub mod perceive_ir_nafnet;
pub mod promptir;
pub mod restormer;
mod shapes;
mod transformer;
pub mod vgg16;

use perceive_model::network::{Network, NetworkConfig};
use perceive_model::weights::Checkpoint;
use serde_json::Value;

pub use shapes::Shapes;

use super::Publication;
use crate::failure::Failure;

/// Key and shape of every tensor of a network.
pub type Tensors = Vec<(String, Vec<usize>)>;

/// A network whose weights can be imported.
#[derive(Debug)]
pub struct Kind {
    /// As the command line and the store name it; a restorer's is that of the registry of networks.
    pub name: &'static str,
    /// As people name it.
    pub title: &'static str,
    /// The one file in which it is published, for a tower or a metric.
    pub publication: Option<Publication>,
    /// Where its authors say which of their files is what, for a restorer that has been published.
    pub page: Option<&'static str>,
    /// What people tell its sizes apart by: a word, and where it stands among the settings (a JSON pointer).
    pub size: Option<(&'static str, &'static str)>,
    /// Takes out what published files hold beside the network, or for parts of it that this program does not use.
    pub bare: fn(Checkpoint) -> Checkpoint,
    /// The settings that the shapes tell, and the published ones where they do not, so that comparing then names what is
    /// missing.
    pub settings: fn(&Shapes) -> Value,
    /// What a network of these settings holds; an error names the setting that is impossible.
    pub tensors: fn(&Value) -> Result<Tensors, String>,
}

impl Kind {
    pub const ALL: &[&Self] = &[
        &clip::KIND,
        &dinov2::KIND,
        &vgg16::KIND,
        &restormer::KIND,
        &nafnet::KIND,
        &mprnet::KIND,
        &airnet::KIND,
        &promptir::KIND,
        &instructir::KIND,
        &instructir_language::KIND,
        &fsnet::KIND,
        &mambair::KIND,
        &perceive_ir::KIND,
        &perceive_ir_nafnet::KIND,
        &alexnet::KIND,
        &lpips::ALEX,
        &lpips::VGG,
        &instructions::KIND,
    ];

    /// Those that an experiment with `towers = "stand-in"` has small seeded networks for.
    const WITH_STAND_IN: [&'static Self; 3] = [&clip::KIND, &dinov2::KIND, &vgg16::KIND];

    /// The kind of that name.
    pub fn named(name: &str) -> Result<&'static Self, Failure> {
        Self::find(name)
            .ok_or_else(|| Failure::unknown("kind of weights", name, Self::ALL.iter().map(|kind| kind.name)))
    }

    pub fn find(name: &str) -> Option<&'static Self> {
        Self::ALL.iter().copied().find(|kind| kind.name == name)
    }

    /// The kinds that are published as one file and found by their own name: the towers, and what metrics need.
    pub fn published() -> impl Iterator<Item = &'static Self> {
        Self::ALL.iter().copied().filter(|kind| kind.publication.is_some())
    }

    /// Whether an experiment can do without these weights.
    pub fn has_stand_in(&self) -> bool {
        Self::WITH_STAND_IN.iter().any(|kind| kind.name == self.name)
    }

    /// Whether it restores pictures, so that it can be a proxy, a medium model, a baseline.
    pub fn is_restorer(&self) -> bool {
        NetworkConfig::NAMES.contains(&self.name)
    }

    /// What the program uses it as, in one word or a few.
    pub fn role(&self) -> &'static str {
        match self {
            metric if [lpips::ALEX.name, lpips::VGG.name].contains(&metric.name) => "metric",
            tower if tower.publication.is_some() => "tower",
            restorer if restorer.is_restorer() => "restorer",
            _ => "part of a restorer",
        }
    }

    /// `width 32`; nothing where the settings do not tell.
    pub fn size_of(&self, settings: &Value) -> Option<String> {
        let (word, pointer) = self.size?;
        settings.pointer(pointer).map(|size| format!("{word} {size}"))
    }
}

/// A file of nothing but the network.
fn as_it_is(checkpoint: Checkpoint) -> Checkpoint {
    checkpoint
}

/// A restorer's settings as the store keeps them; the published ones if no network can be built of them.
fn restorer(found: NetworkConfig, published: impl Into<NetworkConfig>) -> Value {
    let settings = if found.check().is_ok() { found } else { published.into() };
    serde_json::to_value(settings).unwrap_or_default()
}

/// What a restorer of these settings holds.
fn of_restorer(settings: &Value) -> Result<Tensors, String> {
    let config: NetworkConfig = serde_json::from_value(settings.clone()).map_err(|error| error.to_string())?;
    config.check().map_err(|error| error.to_string())?;
    let network = Network::new(&config, &burn::tensor::Device::flex());
    Ok(perceive_model::weights::shapes(&network))
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use perceive_model::network::Size;
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn published_sizes_are_those_of_the_published_networks() {
        for kind in Kind::published() {
            let settings = (kind.settings)(&Shapes::of(&Checkpoint::default()));
            let tensors = (kind.tensors)(&settings).unwrap();
            let parameters: usize = tensors.iter().map(|(_, shape)| shape.iter().product::<usize>()).sum();
            let publication = kind.publication.as_ref().unwrap();
            assert_eq!(parameters, publication.parameters, "{}", kind.name);
            // Half precision at the least; beside the weights there may be a classifier.
            assert!(
                publication.bytes >= 2 * parameters as u64,
                "{}: {}",
                kind.name,
                publication.bytes
            );
        }
    }

    #[test]
    fn published_files_are_told_apart_by_their_names() {
        let files: Vec<&str> = Kind::published()
            .map(|kind| kind.publication.as_ref().unwrap().file())
            .collect();
        let distinct: std::collections::BTreeSet<_> = files.iter().collect();
        assert_eq!(distinct.len(), files.len(), "{files:?}");
    }

    #[test]
    fn kinds_are_found_by_name_and_every_network_is_one() {
        for kind in Kind::ALL {
            assert_eq!(Kind::named(kind.name).unwrap().title, kind.title);
            assert!(
                kind.is_restorer()
                    || kind.publication.is_some()
                    || ["instructir-language", "instructions"].contains(&kind.name)
            );
        }
        assert!(Kind::named("clip").is_err());
        for name in NetworkConfig::NAMES {
            assert!(Kind::named(name).unwrap().is_restorer(), "{name}");
        }
    }

    /// Of the state dicts that the authors' code makes at its published size, but for counters, copies, and what only
    /// training needs: how many tensors, and the SHA-256 of the sorted lines `KEY [SHAPE]`.
    const PUBLISHED: [(&str, usize, &str); 11] = [
        (
            "restormer",
            494,
            "d57d2671dadc520fdcd7d1027d8ca9421123bf699d2f29c07dfb7842871aa292",
        ),
        (
            "nafnet",
            664,
            "7c1849542f8ab463358837069849c4266746d44dee28d3a0ee59bd9799bf1c37",
        ),
        (
            "mprnet",
            262,
            "dc6071c449e547c229c9064d80cdf7efbcd055a7cabedda85826d7037a7d868f",
        ),
        (
            "airnet",
            515,
            "18e755c59f8c168cc09aa9bdac62737a5555477a967a255d30178aaf3b3dad60",
        ),
        (
            "promptir",
            548,
            "9aab939d10d2fd0a1072de3c7947b7b6615516b6ef5038d5deb798fdf93caadc",
        ),
        (
            "instructir",
            696,
            "d49f6607c995442af5333c85988cc7ef60f64b6fdb91f2fb37a38fd21e0f9e6a",
        ),
        (
            "fsnet",
            1000,
            "68f69bc866ce87943407ff72a0ed6ecea00c3f527ae1135e4c700afbad8a91ae",
        ),
        (
            "mambair",
            1110,
            "20f6f2216894e1c9bcec7ed19c58c14baa71e43f4bdd094f600b0191af3b379a",
        ),
        (
            "perceive-ir",
            764,
            "da7efbcb9f354060183f216d1c087e567090aefa2501eb77f9c5cef56d64a626",
        ),
        (
            "clip-vit-b32",
            302,
            "a24d24b8a6c87e77c91ea8180e0d5f9574badd1e103ab1a8611afdfe688c05d9",
        ),
        (
            "dinov2-vitb14",
            175,
            "a92fa0b7662685250e180ede2bb9acd3f62366e1d3670d7bd530a22b02ff1fec",
        ),
    ];

    #[test]
    fn networks_of_published_sizes_hold_the_published_tensors() {
        let nothing = Checkpoint::default();
        for (name, count, sha256) in PUBLISHED {
            let kind = Kind::named(name).unwrap();
            let tensors = (kind.tensors)(&(kind.settings)(&Shapes::of(&nothing))).unwrap();
            assert_eq!(tensors.len(), count, "{name}");
            let mut lines: Vec<String> = tensors
                .iter()
                .map(|(key, shape)| format!("{key} {shape:?}\n"))
                .collect();
            lines.sort();
            let hash = Sha256::digest(lines.concat());
            assert_eq!(
                hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
                sha256,
                "{name}"
            );
        }
    }

    /// The settings of a network, found in the shapes of its own weights.
    #[track_caller]
    pub fn tells(kind: &Kind, config: &NetworkConfig) {
        let weights = Checkpoint::from_module(&Network::new(config, &Device::flex()));
        let settings = (kind.settings)(&Shapes::of(&weights));
        let found: NetworkConfig = serde_json::from_value(settings.clone()).unwrap();
        assert_eq!(&found, config, "{}", kind.name);
        assert!(kind.size_of(&settings).is_some(), "{}: {settings}", kind.name);
    }

    #[test]
    fn shapes_tell_the_settings_of_every_network_at_every_size() {
        for name in NetworkConfig::NAMES {
            for size in [Size::Tiny, Size::Small] {
                let config = NetworkConfig::sized(name, size).unwrap().with_guidance_width(12);
                tells(Kind::named(name).unwrap(), &config);
            }
        }
    }

    #[test]
    fn a_checkpoint_that_tells_nothing_is_compared_with_the_published_sizes() {
        let nothing = Checkpoint::default();
        for name in NetworkConfig::NAMES {
            let settings = (Kind::named(name).unwrap().settings)(&Shapes::of(&nothing));
            let found: NetworkConfig = serde_json::from_value(settings).unwrap();
            assert_eq!(found, NetworkConfig::sized(name, Size::Paper).unwrap());
        }
    }
}
