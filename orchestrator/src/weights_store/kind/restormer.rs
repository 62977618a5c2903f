//! Restormer, trained by its authors or by anybody else, in any size: a medium model, a proxy, or what a Perceive-IR
//! starts from.

use perceive_model::network::{NetworkConfig, NormKind, RestormerConfig};

use super::transformer::{Naming, sizes};
use super::{Kind, Shapes, as_it_is, of_restorer, restorer};

pub static KIND: Kind = Kind {
    name: "restormer",
    title: "Restormer",
    publication: None,
    page: Some("https://github.com/swz30/Restormer"),
    size: Some(("dim", "/dim")),
    bare: as_it_is,
    settings: |shapes| {
        let found = of(shapes, Naming::RESTORMER);
        restorer(
            NetworkConfig::Restormer(found),
            NetworkConfig::Restormer(RestormerConfig::default()),
        )
    },
    tensors: of_restorer,
};

/// With which norm, and whether convolutions have biases.
pub fn of(shapes: &Shapes, naming: Naming) -> RestormerConfig {
    let mut config = sizes(shapes, naming, &RestormerConfig::default());
    config.bias = shapes.has("output.bias");
    if shapes.has("encoder_level1.0.norm1.body.weight") && !shapes.has("encoder_level1.0.norm1.body.bias") {
        config.norm = NormKind::BiasFree;
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights_store::kind::tests::tells;

    #[test]
    fn norms_biases_heads_and_widths_are_told_by_shapes() {
        let tiny = RestormerConfig {
            dim: 8,
            blocks: [1, 2, 3, 1],
            refine: 2,
            ..RestormerConfig::default()
        };
        let biased = RestormerConfig {
            heads: [2, 2, 4, 4],
            expansion: 2.7,
            bias: true,
            norm: NormKind::BiasFree,
            refine: 0,
            ..tiny.clone()
        };
        for config in [tiny, biased] {
            tells(&KIND, &NetworkConfig::Restormer(config));
        }
    }
}
