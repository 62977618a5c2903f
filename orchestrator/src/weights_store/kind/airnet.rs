//! AirNet, an all-in-one baseline. Its files also hold what only its training needs: the encoder's moving average, and
//! a queue.

use perceive_model::network::airnet::learned;
use perceive_model::network::{AirNetConfig, NetworkConfig};

use super::{Kind, Shapes, of_restorer, restorer};

pub static KIND: Kind = Kind {
    name: "airnet",
    title: "AirNet",
    publication: None,
    page: Some("https://github.com/XLearning-SCU/2022-CVPR-AirNet"),
    size: Some(("width", "/encoder/0")),
    bare: learned,
    settings: |shapes| {
        let published = NetworkConfig::AirNet(AirNetConfig::default());
        restorer(NetworkConfig::AirNet(sizes(shapes)), published)
    },
    tensors: of_restorer,
};

fn sizes(shapes: &Shapes) -> AirNetConfig {
    let usual = AirNetConfig::default();
    let groups = shapes.count(|group| format!("R.body.{group}.body.0.conv1.weight"));
    if groups == 0 {
        return usual;
    }
    let widths = ["E_pre", "E.0", "E.1"].map(|block| format!("E.E.encoder_q.{block}.backbone.0.weight"));
    let mut encoder = usual.encoder;
    for (width, key) in encoder.iter_mut().zip(&widths) {
        *width = shapes.outputs(key).unwrap_or(*width);
    }
    AirNetConfig {
        groups,
        blocks: shapes.count(|block| format!("R.body.0.body.{block}.conv1.weight")),
        encoder,
    }
}
