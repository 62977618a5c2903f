//! What makes `Network` and `NetworkConfig` of the registry's lines `"name" => Network(Settings)`.
//!
//! `Network` hands every visit straight to the network inside, where Burn's derive would put the variant's name before
//! each key: so its weights have the keys of the published checkpoints.

macro_rules! networks {
    ($($name:literal => $network:ident($settings:ident)),+ $(,)?) => {
        /// Any network of the registry.
        #[derive(Clone, Debug)]
        #[allow(clippy::large_enum_variant, reason = "one lives per run")]
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

            /// For a network that is told what to take away: the degradations of the training, in the order of their numbers
            /// in a batch. Without effect on the others.
            #[must_use]
            pub fn with_degradations(mut self, degradations: &[&str]) -> Self {
                match &mut self {
                    $(Self::$network(settings) => settings.set_degradations(degradations)),+
                }
                self
            }

            /// How many sentences ask for each of those degradations. Without effect on the others.
            #[must_use]
            pub fn with_sentences(mut self, count: &dyn Fn(&str) -> Option<usize>) -> Self {
                match &mut self {
                    $(Self::$network(settings) => settings.set_sentences(count)),+
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

            fn restore_told(&self, image: Tensor<4>, guidance: Option<Guidance>, kinds: &[usize]) -> Restored {
                match self {
                    $(Self::$network(network) => Restorer::restore_told(network, image, guidance, kinds)),+
                }
            }

            fn tell(&mut self, degradation: &str) {
                match self {
                    $(Self::$network(network) => Restorer::tell(network, degradation)),+
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
pub(super) use networks;
