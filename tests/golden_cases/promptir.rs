//! PromptIR, small, with its decoder's prompts.

use perceive_model::network::{Network, NetworkConfig, NetworkSettings, PromptIrConfig, Size};
use serde_json::Value;

use super::{case::Case, network, outcome::Outcome, restormer};

/// Three numbers of the description.
fn three(values: &Value) -> [usize; 3] {
    std::array::from_fn(|index| values[index].as_u64().expect("a number") as usize)
}

pub fn run(case: &Case) -> Outcome {
    let config = PromptIrConfig {
        backbone: case.config::<restormer::Official>().into(),
        prompt_dims: three(&case.json["prompt_dims"]),
        prompt_sizes: three(&case.json["prompt_sizes"]),
        prompt_len: case.number("/prompt_len") as usize,
        reduced: case.number("/chnl_reduce3_out") as usize,
    };
    let network = Network::new(&NetworkConfig::PromptIr(config), &case.device);
    let mut outcome = network::compare(case, 8, network, |network, image| network.forward(image, None).image);
    let paper = NetworkConfig::PromptIr(PromptIrConfig::sized(Size::Paper));
    outcome.equal(
        "parameters at full size",
        paper.parameters() as f64,
        case.number("/full_params"),
    );
    outcome
}
