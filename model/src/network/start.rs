//! A network may start from weights that there are: from those of its own kind, or a Perceive-IR from its backbone's.
//!
//! The sizes are then those of the weights. What a Perceive-IR has beside its backbone stays as it is drawn, with γ = 1 and
//! β = 0 (eq. 6), so that it first computes what its backbone does: in block scope, with `pgca` single or off. With one PGM
//! a level, later blocks of a level are given the level's first features, so only levels of one block do.

use burn::tensor::Device;

use super::perceive_ir::{self, PgcaMode};
use super::{ConfigError, Network, NetworkConfig, NormKind, PerceiveIrConfig, RestormerConfig};
use crate::weights::{Checkpoint, WeightsError, fit, load, shapes};

/// Weights, and of what network they are.
#[derive(Clone, Debug)]
pub struct Start {
    pub of: NetworkConfig,
    pub weights: Checkpoint,
    /// What an error calls them.
    pub origin: String,
}

impl NetworkConfig {
    /// These settings with the sizes of a network `of` whose weights are there to start from.
    ///
    /// # Errors
    /// The setting `start_from`, where this network cannot take over such weights.
    pub fn starting_from(&self, of: &Self) -> Result<Self, ConfigError> {
        match (self, of) {
            (Self::PerceiveIr(config), Self::Restormer(backbone)) => {
                on_restormer(config, backbone).map(Self::PerceiveIr)
            }
            (Self::PerceiveIrNafnet(config), Self::Nafnet(backbone)) => {
                let mut config = config.clone();
                config.backbone = backbone.clone();
                Ok(Self::PerceiveIrNafnet(config))
            }
            // Which parts it has, and what guides it, is asked of the experiment.
            (Self::PerceiveIr(config), Self::PerceiveIr(_)) => Ok(of
                .clone()
                .with_parts(&config.parts())
                .with_guidance_width(config.feat_dim)),
            (Self::PerceiveIrNafnet(config), Self::PerceiveIrNafnet(_)) => Ok(of
                .clone()
                .with_parts(&config.parts)
                .with_guidance_width(config.feat_dim)),
            _ if self.name() == of.name() => Ok(of.clone()),
            _ => Err(cannot(format!(
                "a {} cannot start from the weights of a {}; {}",
                self.name(),
                of.name(),
                match self {
                    Self::PerceiveIr(_) => "those of a restormer or a perceive-ir are possible",
                    Self::PerceiveIrNafnet(_) => "those of a nafnet or a perceive-ir-nafnet are possible",
                    _ => "its own kind's are possible",
                }
            ))),
        }
    }
}

fn cannot(problem: String) -> ConfigError {
    ConfigError::Setting {
        key: "start_from",
        problem,
    }
}

fn on_restormer(config: &PerceiveIrConfig, backbone: &RestormerConfig) -> Result<PerceiveIrConfig, ConfigError> {
    if backbone.norm != NormKind::WithBias || backbone.bias {
        let what = if backbone.bias {
            "convolutions have"
        } else {
            "norms lack"
        };
        return Err(cannot(format!(
            "this Restormer's {what} biases, which is not so in Perceive-IR: take a Restormer with `norm = \"with-bias\"` and \
             `bias = false`"
        )));
    }
    if config.pgca == PgcaMode::Eq8 {
        return Err(cannot(
            "`pgca = \"eq8\"` puts a second attention into each block, which no Restormer has; single and off are possible"
                .into(),
        ));
    }
    Ok(PerceiveIrConfig {
        dim: backbone.dim,
        blocks: backbone.blocks,
        heads: backbone.heads,
        expansion: backbone.expansion,
        refine: backbone.refine,
        ..config.clone()
    })
}

impl Network {
    /// The network of these settings, which are those of [`NetworkConfig::starting_from`], with the weights of `start`;
    /// what it has beyond them stays as it is.
    ///
    /// # Errors
    /// Every tensor that is missing, unknown or misshapen, and every one that is not finite.
    pub fn started(self, config: &NetworkConfig, start: &Start) -> Result<Self, WeightsError> {
        let Start { of, weights, origin } = start;
        fit(&shapes(&Self::new(of, &Device::flex())), weights, origin)?;
        let (taken, is_own): (Checkpoint, fn(&str) -> bool) = match (config, of) {
            (NetworkConfig::PerceiveIr(config), NetworkConfig::Restormer(_)) => {
                (perceive_ir::from_restormer(weights, config.pgca), perceive_ir::is_own)
            }
            (NetworkConfig::PerceiveIrNafnet(_), NetworkConfig::Nafnet(_)) => {
                let mut taken = Checkpoint::default();
                let keys = weights.tensors.iter();
                taken.tensors = keys
                    .map(|(key, array)| (format!("backbone.{key}"), array.clone()))
                    .collect();
                (taken, |key| !key.starts_with("backbone."))
            }
            _ => return load(self, weights, origin),
        };
        let mut whole = Checkpoint::from_module(&self);
        whole.tensors.retain(|key, _| is_own(key));
        whole.tensors.extend(taken.tensors);
        load(self, &whole, origin)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Tensor;

    use super::*;
    use crate::network::{Guidance, NafnetConfig, Parts, Restorer, Size};
    use crate::weights::recipe;

    const FEAT_DIM: usize = 5;

    fn picture(device: &Device) -> Tensor<4> {
        let values: Vec<f32> = (0..2 * 3 * 16 * 24)
            .map(|index| ((index * 37) % 101) as f32 / 101.0)
            .collect();
        Tensor::<1>::from_data(values.as_slice(), device).reshape([2, 3, 16, 24])
    }

    fn tokens(device: &Device) -> Guidance {
        [0.5, -1.0, 1.5, 2.0].map(|value: f32| Tensor::full([2, FEAT_DIM], value, device))
    }

    /// Weights of which nothing is empty, as in a trained network.
    fn trained(of: NetworkConfig) -> Start {
        let weights = recipe(&shapes(&Network::new(&of, &Device::flex())));
        let origin = "trained".into();
        Start { of, weights, origin }
    }

    fn widest(a: Tensor<4>, b: Tensor<4>) -> f32 {
        (a - b).abs().max().into_scalar()
    }

    fn restored(config: &NetworkConfig, start: &Start) -> Tensor<4> {
        let device = Device::flex();
        let network = Network::seeded(config, 7, &device).started(config, start).unwrap();
        network.restore(picture(&device), Some(tokens(&device))).image
    }

    /// Backbones of sizes that no preset has.
    fn backbones() -> [(&'static str, NetworkConfig); 2] {
        let restormer = RestormerConfig {
            dim: 8,
            blocks: [1, 2, 1, 2],
            heads: [1, 2, 2, 4],
            refine: 2,
            ..RestormerConfig::default()
        };
        let nafnet = NafnetConfig {
            width: 6,
            encoder: vec![1, 2],
            middle: 1,
            decoder: vec![2, 1],
            local: 0,
        };
        [
            ("perceive-ir", NetworkConfig::Restormer(restormer)),
            ("perceive-ir-nafnet", NetworkConfig::Nafnet(nafnet)),
        ]
    }

    #[test]
    fn a_perceive_ir_first_computes_what_its_backbone_does() {
        let device = Device::flex();
        for (name, backbone) in backbones() {
            let start = trained(backbone.clone());
            let expected = load(Network::new(&backbone, &device), &start.weights, "trained").unwrap();
            let expected = expected.restore(picture(&device), None).image;
            for pgca in [PgcaMode::Single, PgcaMode::Off] {
                for (cfe, guidance, pgm) in [(true, true, true), (false, true, false), (false, false, false)] {
                    let parts = Parts {
                        cfe,
                        guidance,
                        pgm,
                        pgca,
                        ..Parts::default()
                    };
                    let config = NetworkConfig::sized(name, Size::Tiny).unwrap().with_parts(&parts);
                    let config = config.with_guidance_width(FEAT_DIM).starting_from(&backbone).unwrap();
                    config.check().unwrap();
                    let difference = widest(restored(&config, &start), expected.clone());
                    assert!(difference < 2e-5, "{name} {parts:?}: {difference}");
                }
            }
        }
    }

    #[test]
    fn its_own_parts_stay_as_they_are_drawn_and_learn() {
        let device = Device::flex().autodiff();
        for (name, backbone) in backbones() {
            let config = NetworkConfig::sized(name, Size::Tiny)
                .unwrap()
                .with_guidance_width(FEAT_DIM);
            let config = config.starting_from(&backbone).unwrap();
            let drawn = Network::seeded(&config, 7, &device);
            let before = Checkpoint::from_module(&drawn);
            let network = drawn.started(&config, &trained(backbone)).unwrap();
            let after = Checkpoint::from_module(&network);
            let kept = after
                .tensors
                .iter()
                .filter(|(key, array)| before.tensors[*key] == **array);
            let kept: Vec<&String> = kept.map(|(key, _)| key).collect();
            assert!(kept.iter().any(|key| key.contains("gamma_conv")), "{kept:?}");
            let own = |key: &&String| key.contains("pgm") || key.starts_with("cfe.");
            assert!(kept.iter().all(own), "{kept:?}");
            let loss = network.restore(picture(&device), Some(tokens(&device))).image.sum();
            let gradients = loss.backward();
            let learned = kept
                .iter()
                .any(|key| crate::weights::gradient(&network, &gradients, key).is_some());
            assert!(learned, "{name}");
        }
    }

    #[test]
    fn every_network_goes_on_from_its_own_kind_at_the_weights_sizes() {
        for name in NetworkConfig::NAMES {
            let of = NetworkConfig::sized(name, Size::Tiny)
                .unwrap()
                .with_guidance_width(FEAT_DIM);
            let asked = NetworkConfig::sized(name, Size::Paper)
                .unwrap()
                .with_guidance_width(FEAT_DIM);
            let config = asked.starting_from(&of).unwrap();
            assert_eq!(config, of, "{name}");
            let start = trained(of.clone());
            let network = Network::new(&config, &Device::flex()).started(&config, &start).unwrap();
            assert_eq!(Checkpoint::from_module(&network), start.weights, "{name}");
        }
    }

    #[test]
    fn what_no_backbone_can_give_is_refused_by_name() {
        let perceive = NetworkConfig::sized("perceive-ir", Size::Tiny).unwrap();
        let wrong = |asked: &NetworkConfig, of: NetworkConfig| asked.starting_from(&of).unwrap_err().to_string();
        let bias_free = RestormerConfig {
            norm: NormKind::BiasFree,
            ..RestormerConfig::default()
        };
        let message = wrong(&perceive, NetworkConfig::Restormer(bias_free));
        assert!(
            message.contains("start_from") && message.contains("norms lack biases"),
            "{message}"
        );
        let message = wrong(&perceive, NetworkConfig::Nafnet(NafnetConfig::default()));
        assert!(
            message.contains("a perceive-ir cannot start from the weights of a nafnet"),
            "{message}"
        );
        let eq8 = perceive.with_parts(&Parts {
            pgca: PgcaMode::Eq8,
            ..Parts::default()
        });
        assert!(wrong(&eq8, NetworkConfig::Restormer(RestormerConfig::default())).contains("eq8"));
    }

    #[test]
    fn weights_that_are_not_what_they_are_said_to_be_are_listed() {
        let (name, backbone) = backbones()[0].clone();
        let config = NetworkConfig::sized(name, Size::Tiny)
            .unwrap()
            .with_guidance_width(FEAT_DIM);
        let config = config.starting_from(&backbone).unwrap();
        let mut start = trained(backbone);
        start.weights.tensors.remove("latent.0.attn.qkv.weight");
        let network = Network::new(&config, &Device::flex());
        let Err(WeightsError::Mismatch(mismatch)) = network.started(&config, &start) else {
            panic!("weights with a hole were taken");
        };
        assert_eq!(mismatch.missing[0].0, "latent.0.attn.qkv.weight");
    }
}
