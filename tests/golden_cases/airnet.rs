//! AirNet, small: the degradation map, the restored picture, the learned representation.

use perceive_model::{
    network::{AirNet, AirNetConfig, NetworkConfig, NetworkSettings, Restorer, Size, airnet::learned},
    weights::load,
};
use serde::Deserialize;

use super::{case::Case, network, outcome::Outcome};

/// The reference's names of its settings.
#[derive(Deserialize)]
pub struct Official {
    n_groups: usize,
    n_blocks: usize,
    encoder: [usize; 3],
}

impl From<Official> for AirNetConfig {
    fn from(official: Official) -> Self {
        Self {
            groups: official.n_groups,
            blocks: official.n_blocks,
            encoder: official.encoder,
        }
    }
}

pub fn run(case: &Case) -> Outcome {
    let config: AirNetConfig = case.config::<Official>().into();
    let network = AirNet::new(&config, &case.device);
    let network = load(network, &learned(case.state()), &case.name).expect("the case's weights");
    let mut outcome = network::compare_loaded(case, 1, &network, |network, image| network.restore(image, None).image);
    let encoded = network.encode(case.tensor("__input__"));
    outcome.output("map", encoded.map, case.array("__inter__"));
    outcome.output("z", network.encode(case.tensor("__input2__")).z, case.array("__z2__"));
    let paper = NetworkConfig::AirNet(AirNetConfig::sized(Size::Paper));
    outcome.equal(
        "learned parameters at full size",
        paper.parameters() as f64,
        case.number("/full_trainable"),
    );
    outcome
}
