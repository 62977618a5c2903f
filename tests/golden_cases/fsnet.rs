//! FSNet, small: the pictures at its three resolutions, with means over the picture and over windows.

use perceive_model::network::{FsNet, FsNetConfig, NetworkConfig, NetworkSettings, Size};
use serde::Deserialize;

use super::{case::Case, network, outcome::Outcome};

/// The reference's names of its settings.
#[derive(Deserialize)]
struct Official {
    base_channel: usize,
    num_res: usize,
}

pub fn run(case: &Case) -> Outcome {
    let Official { base_channel, num_res } = case.config();
    let config = FsNetConfig {
        base: base_channel,
        blocks: num_res,
        local: if case.name == "fsnet_local" { 210 } else { 0 },
    };
    let network = case.load(FsNet::new(&config, &case.device));
    let mut outcome = network::compare_loaded(case, 8, &network, |network, image| {
        let [_, _, full] = network.scales(image);
        full
    });
    let [quarter, half, _] = network.scales(case.tensor("__input__"));
    outcome.output("a quarter", quarter, case.array("__output_quarter__"));
    outcome.output("a half", half, case.array("__output_half__"));
    let paper = NetworkConfig::FsNet(FsNetConfig::sized(Size::Paper));
    outcome.equal(
        "parameters at full size",
        paper.parameters() as f64,
        case.number("/full_params"),
    );
    outcome
}
