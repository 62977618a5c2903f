//! MambaIR, its U-Net for real denoising: a proxy of the paper.

use perceive_model::network::{MambaIrConfig, NetworkConfig};

use super::shapes::{divisor, factor};
use super::{Kind, Shapes, as_it_is, of_restorer, restorer};

pub static KIND: Kind = Kind {
    name: "mambair",
    title: "MambaIR",
    publication: None,
    page: Some("https://github.com/csguoh/MambaIR"),
    size: Some(("dim", "/dim")),
    bare: as_it_is,
    settings: |shapes| {
        let published = NetworkConfig::MambaIr(MambaIrConfig::default());
        restorer(NetworkConfig::MambaIr(sizes(shapes)), published)
    },
    tensors: of_restorer,
};

fn sizes(shapes: &Shapes) -> MambaIrConfig {
    let usual = MambaIrConfig::default();
    let dim = shapes.outputs("patch_embed.proj.weight").unwrap_or(usual.dim);
    let depth = |stack: &str| shapes.count(|block| format!("{stack}.{block}.ln_1.weight"));
    let stacks = ["encoder_level1", "encoder_level2", "encoder_level3", "latent"];
    let blocks = stacks.map(depth);
    if blocks.contains(&0) {
        return MambaIrConfig { dim, ..usual };
    }
    // Of each level: its channels, and what is made of them.
    let made = |key: &str, share: usize| -> Vec<(usize, usize)> {
        let levels = stacks.iter().enumerate();
        levels
            .filter_map(|(level, stack)| Some((dim << level, shapes.outputs(&format!("{stack}.0.{key}"))? / share)))
            .collect()
    };
    let state = shapes.inputs("encoder_level1.0.self_attention.A_logs");
    // One map makes the scan's input and its gate.
    let expansion = factor(usual.expansion, &made("self_attention.in_proj.weight", 2));
    let compress = divisor(usual.compress, &made("conv_blk.cab.0.weight", 1));
    let squeeze = divisor(usual.squeeze, &made("conv_blk.cab.3.attention.1.weight", 1));
    MambaIrConfig {
        dim,
        blocks,
        refine: depth("refinement"),
        expansion: expansion.unwrap_or(usual.expansion),
        states: state.unwrap_or(usual.states),
        compress: compress.unwrap_or(usual.compress),
        squeeze: squeeze.unwrap_or(usual.squeeze),
    }
}
