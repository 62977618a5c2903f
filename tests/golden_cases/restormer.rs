//! Restormer with both norms, small and at full size.

use perceive_model::network::{Network, NetworkConfig, NormKind, Restored, Restorer, RestormerConfig, whole_picture};
use serde::Deserialize;

use super::{case::Case, network, outcome::Outcome};

/// The official code's names of its settings.
#[derive(Deserialize)]
pub struct Official {
    dim: usize,
    num_blocks: [usize; 4],
    num_refinement_blocks: usize,
    heads: [usize; 4],
    ffn_expansion_factor: f64,
    bias: bool,
    #[serde(rename = "LayerNorm_type")]
    norm: String,
}

impl From<Official> for RestormerConfig {
    fn from(official: Official) -> Self {
        Self {
            dim: official.dim,
            blocks: official.num_blocks,
            heads: official.heads,
            expansion: official.ffn_expansion_factor,
            refine: official.num_refinement_blocks,
            bias: official.bias,
            norm: if official.norm == "BiasFree" {
                NormKind::BiasFree
            } else {
                NormKind::WithBias
            },
        }
    }
}

pub fn run(case: &Case) -> Outcome {
    let config: RestormerConfig = if case.json["config"].is_object() {
        case.config::<Official>().into()
    } else {
        RestormerConfig::default()
    };
    let norm = config.norm;
    let config = NetworkConfig::Restormer(config);
    let network = Network::new(&config, &case.device);
    let mut outcome = network::compare(case, 8, network.clone(), |network, image| {
        network.forward(image, None).image
    });

    let full = NetworkConfig::Restormer(RestormerConfig {
        norm,
        ..RestormerConfig::default()
    });
    outcome.equal(
        "parameters at full size",
        full.parameters() as f64,
        case.number("/full_params"),
    );
    if case.has("__input2__") {
        let network = case.load(network);
        let whole = whole_picture::restore(&network, case.tensor("__input2__"), None);
        outcome.output("whole picture", whole, case.array("__output2__"));
        let Restored { z, .. } = network.restore(case.tensor("__input__"), None);
        outcome.equal("no Z", z.is_none(), true);
    }
    outcome
}
