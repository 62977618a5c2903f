//! MambaIR's U-Net, small.

use perceive_model::network::{MambaIrConfig, Network, NetworkConfig, NetworkSettings, Size};
use serde::Deserialize;

use super::{case::Case, network, outcome::Outcome};

/// The official code's names of its settings.
#[derive(Deserialize)]
struct Official {
    dim: usize,
    num_blocks: [usize; 4],
    num_refinement_blocks: usize,
    mlp_ratio: f64,
    d_state: usize,
    cab_compress_ratio: usize,
    cab_squeeze_factor: usize,
}

impl From<Official> for MambaIrConfig {
    fn from(official: Official) -> Self {
        Self {
            dim: official.dim,
            blocks: official.num_blocks,
            refine: official.num_refinement_blocks,
            expansion: official.mlp_ratio,
            states: official.d_state,
            compress: official.cab_compress_ratio,
            squeeze: official.cab_squeeze_factor,
        }
    }
}

pub fn run(case: &Case) -> Outcome {
    let config: MambaIrConfig = case.config::<Official>().into();
    let network = Network::new(&NetworkConfig::MambaIr(config), &case.device);
    let mut outcome = network::compare(case, 8, network, |network, image| network.forward(image, None).image);
    let paper = NetworkConfig::MambaIr(MambaIrConfig::sized(Size::Paper));
    outcome.equal(
        "parameters at full size",
        paper.parameters() as f64,
        case.number("/counts/UNet mlp_ratio 1.5"),
    );
    outcome
}
