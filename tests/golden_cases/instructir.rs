//! InstructIR, small, and its language head.

use burn::tensor::Tensor;
use perceive_model::{
    network::{
        InstructIr, InstructIrConfig, NafnetConfig, NetworkConfig, NetworkSettings, Size, instructir::LanguageHead,
    },
    weights::{Checkpoint, load},
};
use serde::Deserialize;

use super::{case::Case, network, outcome::Outcome};

/// The official code's names of its settings.
#[derive(Deserialize)]
struct Official {
    width: usize,
    enc_blks: Vec<usize>,
    middle_blk_num: usize,
    dec_blks: Vec<usize>,
    txtdim: usize,
}

impl From<Official> for InstructIrConfig {
    fn from(official: Official) -> Self {
        Self {
            backbone: NafnetConfig {
                width: official.width,
                encoder: official.enc_blks,
                middle: official.middle_blk_num,
                decoder: official.dec_blks,
                local: 0,
            },
            text_dim: official.txtdim,
            instruction: Vec::new(),
            instructions: Vec::new(),
        }
    }
}

pub fn run(case: &Case) -> Outcome {
    let config: InstructIrConfig = case.config::<Official>().into();
    let network = InstructIr::new(&config, &case.device);
    let instructions: Tensor<2> = case.tensor("__emb__");
    let mut outcome = network::compare(case, 1, network, |network, image| {
        let batch = image.dims()[0];
        network.forward(image, &instructions.clone().narrow(0, 0, batch))
    });
    let paper = NetworkConfig::InstructIr(InstructIrConfig::sized(Size::Paper));
    outcome.equal(
        "parameters at full size",
        paper.parameters() as f64,
        case.number("/full_params"),
    );

    let size = |name: &str| case.number(&format!("/lm_head/{name}")) as usize;
    let head = LanguageHead::new(
        size("embedding_dim"),
        size("hidden_dim"),
        size("num_classes"),
        &case.device,
    );
    let head = load(head, &language_head(case), &case.name).expect("the case's language head");
    let (embedding, kinds) = head.forward(case.tensor("__txt__"));
    outcome.output("instructions", embedding, case.array("__emb__"));
    outcome.output("kinds", kinds, case.array("__deg__"));
    outcome
}

/// Its weights have names of their own in the case: `__lm_head__.fc1.weight`.
fn language_head(case: &Case) -> Checkpoint {
    let named = case.tensors.iter().filter_map(|(name, array)| {
        let key = name.strip_prefix("__lm_head__.")?;
        Some((key.to_owned(), array.clone()))
    });
    Checkpoint {
        tensors: named.collect(),
        ..Checkpoint::default()
    }
}
