//! Perceive-IR on Restormer, as this program trains it.

use perceive_model::network::perceive_ir::{Parts, PgcaMode, PgmScope};
use perceive_model::network::{NetworkConfig, PerceiveIrConfig, RestormerConfig};

use super::transformer::{self, Naming};
use super::{Kind, Shapes, as_it_is, of_restorer, restorer};

pub static KIND: Kind = Kind {
    name: "perceive-ir",
    title: "Perceive-IR",
    publication: None,
    page: None,
    size: Some(("dim", "/dim")),
    bare: as_it_is,
    settings: |shapes| {
        let published = NetworkConfig::PerceiveIr(PerceiveIrConfig::default());
        restorer(NetworkConfig::PerceiveIr(sizes(shapes)), published)
    },
    tensors: of_restorer,
};

fn sizes(shapes: &Shapes) -> PerceiveIrConfig {
    let usual = PerceiveIrConfig::default();
    let without_pgca = shapes.has("latent.blocks.0.mdta.temperature");
    let naming = Naming {
        embedding: "patch_embed.weight",
        norm: "norm1.weight",
        latent: "latent.blocks",
        attention: if without_pgca { "mdta" } else { "attn" },
    };
    let backbone = transformer::sizes(shapes, naming, &RestormerConfig::default());
    let pgca = if without_pgca {
        PgcaMode::Off
    } else if shapes.has("latent.blocks.0.attn.mdta.temperature") {
        PgcaMode::Eq8
    } else {
        PgcaMode::Single
    };
    let mut config = PerceiveIrConfig {
        dim: backbone.dim,
        blocks: backbone.blocks,
        heads: backbone.heads,
        expansion: backbone.expansion,
        refine: backbone.refine,
        ..usual
    };
    let own = if shapes.has("latent.pgm.beta_fc.weight") {
        (PgmScope::Level, "latent.pgm.")
    } else {
        (PgmScope::Block, "latent.blocks.0.pgm.")
    };
    if shapes.has("latent.blocks.0.norm1.weight") {
        let (pgm_scope, prefix) = own;
        let parts = parts(shapes, prefix, 8 * config.dim);
        config.cfe_widths = parts.cfe_widths;
        config.cfe_units = parts.cfe_units;
        config.z_dim = parts.z_dim;
        config.feat_dim = parts.feat_dim;
        let of = NetworkConfig::PerceiveIr(config.clone()).with_parts(&Parts {
            pgm_scope,
            pgca,
            ..parts.parts
        });
        if let NetworkConfig::PerceiveIr(with_parts) = of {
            config = with_parts;
        }
    }
    config
}

/// What Perceive-IR has beside its backbone, whichever that is.
pub struct Own {
    pub parts: Parts,
    pub feat_dim: usize,
    pub z_dim: usize,
    pub cfe_widths: Vec<usize>,
    pub cfe_units: usize,
}

/// Told by the CFE, and by the PGM whose keys begin with `pgm`, of a level of so many channels.
pub fn parts(shapes: &Shapes, pgm: &str, channels: usize) -> Own {
    let usual = PerceiveIrConfig::default();
    let blocks = shapes.count(|block| format!("cfe.down.{block}.conv1.weight"));
    let width = |block: usize| shapes.outputs(&format!("cfe.down.{block}.conv1.weight"));
    let cfe = blocks > 0;
    let z_dim = shapes.outputs("cfe.fc2.weight").unwrap_or(usual.z_dim);
    let [hidden, told] = match shapes.shape(&format!("{pgm}beta_fc.weight")) {
        Some([hidden, told]) => [*hidden, *told],
        _ => [channels, 0],
    };
    // Z comes first, then DINOv2's token; a PGM that is told nothing is told a constant.
    let token = told.saturating_sub(if cfe { z_dim } else { 0 });
    let guidance = token > usize::from(!cfe);
    let kernel = shapes.shape(&format!("{pgm}beta_conv.weight"));
    Own {
        parts: Parts {
            cfe,
            guidance,
            pgm: shapes.has(&format!("{pgm}gamma_fc.weight")),
            pgm_hidden: if hidden == channels { 0 } else { hidden },
            pgm_kernel: kernel.and_then(|shape| shape.get(2).copied()).unwrap_or(1),
            ..Parts::default()
        },
        feat_dim: if guidance { token } else { usual.feat_dim },
        z_dim,
        cfe_widths: if cfe {
            (0..blocks).filter_map(width).collect()
        } else {
            usual.cfe_widths
        },
        cfe_units: if cfe {
            shapes.count(|unit| format!("cfe.units.{unit}.conv1.weight"))
        } else {
            usual.cfe_units
        },
    }
}

#[cfg(test)]
mod tests {
    use perceive_model::network::{NetworkSettings, Size};

    use super::*;
    use crate::weights_store::kind::tests::tells;

    #[test]
    fn parts_and_readings_are_told_by_keys_and_shapes() {
        let tiny = PerceiveIrConfig {
            feat_dim: 10,
            ..PerceiveIrConfig::sized(Size::Tiny)
        };
        let unguided = PerceiveIrConfig {
            guidance: false,
            pgca: PgcaMode::Off,
            pgm_kernel: 3,
            feat_dim: PerceiveIrConfig::default().feat_dim,
            ..tiny.clone()
        };
        let literal = PerceiveIrConfig {
            pgca: PgcaMode::Eq8,
            pgm_scope: PgmScope::Level,
            pgm_hidden: 7,
            pgm: false,
            ..tiny.clone()
        };
        for config in [tiny, unguided, literal] {
            tells(&KIND, &NetworkConfig::PerceiveIr(config));
        }
    }
}
