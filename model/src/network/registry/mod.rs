//! The registry of networks: one line each, and one type for all of them.

mod networks;

use std::sync::Mutex;

use burn::{
    module::{Devices, Module, ModuleMapper, ModuleVisitor},
    tensor::{Device, Tensor},
};
use serde::{Deserialize, Serialize};

use self::networks::networks;
use super::{
    AirNet, AirNetConfig, ConfigError, FsNet, FsNetConfig, Guidance, InstructIr, InstructIrConfig, MambaIr,
    MambaIrConfig, MprNet, MprNetConfig, Nafnet, NafnetConfig, NetworkSettings, Parts, PerceiveIr, PerceiveIrConfig,
    PerceiveIrNafnet, PerceiveIrNafnetConfig, PromptIr, PromptIrConfig, Restored, Restorer, Restormer, RestormerConfig,
    Size,
};
use crate::weights::shapes;

networks! {
    "restormer" => Restormer(RestormerConfig),
    "perceive-ir" => PerceiveIr(PerceiveIrConfig),
    "nafnet" => Nafnet(NafnetConfig),
    "perceive-ir-nafnet" => PerceiveIrNafnet(PerceiveIrNafnetConfig),
    "promptir" => PromptIr(PromptIrConfig),
    "mprnet" => MprNet(MprNetConfig),
    "airnet" => AirNet(AirNetConfig),
    "fsnet" => FsNet(FsNetConfig),
    "instructir" => InstructIr(InstructIrConfig),
    "mambair" => MambaIr(MambaIrConfig),
}

impl NetworkConfig {
    /// The degradations that the network is told apart, in the order of their numbers; none for one that is told nothing.
    pub fn degradations(&self) -> Vec<&str> {
        match self {
            Self::InstructIr(config) => config.instructions.iter().map(|set| set.degradation.as_str()).collect(),
            _ => Vec::new(),
        }
    }

    /// How many numbers the network learns; nothing is allocated to count them.
    ///
    /// # Panics
    /// If the settings do not pass [`check`](Self::check).
    pub fn parameters(&self) -> usize {
        Network::new(self, &Device::flex()).parameters()
    }
}

impl Network {
    /// A network whose first values depend on the seed alone, on every device: the CPU's generator is seeded and all values
    /// taken from it while no other network is.
    ///
    /// # Panics
    /// If the settings do not pass [`NetworkConfig::check`].
    pub fn seeded(config: &NetworkConfig, seed: u64, device: &Device) -> Self {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Device::flex().seed(seed);
        Self::new(config, device)
    }

    /// See [`Restorer::restore`].
    pub fn forward(&self, image: Tensor<4>, guidance: Option<Guidance>) -> Restored {
        self.restore(image, guidance)
    }

    /// How many numbers the network learns.
    pub fn parameters(&self) -> usize {
        let shapes = shapes(self).into_iter();
        // A batch norm's statistics and InstructIR's sentences are stored beside what is learned.
        let learned = shapes.filter(|(key, _)| !key.contains(".running_") && key != "sentences");
        learned.map(|(_, shape)| shape.iter().product::<usize>()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::NormKind;
    use crate::weights::{Checkpoint, load};

    fn tiny(name: &str) -> NetworkConfig {
        NetworkConfig::sized(name, Size::Tiny).unwrap().with_guidance_width(6)
    }

    fn guidance(device: &Device) -> Guidance {
        [0.1, -0.2, 0.3, 0.4].map(|value| Tensor::full([2, 6], value, device))
    }

    #[test]
    fn published_sizes_have_the_published_numbers_of_parameters() {
        let paper = |name| NetworkConfig::sized(name, Size::Paper).unwrap().parameters();
        assert_eq!(paper("restormer"), 26_126_644);
        assert_eq!(paper("perceive-ir"), 42_019_828);
        assert_eq!(paper("nafnet"), 17_111_907);
        assert_eq!(paper("perceive-ir-nafnet"), 21_744_803);
        assert_eq!(paper("promptir"), 35_592_263);
        assert_eq!(paper("mprnet"), 15_741_025);
        assert_eq!(paper("airnet"), 7_610_377);
        assert_eq!(paper("fsnet"), 13_275_689);
        assert_eq!(paper("instructir"), 15_843_363);
        assert_eq!(paper("mambair"), 26_779_480);
        let bias_free = RestormerConfig {
            norm: NormKind::BiasFree,
            ..RestormerConfig::default()
        };
        assert_eq!(NetworkConfig::Restormer(bias_free).parameters(), 26_111_668);
    }

    #[test]
    fn every_network_restores_at_every_small_size() {
        let device = Device::flex();
        for name in NetworkConfig::NAMES {
            for size in [Size::Tiny, Size::Small] {
                let config = NetworkConfig::sized(name, size).unwrap().with_guidance_width(6);
                config.check().unwrap();
                let network = Network::new(&config, &device);
                let restored = network.forward(Tensor::ones([2, 3, 16, 24], &device), Some(guidance(&device)));
                assert_eq!(restored.image.dims(), [2, 3, 16, 24], "{name} {size}");
                assert_eq!(network.needs_guidance(), config.needs_guidance());
            }
        }
    }

    #[test]
    fn settings_survive_being_written_and_read() {
        for name in NetworkConfig::NAMES {
            let config = tiny(name);
            let text = serde_json::to_string(&config).unwrap();
            assert!(text.contains(&format!("\"network\":\"{name}\"")), "{text}");
            assert_eq!(serde_json::from_str::<NetworkConfig>(&text).unwrap(), config);
        }
        let few: NetworkConfig = serde_json::from_str(r#"{"network": "restormer", "dim": 16}"#).unwrap();
        assert_eq!(
            few,
            NetworkConfig::Restormer(RestormerConfig {
                dim: 16,
                ..RestormerConfig::default()
            })
        );
    }

    #[test]
    fn unknown_names_and_settings_are_refused() {
        let message = NetworkConfig::sized("restorer", Size::Tiny).unwrap_err().to_string();
        assert!(
            message.contains("restorer") && message.contains("restormer, perceive-ir"),
            "{message}"
        );
        let message = serde_json::from_str::<NetworkConfig>(r#"{"network": "restormer", "dims": 16}"#).unwrap_err();
        assert!(message.to_string().contains("dims"), "{message}");
    }

    #[test]
    fn settings_of_which_no_network_can_be_built_are_named() {
        let restormer = |config: RestormerConfig| NetworkConfig::Restormer(config).check().unwrap_err().to_string();
        let perceive = |config: PerceiveIrConfig| NetworkConfig::PerceiveIr(config).check().unwrap_err().to_string();
        let default = RestormerConfig::default();
        assert!(
            restormer(RestormerConfig {
                dim: 15,
                ..default.clone()
            })
            .contains("`dim`")
        );
        assert!(
            restormer(RestormerConfig {
                heads: [1, 2, 5, 8],
                ..default.clone()
            })
            .contains("level 3")
        );
        assert!(
            restormer(RestormerConfig {
                expansion: 0.0,
                ..default
            })
            .contains("`expansion`")
        );
        let default = PerceiveIrConfig::default();
        assert!(
            perceive(PerceiveIrConfig {
                pgm_kernel: 2,
                ..default.clone()
            })
            .contains("`pgm_kernel`")
        );
        assert!(
            perceive(PerceiveIrConfig {
                cfe_widths: vec![],
                ..default.clone()
            })
            .contains("`cfe_widths`")
        );
        assert!(perceive(PerceiveIrConfig { feat_dim: 0, ..default }).contains("`feat_dim`"));
    }

    #[test]
    fn keys_are_those_of_the_network_inside() {
        let device = Device::flex();
        let config = RestormerConfig::sized(Size::Tiny);
        let inside = Checkpoint::from_module(&Restormer::new(&config, &device));
        assert!(inside.tensors.contains_key("encoder_level1.0.norm1.body.weight"));
        let network = load(
            Network::new(&NetworkConfig::Restormer(config), &device),
            &inside,
            "memory",
        )
        .unwrap();
        assert_eq!(Checkpoint::from_module(&network), inside);
    }

    #[test]
    fn a_network_trains_and_is_frozen_as_a_whole() {
        let device = Device::flex().autodiff();
        let network = Network::new(&tiny("perceive-ir"), &device);
        let image = Tensor::ones([2, 3, 8, 8], &device);
        let loss = network.forward(image.clone(), Some(guidance(&device))).image.sum();
        let gradients = loss.backward();
        let Network::PerceiveIr(inside) = &network else {
            panic!("another network")
        };
        let first = crate::weights::gradient(inside, &gradients, "patch_embed.weight");
        assert!(first.is_some_and(|gradient| gradient.data.iter().any(|value| *value != 0.0)));
        let frozen = network.valid().forward(image.inner(), Some(guidance(&Device::flex())));
        assert!(!frozen.image.is_require_grad());
    }
}
