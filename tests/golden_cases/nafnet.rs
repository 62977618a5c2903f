//! NAFNet, and its test-time variant with windowed means.

use perceive_model::network::{NafnetConfig, Network, NetworkConfig, NetworkSettings, Size, whole_picture};
use serde::Deserialize;

use super::{case::Case, network, outcome::Outcome};

/// The official code's names of its settings.
#[derive(Deserialize)]
struct Official {
    width: usize,
    middle_blk_num: usize,
    enc_blk_nums: Vec<usize>,
    dec_blk_nums: Vec<usize>,
    /// Batch, channels, height and width.
    train_size: Option<[usize; 4]>,
}

impl From<Official> for NafnetConfig {
    fn from(official: Official) -> Self {
        Self {
            width: official.width,
            encoder: official.enc_blk_nums,
            middle: official.middle_blk_num,
            decoder: official.dec_blk_nums,
            local: official.train_size.map_or(0, |size| size[2]),
        }
    }
}

pub fn run(case: &Case) -> Outcome {
    let config: NafnetConfig = case.config::<Official>().into();
    let network = Network::new(&NetworkConfig::Nafnet(config), &case.device);
    let mut outcome = network::compare(case, 1, network.clone(), |network, image| {
        network.forward(image, None).image
    });
    if let Some(full) = case.json["full_params"].as_f64() {
        let paper = NetworkConfig::Nafnet(NafnetConfig::sized(Size::Paper));
        outcome.equal("parameters at full size", paper.parameters() as f64, full);
    }
    if case.has("__input2__") {
        let whole = whole_picture::restore(&case.load(network), case.tensor("__input2__"), None);
        outcome.output("whole picture", whole, case.array("__output2__"));
    }
    outcome
}
