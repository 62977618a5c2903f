//! Restoration networks: a degraded picture in, a restored one out.
//!
//! One folder a network; [`registry`] lists them, with their settings and presets, behind the one type [`Network`].
//! A network's fields are named as its official code names its weights, so published checkpoints load as they are.

pub mod airnet;
mod channel_gate;
mod channel_norm;
mod convolution;
pub mod four_levels;
pub mod fsnet;
mod global_mean;
pub mod instructir;
pub mod mambair;
pub mod mprnet;
pub mod nafnet;
pub mod perceive_ir;
pub mod perceive_ir_nafnet;
mod pixel_shuffle;
pub mod promptir;
mod recompute;
mod registry;
pub mod restormer;
mod settings;
mod start;
pub mod whole_picture;

pub use airnet::{AirNet, AirNetConfig};
pub use channel_norm::{ChannelNorm, NormKind};
pub use fsnet::{FsNet, FsNetConfig};
pub use instructir::{InstructIr, InstructIrConfig};
pub use mambair::{MambaIr, MambaIrConfig};
pub use mprnet::{MprNet, MprNetConfig};
pub use nafnet::{Nafnet, NafnetConfig};
pub use perceive_ir::{Parts, PerceiveIr, PerceiveIrConfig};
pub use perceive_ir_nafnet::{PerceiveIrNafnet, PerceiveIrNafnetConfig};
pub use pixel_shuffle::{pixel_shuffle, pixel_unshuffle};
pub use promptir::{PromptIr, PromptIrConfig};
pub use recompute::recomputing;
pub use registry::{Network, NetworkConfig};
pub use restormer::{Restormer, RestormerConfig};
pub use settings::{ConfigError, NetworkSettings, Size};
pub use start::Start;

use burn::{module::Module, tensor::Tensor};

/// F_1 to F_4, the class tokens of four DINOv2 layers (eq. 5), each `[B, width]`.
pub type Guidance = [Tensor<2>; 4];

/// What a network makes of a degraded picture.
#[derive(Clone, Debug)]
pub struct Restored {
    /// `[B, 3, H, W]`, about 0 to 1 but not clamped.
    pub image: Tensor<4>,
    /// The degradation representation Z `[B, z_dim]` of a network that has a CFE.
    pub z: Option<Tensor<2>>,
}

/// What training, evaluation and negatives ask of a network.
pub trait Restorer: Module {
    /// image `[B, 3, H, W]` in \[0, 1\], H and W multiples of [`multiple`](Self::multiple).
    ///
    /// # Panics
    /// If the network is guided and there is no guidance.
    fn restore(&self, image: Tensor<4>, guidance: Option<Guidance>) -> Restored;

    /// The same in training, where the degradation of each picture is known by its number: for a network that is told it.
    fn restore_told(&self, image: Tensor<4>, guidance: Option<Guidance>, _kinds: &[usize]) -> Restored {
        self.restore(image, guidance)
    }

    /// Which degradation the pictures to come have (`haze`, `noise25`): for a network that is told it.
    fn tell(&mut self, _degradation: &str) {}

    /// Z alone, `[B, z_dim]`, for the contrastive loss (eq. 12); `None` for a network without a CFE.
    fn degradation(&self, _image: Tensor<4>) -> Option<Tensor<2>> {
        None
    }

    /// Whether [`restore`](Self::restore) needs DINOv2's tokens.
    fn needs_guidance(&self) -> bool {
        false
    }

    /// What heights and widths have to be multiples of; 1 for a network that takes any size.
    fn multiple(&self) -> usize {
        whole_picture::MULTIPLE
    }

    /// The key of the last layer, where its output is added to the picture: at zero, the network gives its input back.
    fn last_layer(&self) -> Option<&'static str> {
        Some("output")
    }
}
