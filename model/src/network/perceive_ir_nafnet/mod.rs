//! Perceive-IR on NAFNet (Table XIII): a NAFNet whose decoder is guided by the parts that guide Restormer's.
//!
//! CFE, condition and PGM are those of [`perceive_ir`](super::perceive_ir), which know no backbone. PGCA is attention of
//! the backbone's own kind steered by Y over features of X; NAFNet's is simplified channel attention, which has no
//! queries and keys but weights made of means. So the means are Y's and the features that they weigh are X's:
//!
//! ```text
//! Y   = PGM(X, c)                                        eq. 6
//! X_m = β · W_3 (g(X) ⊙ W_s mean(g(Y))) + Y              eqs. 7 and 8
//! X'  = X_m + γ · W_5 gate(W_4 LN X_m)                   eq. 3
//! ```
//! It has no weights beyond NAFNet's, and with Y = X it is NAFNet's block. F_4 goes to the lowest level of the decoder,
//! F_1 to full resolution.

mod config;

pub use config::PerceiveIrNafnetConfig;

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};

use super::nafnet::{NafBlock, Nafnet};
use super::perceive_ir::{Cfe, Conditions, PgcaMode, Pgm, PgmScope, modulate};
use super::{Guidance, Restored, Restorer};

/// A NAFNet's weights are found under `backbone`.
#[derive(Module, Debug)]
pub struct PerceiveIrNafnet {
    backbone: Nafnet,
    /// Of each level of the decoder, from full resolution down: one a block, or one.
    pgms: Vec<Vec<Pgm>>,
    cfe: Option<Cfe>,
    needs_guidance: bool,
    shared: bool,
    steered: bool,
}

impl PerceiveIrNafnet {
    pub fn new(config: &PerceiveIrNafnetConfig, device: &Device) -> Self {
        let parts = &config.parts;
        let backbone = Nafnet::new(&config.backbone, device);
        let shared = parts.pgm_scope == PgmScope::Level;
        let of_level = |(level, &blocks): (usize, &usize)| -> Vec<Pgm> {
            let Some(condition_dim) = config.condition_dim() else {
                return Vec::new();
            };
            let channels = config.backbone.width << level;
            let pgm = |_| parts.pgm(channels, condition_dim, device);
            (0..if shared { 1 } else { blocks }).map(pgm).collect()
        };
        Self {
            backbone,
            pgms: config.backbone.decoder.iter().rev().enumerate().map(of_level).collect(),
            cfe: parts
                .cfe
                .then(|| Cfe::new(&config.cfe_widths, config.cfe_units, config.z_dim, device)),
            needs_guidance: parts.needs_guidance(),
            shared,
            steered: parts.pgca != PgcaMode::Off,
        }
    }

    /// # Shapes
    /// - image `[B, 3, H, W]` of any size
    /// - feats: F_1 to F_4, each `[B, feat_dim]`; ignored where the configuration does not use them
    /// - z `[B, z_dim]`: a Z computed before; `None` lets the CFE compute it. Ignored without a CFE.
    /// - output: the restored picture `[B, 3, H, W]`, not clamped, and Z where there is a CFE
    ///
    /// # Panics
    /// Where the configuration uses guidance and none is given.
    pub fn forward(
        &self,
        image: Tensor<4>,
        feats: Option<Guidance>,
        z: Option<Tensor<2>>,
    ) -> (Tensor<4>, Option<Tensor<2>>) {
        let Conditions { z, levels } = Conditions::new(&image, self.cfe.as_ref(), self.needs_guidance, feats, z);
        let restored = self.backbone.forward_with(image, |level, blocks, x| {
            let condition = levels[level.min(levels.len() - 1)].as_ref();
            self.decode(&self.pgms[level], blocks, x, condition)
        });
        (restored, z)
    }

    /// One level of the decoder.
    fn decode(&self, pgms: &[Pgm], blocks: &[NafBlock], x: Tensor<4>, condition: Option<&Tensor<2>>) -> Tensor<4> {
        let level_y = self.shared.then(|| modulate(pgms.first(), x.clone(), condition));
        blocks.iter().enumerate().fold(x, |x, (index, block)| {
            let own = || modulate(pgms.get(index), x.clone(), condition);
            let y = level_y.clone().unwrap_or_else(own);
            if self.steered && !pgms.is_empty() {
                block.forward_steered(x, y)
            } else {
                block.forward(y)
            }
        })
    }
}

impl Restorer for PerceiveIrNafnet {
    fn restore(&self, image: Tensor<4>, guidance: Option<Guidance>) -> Restored {
        let (image, z) = self.forward(image, guidance, None);
        Restored { image, z }
    }

    fn degradation(&self, image: Tensor<4>) -> Option<Tensor<2>> {
        self.cfe.as_ref().map(|cfe| cfe.forward(image))
    }

    fn needs_guidance(&self) -> bool {
        self.needs_guidance
    }

    fn multiple(&self) -> usize {
        1
    }

    fn last_layer(&self) -> Option<&'static str> {
        Some("backbone.ending")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{NetworkSettings, Parts, Size};
    use crate::weights::{Checkpoint, load, recipe, shapes};

    const FEAT_DIM: usize = 5;

    fn tiny(parts: Parts) -> PerceiveIrNafnetConfig {
        let mut config = PerceiveIrNafnetConfig {
            parts,
            feat_dim: FEAT_DIM,
            ..PerceiveIrNafnetConfig::sized(Size::Tiny)
        };
        config.backbone.decoder = vec![2, 1, 1, 2];
        config
    }

    fn picture(device: &Device) -> Tensor<4> {
        let values: Vec<f32> = (0..2 * 3 * 16 * 24)
            .map(|index| ((index * 37) % 101) as f32 / 101.0)
            .collect();
        Tensor::<1>::from_data(values.as_slice(), device).reshape([2, 3, 16, 24])
    }

    fn tokens(device: &Device, scale: f32) -> Guidance {
        [0.5, -1.0, 1.5, 2.0].map(|value: f32| Tensor::full([2, FEAT_DIM], value * scale, device))
    }

    fn widest(a: Tensor<4>, b: Tensor<4>) -> f32 {
        (a - b).abs().max().into_scalar()
    }

    /// Weights by recipe, so that no block is empty as new blocks are; PGMs as they are drawn (γ = 1, β = 0).
    fn network(config: &PerceiveIrNafnetConfig, drawn: &str, device: &Device) -> PerceiveIrNafnet {
        let network = PerceiveIrNafnet::new(config, device);
        let mut weights = recipe(&shapes(&network));
        let new = Checkpoint::from_module(&network).tensors.into_iter();
        weights.tensors.extend(new.filter(|(key, _)| key.starts_with(drawn)));
        load(network, &weights, "recipe").unwrap()
    }

    #[test]
    fn a_new_network_computes_what_nafnet_does() {
        let device = Device::flex();
        for pgca in [PgcaMode::Single, PgcaMode::Off] {
            for pgm_scope in [PgmScope::Block, PgmScope::Level] {
                // With one PGM a level, Y stays the level's input: equal where a level is one block.
                let mut config = tiny(Parts {
                    pgm_scope,
                    pgca,
                    ..Parts::default()
                });
                if pgm_scope == PgmScope::Level {
                    config.backbone.decoder = vec![1; 4];
                }
                let network = network(&config, "pgms.", &device);
                let expected = network.backbone.forward(picture(&device));
                let (restored, _) = network.forward(picture(&device), Some(tokens(&device, 1.0)), None);
                assert!(widest(restored, expected) < 1e-5, "{pgca:?} {pgm_scope:?}");
            }
        }
    }

    #[test]
    fn without_modulation_it_is_nafnet_to_the_last_bit() {
        let device = Device::flex();
        let config = tiny(Parts {
            cfe: false,
            guidance: false,
            pgm: false,
            ..Parts::default()
        });
        let network = network(&config, "pgms.", &device);
        let expected = network.backbone.forward(picture(&device));
        let (restored, z) = network.forward(picture(&device), None, None);
        assert_eq!(widest(restored, expected), 0.0);
        assert!(z.is_none());
    }

    #[test]
    fn each_switch_decides_what_the_picture_depends_on() {
        let device = Device::flex();
        for (cfe, guidance, pgm) in [
            (true, true, true),
            (false, true, true),
            (true, false, true),
            (false, false, true),
            (true, true, false),
            (false, true, false),
            (true, false, false),
        ] {
            for pgca in [PgcaMode::Single, PgcaMode::Off] {
                let config = tiny(Parts {
                    cfe,
                    guidance,
                    pgm,
                    pgca,
                    ..Parts::default()
                });
                let network = network(&config, "nothing", &device);
                let restored = |scale: f32, z: f32| {
                    let z = Tensor::full([2, config.z_dim], z, &device);
                    network.forward(picture(&device), Some(tokens(&device, scale)), Some(z))
                };
                let (plain, z) = restored(1.0, 1.0);
                assert_eq!(z.is_some(), cfe);
                assert_eq!(
                    widest(plain.clone(), restored(-2.0, 1.0).0) > 0.0,
                    guidance,
                    "{config:?}"
                );
                assert_eq!(widest(plain, restored(1.0, -2.0).0) > 0.0, cfe, "{config:?}");
            }
        }
    }

    #[test]
    fn attention_is_steered_by_y_and_weighs_x() {
        let device = Device::flex();
        let of = |pgca| {
            let config = tiny(Parts {
                pgca,
                ..Parts::default()
            });
            network(&config, "nothing", &device)
                .forward(picture(&device), Some(tokens(&device, 1.0)), None)
                .0
        };
        assert!(widest(of(PgcaMode::Single), of(PgcaMode::Off)) > 0.0);
    }

    #[test]
    fn a_reading_that_nafnet_does_not_have_is_refused() {
        let config = tiny(Parts {
            pgca: PgcaMode::Eq8,
            ..Parts::default()
        });
        let message = config.check().unwrap_err().to_string();
        assert!(
            message.contains("`pgca`") && message.contains("single and off"),
            "{message}"
        );
    }
}
