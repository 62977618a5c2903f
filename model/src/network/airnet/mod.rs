//! AirNet (Li et al., CVPR 2022): the first all-in-one restorer; an encoder that tells degradations apart guides a
//! restorer that never changes resolution.
//!
//! Fields are named as in the official checkpoints. What only its own training needs is a module of its own,
//! [`MomentumContrast`]: [`split`] takes the two apart. By [`AirNet::learn`] the encoder learns as published; it can also
//! learn by the contrastive loss over a batch (eq. 12), and then batch norm keeps its stored statistics.

#![allow(non_snake_case, reason = "the official code's keys")]

mod config;
mod encoder;
mod guided;
mod momentum;

pub use config::AirNetConfig;
pub use encoder::{Encoded, Encoder};
pub use momentum::MomentumContrast;

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};

use self::guided::GuidedBlock;
use super::convolution::dense;
use super::{Guidance, Restored, Restorer};
use crate::layer::{Conv2d, Sequence};
use crate::weights::Checkpoint;

/// Blocks and a 3x3 convolution, with an identity skip.
#[derive(Module, Debug)]
struct Group {
    body: Sequence<GuidedBlock, Conv2d>,
}

impl Group {
    fn forward(&self, x: Tensor<4>, map: &Tensor<4>) -> Tensor<4> {
        let deep = self
            .body
            .blocks
            .iter()
            .fold(x.clone(), |x, block| block.forward(x, map));
        self.body.last.forward(deep) + x
    }
}

#[derive(Module, Debug)]
struct GuidedRestorer {
    head: [Conv2d; 1],
    body: Sequence<Group, Conv2d>,
    tail: [Conv2d; 1],
}

/// The official code's wrappers: the encoder's keys begin with `E.E.encoder_q`.
#[derive(Module, Debug)]
struct Wrapper {
    E: Contrast,
}

#[derive(Module, Debug)]
struct Contrast {
    encoder_q: Encoder,
}

#[derive(Module, Debug)]
pub struct AirNet {
    R: GuidedRestorer,
    E: Wrapper,
}

/// A published checkpoint without what only training needs.
#[must_use]
pub fn learned(checkpoint: Checkpoint) -> Checkpoint {
    split(checkpoint).0
}

/// A published checkpoint as the network's part and that of its [`MomentumContrast`].
#[must_use]
pub fn split(mut checkpoint: Checkpoint) -> (Checkpoint, Checkpoint) {
    const WRAPPER: &str = "E.E.";
    let is_training = |key: &str| {
        key.strip_prefix(WRAPPER)
            .is_some_and(|rest| rest.starts_with("encoder_k.") || rest.starts_with("queue"))
    };
    let training = Checkpoint {
        tensors: checkpoint.tensors.extract_if(.., |key, _| is_training(key)).collect(),
        ..Checkpoint::default()
    };
    (checkpoint, training.under(WRAPPER))
}

impl AirNet {
    pub fn new(config: &AirNetConfig, device: &Device) -> Self {
        let channels = config.encoder[0];
        let convolution = || dense(channels, channels, 1, true, device);
        let group = |_| Group {
            body: Sequence {
                blocks: (0..config.blocks).map(|_| GuidedBlock::new(channels, device)).collect(),
                last: convolution(),
            },
        };
        Self {
            R: GuidedRestorer {
                head: [dense(3, channels, 1, true, device)],
                body: Sequence {
                    blocks: (0..config.groups).map(group).collect(),
                    last: convolution(),
                },
                tail: [dense(channels, 3, 1, true, device)],
            },
            E: Wrapper {
                E: Contrast {
                    encoder_q: Encoder::new(config.encoder, device),
                },
            },
        }
    }

    /// The restored picture and the logits of [`MomentumContrast::compare`], in training: `other` are second crops of the
    /// pictures of `image`. Norms take the batch's statistics, and the stored ones follow.
    ///
    /// # Shapes
    /// - image, other `[B, 3, H, W]`
    /// - output `[B, 3, H, W]` and `[B, 1 + keys]`
    pub fn learn(
        &mut self,
        contrast: &mut MomentumContrast,
        image: Tensor<4>,
        other: Tensor<4>,
        temperature: f64,
    ) -> (Tensor<4>, Tensor<2>) {
        let Encoded { map, z } = self.E.E.encoder_q.learn(image.clone());
        let logits = contrast.compare(&self.E.E.encoder_q, z, other, temperature);
        (self.forward(image, &map), logits)
    }

    /// What its own training needs beside it, at the start: the encoder's average and `keys` remembered representations.
    pub fn contrast(&self, keys: usize, seed: u64, device: &Device) -> MomentumContrast {
        MomentumContrast::new(&self.E.E.encoder_q, keys, seed, device)
    }

    /// What the encoder says of `[B, 3, H, W]`.
    pub fn encode(&self, image: Tensor<4>) -> Encoded {
        self.E.E.encoder_q.forward(image)
    }

    /// The restored picture `[B, 3, H, W]`, of any size and not clamped, from the degraded one and its map.
    pub fn forward(&self, image: Tensor<4>, map: &Tensor<4>) -> Tensor<4> {
        let GuidedRestorer { head, body, tail } = &self.R;
        let shallow = head[0].forward(image);
        let deep = body
            .blocks
            .iter()
            .fold(shallow.clone(), |x, group| group.forward(x, map));
        tail[0].forward(body.last.forward(deep) + shallow)
    }
}

impl Restorer for AirNet {
    fn restore(&self, image: Tensor<4>, _guidance: Option<Guidance>) -> Restored {
        let Encoded { map, z } = self.encode(image.clone());
        Restored {
            image: self.forward(image, &map),
            z: Some(z),
        }
    }

    fn degradation(&self, image: Tensor<4>) -> Option<Tensor<2>> {
        Some(self.encode(image).z)
    }

    fn multiple(&self) -> usize {
        1
    }

    /// It makes the whole picture anew.
    fn last_layer(&self) -> Option<&'static str> {
        None
    }
}
