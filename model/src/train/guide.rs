//! The semantic guidance of eq. 5: CLS tokens of four layers of a frozen DINOv2.

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};

use crate::{
    network::Guidance,
    tower::{Dinov2, input::dino_input},
};

/// A frozen DINOv2, and what of it guides the restorer.
#[derive(Clone, Debug)]
pub struct Guide {
    dino: Dinov2,
    resolution: usize,
}

impl Guide {
    /// `resolution`: the width and height that pictures are resized to, a multiple of the tower's patch.
    pub fn new(dino: Dinov2, resolution: usize) -> Self {
        Self {
            dino: dino.frozen(),
            resolution,
        }
    }

    /// The same on another device.
    #[must_use]
    pub fn to_device(&self, device: &Device) -> Self {
        Self {
            dino: self.dino.clone().fork(device),
            resolution: self.resolution,
        }
    }

    /// Width of a token.
    pub fn width(&self) -> usize {
        self.dino.width()
    }

    /// F_1 to F_4 of degraded pictures `[B, 3, H, W]`, each `[B, width]`: layers 1, 4, 8 and 12 of 12, and layers at the
    /// same shares of another depth. No gradient flows back to the picture.
    pub fn tokens(&self, degraded: Tensor<4>) -> Guidance {
        let depth = self.dino.depth();
        let layers = [1, depth.div_ceil(3), (2 * depth).div_ceil(3), depth];
        let blocks = layers.map(|layer| layer - 1);
        let tokens = self
            .dino
            .cls_tokens(dino_input(degraded.detach(), self.resolution), &blocks);
        let mut tokens = tokens.into_iter().map(Tensor::detach);
        std::array::from_fn(|_| {
            tokens
                .next()
                .unwrap_or_else(|| unreachable!("four blocks give four tokens"))
        })
    }
}
