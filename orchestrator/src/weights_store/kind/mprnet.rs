//! MPRNet, in the sizes of its denoising, deraining and deblurring networks: a medium model of Table X.

use perceive_model::network::mprnet::without_copies;
use perceive_model::network::{MprNetConfig, NetworkConfig};

use super::shapes::divisor;
use super::{Kind, Shapes, of_restorer, restorer};

pub static KIND: Kind = Kind {
    name: "mprnet",
    title: "MPRNet",
    publication: None,
    page: Some("https://github.com/swz30/MPRNet"),
    size: Some(("features", "/features")),
    bare: without_copies,
    settings: |shapes| {
        let published = NetworkConfig::MprNet(MprNetConfig::default());
        restorer(NetworkConfig::MprNet(sizes(shapes)), published)
    },
    tensors: of_restorer,
};

fn sizes(shapes: &Shapes) -> MprNetConfig {
    let usual = MprNetConfig::default();
    let features = shapes.outputs("shallow_feat1.0.weight").unwrap_or(usual.features);
    let beyond = |channels: Option<usize>, usual: usize| channels.map_or(usual, |all| all.saturating_sub(features));
    let blocks = shapes.count(|block| format!("stage3_orsnet.orb1.body.{block}.CA.conv_du.0.weight"));
    let squeezed = [
        "shallow_feat1.1",
        "stage3_orsnet.orb1.body.0",
        "stage1_encoder.encoder_level3.0",
    ];
    let squeezed: Vec<(usize, usize)> = squeezed
        .iter()
        .filter_map(|block| {
            let [made, channels, ..] = shapes.shape(&format!("{block}.CA.conv_du.0.weight"))? else {
                return None;
            };
            Some((*channels, *made))
        })
        .collect();
    MprNetConfig {
        features,
        unet_step: beyond(shapes.outputs("stage1_encoder.down12.down.1.weight"), usual.unet_step),
        original_step: beyond(shapes.inputs("tail.weight"), usual.original_step),
        blocks: if blocks == 0 { usual.blocks } else { blocks },
        reduction: divisor(usual.reduction, &squeezed).unwrap_or(usual.reduction),
        bias: shapes.has("shallow_feat1.0.bias"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights_store::kind::tests::tells;

    #[test]
    fn the_deraining_networks_size_and_biases_are_told_by_shapes() {
        let deraining = MprNetConfig {
            features: 40,
            unet_step: 20,
            original_step: 16,
            blocks: 1,
            ..MprNetConfig::default()
        };
        let biased = MprNetConfig {
            reduction: 8,
            bias: true,
            ..deraining.clone()
        };
        for config in [deraining, biased] {
            tells(&KIND, &NetworkConfig::MprNet(config));
        }
    }
}
