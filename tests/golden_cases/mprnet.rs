//! MPRNet, small: the pictures of its three stages.

use perceive_model::{
    network::{MprNet, MprNetConfig, NetworkConfig, NetworkSettings, Size, mprnet::without_copies},
    weights::load,
};
use serde::Deserialize;

use super::{case::Case, network, outcome::Outcome};

/// The official code's names of its settings.
#[derive(Deserialize)]
struct Official {
    n_feat: usize,
    scale_unetfeats: usize,
    scale_orsnetfeats: usize,
    num_cab: usize,
    reduction: usize,
    bias: bool,
}

impl From<Official> for MprNetConfig {
    fn from(official: Official) -> Self {
        Self {
            features: official.n_feat,
            unet_step: official.scale_unetfeats,
            original_step: official.scale_orsnetfeats,
            blocks: official.num_cab,
            reduction: official.reduction,
            bias: official.bias,
        }
    }
}

pub fn run(case: &Case) -> Outcome {
    let config: MprNetConfig = case.config::<Official>().into();
    let network = MprNet::new(&config, &case.device);
    let network = load(network, &without_copies(case.state()), &case.name).expect("the case's weights");
    let mut outcome = network::compare_loaded(case, 8, &network, |network, image| {
        let [_, _, third] = network.stages(image);
        third
    });
    let [first, second, _] = network.stages(case.tensor("__input__"));
    outcome.output("stage 1", first, case.array("__output_stage1__"));
    outcome.output("stage 2", second, case.array("__output_stage2__"));
    let paper = NetworkConfig::MprNet(MprNetConfig::sized(Size::Paper));
    outcome.equal(
        "parameters at full size",
        paper.parameters() as f64,
        case.number("/full_params"),
    );
    outcome
}
