//! PromptIR: a proxy of the paper, an all-in-one baseline. Published by Lightning: `state_dict`, and `net.` before every key.

use perceive_model::network::{NetworkConfig, PromptIrConfig};

use super::transformer::Naming;
use super::{Kind, Shapes, as_it_is, of_restorer, restorer};

pub static KIND: Kind = Kind {
    name: "promptir",
    title: "PromptIR",
    publication: None,
    page: Some("https://github.com/va1shn9v/PromptIR"),
    size: Some(("dim", "/backbone/dim")),
    bare: as_it_is,
    settings: |shapes| {
        let published = NetworkConfig::PromptIr(PromptIrConfig::default());
        restorer(NetworkConfig::PromptIr(sizes(shapes)), published)
    },
    tensors: of_restorer,
};

fn sizes(shapes: &Shapes) -> PromptIrConfig {
    let mut config = PromptIrConfig {
        backbone: super::restormer::of(shapes, Naming::RESTORMER),
        ..PromptIrConfig::default()
    };
    for level in 0..3 {
        if let Some([_, count, channels, side, _]) = shapes.shape(&format!("prompt{}.prompt_param", level + 1)) {
            config.prompt_dims[level] = *channels;
            config.prompt_sizes[level] = *side;
            config.prompt_len = *count;
        }
    }
    config.reduced = shapes.outputs("chnl_reduce3.weight").unwrap_or(config.reduced);
    config
}
