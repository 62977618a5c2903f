//! Perceive-IR's restoration network in its default reading, in another, and at full size.

use burn::tensor::Tensor;
use perceive_model::network::{Guidance, Network, NetworkConfig, PerceiveIrConfig, Restorer, whole_picture};

use super::{case::Case, network, outcome::Outcome};

/// F_1 to F_4 of the first pictures.
fn guidance(case: &Case, batch: usize) -> Guidance {
    let token = |index: usize| -> Tensor<2> {
        if case.has("__feats__") {
            case.tensor::<3>("__feats__").narrow(0, index, 1).squeeze_dim(0)
        } else {
            case.tensor(&format!("__feat{}__", index + 1))
        }
    };
    [0, 1, 2, 3].map(|index| token(index).narrow(0, 0, batch))
}

pub fn run(case: &Case) -> Outcome {
    let config: PerceiveIrConfig = case.config();
    let full = PerceiveIrConfig {
        pgm_scope: config.pgm_scope,
        pgm_hidden: config.pgm_hidden,
        pgm_kernel: config.pgm_kernel,
        pgca: config.pgca,
        ..PerceiveIrConfig::default()
    };
    let network = Network::new(&NetworkConfig::PerceiveIr(config), &case.device);
    let mut outcome = network::compare(case, 8, network.clone(), |network, image| {
        let guidance = guidance(case, image.dims()[0]);
        network.forward(image, Some(guidance)).image
    });

    if case.name != "perceive_ir_level_eq8" {
        outcome.equal(
            "parameters at full size",
            NetworkConfig::PerceiveIr(full).parameters() as f64,
            case.number("/full_params"),
        );
    }
    let network = case.load(network);
    let image = case.tensor::<4>("__input__");
    let restored = network.forward(image.clone(), Some(guidance(case, image.dims()[0])));
    let z = restored.z.expect("a Z");
    outcome.output("Z", z.clone(), case.array("__z__"));
    outcome.output(
        "Z of the CFE alone",
        network.degradation(image).expect("a Z"),
        case.array("__z__"),
    );
    if case.has("__input2__") {
        let whole = whole_picture::restore(&network, case.tensor("__input2__"), Some(guidance(case, 1)));
        outcome.output("whole picture", whole, case.array("__output2__"));
    }
    outcome
}
