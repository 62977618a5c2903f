//! InstructIR's picture model, a proxy of the paper. The instruction that it follows is no part of the file:
//! `--config FILE` or `--set instruction=[…]` gives its embedding, as the [language head](super::instructir_language)
//! makes it.

use perceive_model::network::{InstructIrConfig, NetworkConfig};

use super::{Kind, Shapes, as_it_is, of_restorer, restorer};

pub static KIND: Kind = Kind {
    name: "instructir",
    title: "InstructIR",
    publication: None,
    page: Some("https://github.com/mv-lab/InstructIR"),
    size: Some(("width", "/backbone/width")),
    bare: as_it_is,
    settings: |shapes| {
        let published = NetworkConfig::InstructIr(InstructIrConfig::default());
        restorer(NetworkConfig::InstructIr(sizes(shapes)), published)
    },
    tensors: of_restorer,
};

fn sizes(shapes: &Shapes) -> InstructIrConfig {
    let usual = InstructIrConfig::default();
    InstructIrConfig {
        backbone: super::nafnet::sizes(shapes, &usual.backbone),
        text_dim: shapes.inputs("enc_cond.0.fc.weight").unwrap_or(usual.text_dim),
        instruction: usual.instruction,
        instructions: usual.instructions,
    }
}
