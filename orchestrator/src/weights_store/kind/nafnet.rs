//! NAFNet: a baseline, and what a Perceive-IR on NAFNet starts from.
//!
//! Whether it takes its means over windows (NAFNet-local) no shape tells: `--set local=256` says so.

use perceive_model::network::{NafnetConfig, NetworkConfig};

use super::{Kind, Shapes, as_it_is, of_restorer, restorer};

pub static KIND: Kind = Kind {
    name: "nafnet",
    title: "NAFNet",
    publication: None,
    page: Some("https://github.com/megvii-research/NAFNet"),
    size: Some(("width", "/width")),
    bare: as_it_is,
    settings: |shapes| {
        let published = NafnetConfig::default();
        let found = sizes(shapes, &published);
        restorer(NetworkConfig::Nafnet(found), NetworkConfig::Nafnet(published))
    },
    tensors: of_restorer,
};

/// Of a NAFNet, or of what is built on one.
pub fn sizes(shapes: &Shapes, usual: &NafnetConfig) -> NafnetConfig {
    let blocks = |stack: &str| shapes.count(|block| format!("{stack}.{block}.conv1.weight"));
    let levels = shapes.count(|level| format!("downs.{level}.weight"));
    if levels == 0 {
        return usual.clone();
    }
    NafnetConfig {
        width: shapes.outputs("intro.weight").unwrap_or(usual.width),
        encoder: (0..levels).map(|level| blocks(&format!("encoders.{level}"))).collect(),
        middle: blocks("middle_blks"),
        decoder: (0..levels).map(|level| blocks(&format!("decoders.{level}"))).collect(),
        local: usual.local,
    }
}
