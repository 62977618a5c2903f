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
    /// Without autodiff: no graph can be built through it.
    dino: Dinov2,
    resolution: usize,
}

impl Guide {
    /// `resolution`: the width and height that pictures are resized to, a multiple of the tower's patch.
    pub fn new(dino: Dinov2, resolution: usize) -> Self {
        Self {
            dino: dino.valid(),
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
    /// same shares of another depth. Constants on the pictures' device: no gradient flows back to the pictures.
    pub fn tokens(&self, degraded: Tensor<4>) -> Guidance {
        let learns = degraded.is_autodiff();
        let depth = self.dino.depth();
        let layers = [1, depth.div_ceil(3), (2 * depth).div_ceil(3), depth];
        let blocks = layers.map(|layer| layer - 1);
        let tokens = self
            .dino
            .cls_tokens(dino_input(degraded.without_autodiff(), self.resolution), &blocks);
        let mut tokens = tokens
            .into_iter()
            .map(|token| if learns { token.autodiff() } else { token });
        std::array::from_fn(|_| {
            tokens
                .next()
                .unwrap_or_else(|| unreachable!("four blocks give four tokens"))
        })
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Distribution};

    use super::*;
    use crate::tower::stand_in;

    #[test]
    fn tokens_are_constants_and_the_same_with_and_without_autodiff() {
        let plain = Device::flex();
        let device = plain.clone().autodiff();
        let image = Tensor::<4>::random([2, 3, 32, 40], Distribution::Uniform(0.0, 1.0), &plain);
        let guides = [&plain, &device].map(|device| Guide::new(stand_in::dinov2(device), stand_in::DINO_RESOLUTION));
        let expected = guides[0].tokens(image.clone()).map(Tensor::into_data);
        for guide in guides {
            let tokens = guide.tokens(image.clone().autodiff().require_grad());
            for (token, expected) in tokens.into_iter().zip(&expected) {
                assert!(token.is_autodiff() && !token.is_tracked());
                assert_eq!(&token.into_data(), expected);
            }
        }
    }
}
