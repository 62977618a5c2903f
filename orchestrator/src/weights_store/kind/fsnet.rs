//! FSNet, a proxy of the paper. Published as `{"model": …}` in files that end in .pkl.
//!
//! Whether it takes its means over windows (its network for motion blur) no shape tells: `--set local=80` says so.

use perceive_model::network::{FsNetConfig, NetworkConfig};

use super::{Kind, Shapes, as_it_is, of_restorer, restorer};

pub static KIND: Kind = Kind {
    name: "fsnet",
    title: "FSNet",
    publication: None,
    page: Some("https://github.com/c-yn/FSNet"),
    size: Some(("base", "/base")),
    bare: as_it_is,
    settings: |shapes| {
        let published = NetworkConfig::FsNet(FsNetConfig::default());
        restorer(NetworkConfig::FsNet(sizes(shapes)), published)
    },
    tensors: of_restorer,
};

fn sizes(shapes: &Shapes) -> FsNetConfig {
    let usual = FsNetConfig::default();
    let blocks = shapes.count(|block| format!("Encoder.1.layers.{block}.conv1.main.0.weight"));
    FsNetConfig {
        base: shapes.outputs("feat_extract.0.main.0.weight").unwrap_or(usual.base),
        blocks: if blocks == 0 { usual.blocks } else { blocks },
        local: usual.local,
    }
}
