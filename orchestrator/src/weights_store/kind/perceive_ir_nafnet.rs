//! Perceive-IR on NAFNet, as this program trains it. Its PGCA has no weights, so no shape tells it: `single`, or what
//! `--set parts.pgca=off` says.

use perceive_model::network::perceive_ir::{Parts, PgmScope};
use perceive_model::network::{NetworkConfig, PerceiveIrNafnetConfig};

use super::{Kind, Shapes, as_it_is, of_restorer, restorer};

pub static KIND: Kind = Kind {
    name: "perceive-ir-nafnet",
    title: "Perceive-IR on NAFNet",
    publication: None,
    page: None,
    size: Some(("width", "/backbone/width")),
    bare: as_it_is,
    settings: |shapes| {
        let published = NetworkConfig::PerceiveIrNafnet(PerceiveIrNafnetConfig::default());
        restorer(NetworkConfig::PerceiveIrNafnet(sizes(shapes)), published)
    },
    tensors: of_restorer,
};

fn sizes(shapes: &Shapes) -> PerceiveIrNafnetConfig {
    let usual = PerceiveIrNafnetConfig::default();
    if !shapes.has("backbone.intro.weight") {
        return usual;
    }
    let backbone = super::nafnet::sizes(&shapes.under("backbone."), &usual.backbone);
    // PGMs count levels from full resolution down, decoders from the lowest level up.
    let per_block = backbone.decoder.iter().rev().enumerate().all(|(level, blocks)| {
        let there = shapes.count(|pgm| format!("pgms.{level}.{pgm}.beta_fc.weight"));
        there == 0 || there == *blocks
    });
    let own = super::perceive_ir::parts(shapes, "pgms.0.0.", backbone.width);
    PerceiveIrNafnetConfig {
        backbone,
        parts: Parts {
            pgm_scope: if per_block { PgmScope::Block } else { PgmScope::Level },
            ..own.parts
        },
        feat_dim: own.feat_dim,
        z_dim: own.z_dim,
        cfe_widths: own.cfe_widths,
        cfe_units: own.cfe_units,
    }
}
