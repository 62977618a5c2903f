//! Perceive-IR's restoration network (Fig. 3, eqs. 2 to 8): a Restormer whose latent and decoder are guided.
//!
//! The degradation representation Z (CFE) and the DINOv2 tokens F_1 to F_4 of the degraded picture modulate the
//! features (PGM), and the modulated features steer the attention (PGCA). F_4 goes to the latent, F_1 to decoder level 1.
//! What is left when a component is switched off (Table VI) stands at [`PerceiveIrConfig`].

mod backbone;
mod cfe;
mod condition;
mod config;
mod etb;
mod parts;
mod pgca;
mod pgm;

pub(super) use backbone::{from_restormer, is_own};
pub use cfe::Cfe;
pub use condition::Conditions;
pub use config::PerceiveIrConfig;
pub use parts::{Parts, PgcaMode, PgmScope};
pub use pgca::Pgca;
pub use pgm::{Pgm, modulate};

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};

use self::etb::{Level, TransformerBlock};
use super::convolution::{dense, pointwise};
use super::pixel_shuffle::{pixel_shuffle, pixel_unshuffle};
use super::recompute::recomputed;
use super::{Guidance, Restored, Restorer};
use crate::layer::Conv2d;

#[derive(Module, Debug)]
pub struct PerceiveIr {
    patch_embed: Conv2d,
    encoder_level1: Vec<TransformerBlock>,
    down1_2: [Conv2d; 1],
    encoder_level2: Vec<TransformerBlock>,
    down2_3: [Conv2d; 1],
    encoder_level3: Vec<TransformerBlock>,
    down3_4: [Conv2d; 1],
    latent: Level,
    up4_3: [Conv2d; 1],
    reduce_chan_level3: Conv2d,
    decoder_level3: Level,
    up3_2: [Conv2d; 1],
    reduce_chan_level2: Conv2d,
    decoder_level2: Level,
    up2_1: [Conv2d; 1],
    decoder_level1: Level,
    refinement: Vec<TransformerBlock>,
    output: Conv2d,
    cfe: Option<Cfe>,
    needs_guidance: bool,
}

fn through(blocks: &[TransformerBlock], x: Tensor<4>) -> Tensor<4> {
    blocks
        .iter()
        .fold(x, |x, block| recomputed(block, x, TransformerBlock::forward))
}

/// `[B, C, H, W]` to `[B, 2C, H/2, W/2]`.
fn down(convolution: &[Conv2d; 1], x: Tensor<4>) -> Tensor<4> {
    pixel_unshuffle(convolution[0].forward(x), 2)
}

/// `[B, C, H, W]` to `[B, C/2, 2H, 2W]`.
fn up(convolution: &[Conv2d; 1], x: Tensor<4>) -> Tensor<4> {
    pixel_shuffle(convolution[0].forward(x), 2)
}

impl PerceiveIr {
    pub fn new(config: &PerceiveIrConfig, device: &Device) -> Self {
        let PerceiveIrConfig { dim, blocks, heads, .. } = *config;
        let conv = |inputs: usize, outputs: usize| dense(inputs, outputs, 1, false, device);
        let stack = |count: usize, channels: usize, heads: usize| -> Vec<_> {
            (0..count)
                .map(|_| TransformerBlock::new(channels, heads, config.expansion, device))
                .collect()
        };
        let level = |count, channels, heads| Level::new(count, channels, heads, config, device);
        Self {
            patch_embed: conv(3, dim),
            encoder_level1: stack(blocks[0], dim, heads[0]),
            down1_2: [conv(dim, dim / 2)],
            encoder_level2: stack(blocks[1], 2 * dim, heads[1]),
            down2_3: [conv(2 * dim, dim)],
            encoder_level3: stack(blocks[2], 4 * dim, heads[2]),
            down3_4: [conv(4 * dim, 2 * dim)],
            latent: level(blocks[3], 8 * dim, heads[3]),
            up4_3: [conv(8 * dim, 16 * dim)],
            reduce_chan_level3: pointwise(8 * dim, 4 * dim, false, device),
            decoder_level3: level(blocks[2], 4 * dim, heads[2]),
            up3_2: [conv(4 * dim, 8 * dim)],
            reduce_chan_level2: pointwise(4 * dim, 2 * dim, false, device),
            decoder_level2: level(blocks[1], 2 * dim, heads[1]),
            up2_1: [conv(2 * dim, 4 * dim)],
            decoder_level1: level(blocks[0], 2 * dim, heads[0]),
            refinement: stack(config.refine, 2 * dim, heads[0]),
            output: conv(2 * dim, 3),
            cfe: config
                .cfe
                .then(|| Cfe::new(&config.cfe_widths, config.cfe_units, config.z_dim, device)),
            needs_guidance: config.needs_guidance(),
        }
    }

    /// # Shapes
    /// - image `[B, 3, H, W]`, H and W multiples of 8
    /// - feats: F_1 to F_4, each `[B, feat_dim]`; ignored where the configuration does not use them
    /// - z `[B, z_dim]`: a Z computed before; `None` lets the CFE compute it. Ignored without a CFE.
    /// - output: the restored picture `[B, 3, H, W]`, not clamped, and Z where there is a CFE
    ///
    /// # Panics
    /// Where the configuration uses guidance and none is given.
    pub fn forward(
        &self,
        image: Tensor<4>,
        feats: Option<[Tensor<2>; 4]>,
        z: Option<Tensor<2>>,
    ) -> (Tensor<4>, Option<Tensor<2>>) {
        let Conditions { z, levels } = Conditions::new(&image, self.cfe.as_ref(), self.needs_guidance, feats, z);
        let [c1, c2, c3, c4] = levels;

        let skip1 = through(&self.encoder_level1, self.patch_embed.forward(image.clone())); // [B, C, H, W]
        let skip2 = through(&self.encoder_level2, down(&self.down1_2, skip1.clone())); // [B, 2C, H/2, W/2]
        let skip3 = through(&self.encoder_level3, down(&self.down2_3, skip2.clone())); // [B, 4C, H/4, W/4]
        let x = self.latent.forward(down(&self.down3_4, skip3.clone()), c4); // [B, 8C, H/8, W/8]

        let x = self
            .reduce_chan_level3
            .forward(Tensor::cat(vec![up(&self.up4_3, x), skip3], 1));
        let x = self.decoder_level3.forward(x, c3);
        let x = self
            .reduce_chan_level2
            .forward(Tensor::cat(vec![up(&self.up3_2, x), skip2], 1));
        let x = self.decoder_level2.forward(x, c2);
        let x = Tensor::cat(vec![up(&self.up2_1, x), skip1], 1); // level 1 keeps both halves: [B, 2C, H, W]
        let x = through(&self.refinement, self.decoder_level1.forward(x, c1));
        (self.output.forward(x) + image, z)
    }
}

impl Restorer for PerceiveIr {
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{NetworkSettings, Restormer, RestormerConfig, Size};
    use crate::weights::{Checkpoint, load, recipe, shapes};

    const FEAT_DIM: usize = 5;

    fn tiny() -> PerceiveIrConfig {
        PerceiveIrConfig {
            feat_dim: FEAT_DIM,
            ..PerceiveIrConfig::sized(Size::Tiny)
        }
    }

    fn picture(device: &Device) -> Tensor<4> {
        let values: Vec<f32> = (0..2 * 3 * 16 * 8)
            .map(|index| ((index * 37) % 101) as f32 / 101.0)
            .collect();
        Tensor::<1>::from_data(values.as_slice(), device).reshape([2, 3, 16, 8])
    }

    fn tokens(device: &Device, scale: f32) -> Guidance {
        [0.5, -1.0, 1.5, 2.0].map(|value: f32| Tensor::full([2, FEAT_DIM], value * scale, device))
    }

    fn widest(a: Tensor<4>, b: Tensor<4>) -> f32 {
        (a - b).abs().max().into_scalar()
    }

    #[test]
    fn without_modulation_it_is_restormer() {
        let device = Device::flex();
        let restormer = Restormer::new(&RestormerConfig::sized(Size::Tiny), &device);
        let expected = restormer.forward(picture(&device));
        for pgca in [PgcaMode::Single, PgcaMode::Off] {
            let config = PerceiveIrConfig {
                pgca,
                pgm: false,
                cfe: false,
                guidance: false,
                ..tiny()
            };
            let weights = from_restormer(&Checkpoint::from_module(&restormer), pgca);
            let network = load(PerceiveIr::new(&config, &device), &weights, "memory").unwrap();
            let (restored, z) = network.forward(picture(&device), None, None);
            assert!(widest(restored, expected.clone()) < 1e-5, "{pgca:?}");
            assert!(z.is_none());
        }
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
            for pgm_scope in [PgmScope::Block, PgmScope::Level] {
                let config = PerceiveIrConfig {
                    pgm_scope,
                    cfe,
                    guidance,
                    pgm,
                    ..tiny()
                };
                let network = PerceiveIr::new(&config, &device);
                // As they are drawn, PGMs give X whatever they are told.
                let weights = recipe(&shapes(&network));
                let network = load(network, &weights, "recipe").unwrap();
                let restored = |scale: f32, z: f32| {
                    let z = Tensor::full([2, config.z_dim], z, &device);
                    network.forward(picture(&device), Some(tokens(&device, scale)), Some(z))
                };
                let (plain, z) = restored(1.0, 1.0);
                assert_eq!(z.is_some(), cfe);
                assert_eq!(network.needs_guidance(), guidance);
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
    fn the_components_of_table_vi_make_six_different_networks() {
        let device = Device::flex();
        let mut seen = Vec::new();
        // DINOv2, PGM, CFE of rows (a, b), (c, f), (d), (e), (g, i), (h, j).
        for (guidance, pgm, cfe) in [
            (false, false, false),
            (true, false, false),
            (false, true, false),
            (false, false, true),
            (false, true, true),
            (true, true, true),
        ] {
            let config = PerceiveIrConfig {
                cfe,
                guidance,
                pgm,
                ..tiny()
            };
            let network = PerceiveIr::new(&config, &device);
            let keys: Vec<String> = Checkpoint::from_module(&network)
                .tensors
                .into_iter()
                .map(|(key, array)| format!("{key} {:?}", array.shape))
                .collect();
            assert!(!seen.contains(&keys), "{config:?}");
            seen.push(keys);
            // Whatever is added, the network starts as its backbone: γ = 1 and β = 0.
            let z = Some(Tensor::full([2, config.z_dim], 3.0, &device));
            let told = network.forward(picture(&device), Some(tokens(&device, 1.0)), z).0;
            let z = Some(Tensor::full([2, config.z_dim], -1.0, &device));
            let other = network.forward(picture(&device), Some(tokens(&device, -3.0)), z).0;
            assert_eq!(widest(told, other), 0.0, "{config:?}");
        }
    }

    #[test]
    fn a_given_z_replaces_the_cfe() {
        let device = Device::flex();
        let network = PerceiveIr::new(&tiny(), &device);
        let z = network.degradation(picture(&device)).unwrap();
        assert_eq!(z.dims(), [2, tiny().z_dim]);
        let (own, _) = network.forward(picture(&device), Some(tokens(&device, 1.0)), None);
        let (given, _) = network.forward(picture(&device), Some(tokens(&device, 1.0)), Some(z));
        assert_eq!(widest(own, given), 0.0);
    }

    #[test]
    #[should_panic(expected = "needs DINOv2 tokens")]
    fn a_guided_network_asks_for_its_tokens() {
        let device = Device::flex();
        PerceiveIr::new(&tiny(), &device).forward(picture(&device), None, None);
    }
}
