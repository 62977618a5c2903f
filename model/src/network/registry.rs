//! The registry of networks: one line each, and one type for all of them.

use std::sync::Mutex;

use burn::{
    module::{Devices, Module, ModuleMapper, ModuleVisitor},
    tensor::{Device, Tensor},
};
use serde::{Deserialize, Serialize};

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

/// Makes [`Network`] and [`NetworkConfig`] of lines `"name" => Network(Settings)`.
///
/// `Network` hands every visit straight to the network inside, where Burn's derive would put the variant's name before
/// each key: so its weights have the keys of the published checkpoints.
macro_rules! networks {
    ($($name:literal => $network:ident($settings:ident)),+ $(,)?) => {
        /// Any network of the registry.
        #[derive(Clone, Debug)]
        #[allow(clippy::large_enum_variant)] // one lives per run
        pub enum Network {
            $($network($network)),+
        }

        /// The settings of any network; `network = "restormer"` and the like says of which.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "network")]
        pub enum NetworkConfig {
            $(#[serde(rename = $name)] $network($settings)),+
        }

        impl NetworkConfig {
            /// The names of all networks.
            pub const NAMES: &[&str] = &[$($name),+];

            /// The settings of the named network at a preset size.
            pub fn sized(name: &str, size: Size) -> Result<Self, ConfigError> {
                match name {
                    $($name => Ok(Self::$network($settings::sized(size))),)+
                    _ => Err(ConfigError::UnknownNetwork { name: name.into(), known: Self::NAMES.join(", ") }),
                }
            }

            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$network(_) => $name),+
                }
            }

            /// Whether a network can be built of them; to be asked before [`Network::new`].
            pub fn check(&self) -> Result<(), ConfigError> {
                match self {
                    $(Self::$network(settings) => settings.check()),+
                }
            }

            /// For a guided network: the width of the DINOv2 tower that guides it. Without effect on the others.
            #[must_use]
            pub fn with_guidance_width(mut self, width: usize) -> Self {
                match &mut self {
                    $(Self::$network(settings) => settings.set_guidance_width(width)),+
                }
                self
            }

            /// For a Perceive-IR on any backbone: which of its parts it has. Without effect on the others.
            #[must_use]
            pub fn with_parts(mut self, parts: &Parts) -> Self {
                match &mut self {
                    $(Self::$network(settings) => settings.set_parts(parts)),+
                }
                self
            }

            pub fn needs_guidance(&self) -> bool {
                match self {
                    $(Self::$network(settings) => settings.needs_guidance()),+
                }
            }
        }

        impl Network {
            /// A network with first values drawn from the device's generator.
            ///
            /// # Panics
            /// If the settings do not pass [`NetworkConfig::check`].
            pub fn new(config: &NetworkConfig, device: &Device) -> Self {
                match config {
                    $(NetworkConfig::$network(settings) => Self::$network(settings.build(device))),+
                }
            }
        }

        impl Restorer for Network {
            fn restore(&self, image: Tensor<4>, guidance: Option<Guidance>) -> Restored {
                match self {
                    $(Self::$network(network) => Restorer::restore(network, image, guidance)),+
                }
            }

            fn degradation(&self, image: Tensor<4>) -> Option<Tensor<2>> {
                match self {
                    $(Self::$network(network) => Restorer::degradation(network, image)),+
                }
            }

            fn needs_guidance(&self) -> bool {
                match self {
                    $(Self::$network(network) => Restorer::needs_guidance(network)),+
                }
            }

            fn multiple(&self) -> usize {
                match self {
                    $(Self::$network(network) => Restorer::multiple(network)),+
                }
            }

            fn last_layer(&self) -> Option<&'static str> {
                match self {
                    $(Self::$network(network) => Restorer::last_layer(network)),+
                }
            }
        }

        impl Module for Network {
            fn collect_devices(&self, devices: Devices) -> Devices {
                match self {
                    $(Self::$network(network) => network.collect_devices(devices)),+
                }
            }

            fn fork(self, device: &Device) -> Self {
                match self {
                    $(Self::$network(network) => Self::$network(network.fork(device))),+
                }
            }

            fn to_device(self, device: &Device) -> Self {
                match self {
                    $(Self::$network(network) => Self::$network(network.to_device(device))),+
                }
            }

            fn train(self) -> Self {
                match self {
                    $(Self::$network(network) => Self::$network(network.train())),+
                }
            }

            fn valid(&self) -> Self {
                match self {
                    $(Self::$network(network) => Self::$network(network.valid())),+
                }
            }

            fn materialize(self) -> Self {
                match self {
                    $(Self::$network(network) => Self::$network(network.materialize())),+
                }
            }

            fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
                match self {
                    $(Self::$network(network) => network.visit(visitor)),+
                }
            }

            fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
                match self {
                    $(Self::$network(network) => Self::$network(network.map(mapper))),+
                }
            }
        }
    };
}
use networks;

impl NetworkConfig {
    /// How many numbers the network learns; nothing is allocated to count them.
    ///
    /// # Panics
    /// If the settings do not pass [`check`](Self::check).
    pub fn parameters(&self) -> usize {
        Network::new(self, &Device::flex()).parameters()
    }
}

impl Network {
    /// A network whose first values depend on the seed alone: the generator is seeded and all values taken from it
    /// while no other network is.
    ///
    /// # Panics
    /// If the settings do not pass [`NetworkConfig::check`].
    pub fn seeded(config: &NetworkConfig, seed: u64, device: &Device) -> Self {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        device.seed(seed);
        Self::new(config, device)
    }

    /// See [`Restorer::restore`].
    pub fn forward(&self, image: Tensor<4>, guidance: Option<Guidance>) -> Restored {
        self.restore(image, guidance)
    }

    /// How many numbers the network learns.
    pub fn parameters(&self) -> usize {
        let shapes = shapes(self).into_iter();
        // A batch norm's statistics are stored beside what it learns.
        let learned = shapes.filter(|(key, _)| !key.contains(".running_"));
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
