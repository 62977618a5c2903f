//! MPRNet (Zamir et al., CVPR 2021): three stages, each with a restored picture of its own.
//!
//! The first sees quarters of the picture, the second halves, both by U-Nets; the third sees the whole picture at its own
//! resolution. Fields are named as in the official checkpoints.

mod block;
mod config;
mod original_resolution;
mod unet;

pub use config::MprNetConfig;

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};

use self::block::{Cab, Sam, SharedPrelu};
use self::original_resolution::OriginalResolution;
use self::unet::{Decoder, Encoder, Levels};
use super::convolution::dense;
use super::{Guidance, Restored, Restorer};
use crate::layer::Conv2d;
use crate::weights::Checkpoint;

/// The one block that holds the number that all PReLUs share.
const SHARED: &str = "shallow_feat1.1.body.1.weight";

#[derive(Module, Debug)]
pub struct MprNet {
    shallow_feat1: (Conv2d, Cab<SharedPrelu>),
    shallow_feat2: (Conv2d, Cab),
    shallow_feat3: (Conv2d, Cab),
    stage1_encoder: Encoder,
    stage1_decoder: Decoder,
    stage2_encoder: Encoder,
    stage2_decoder: Decoder,
    stage3_orsnet: OriginalResolution,
    sam12: Sam,
    sam23: Sam,
    concat12: Conv2d,
    concat23: Conv2d,
    tail: Conv2d,
}

/// The two halves along a dimension.
fn halves(x: &Tensor<4>, dim: usize) -> [Tensor<4>; 2] {
    let half = x.dims()[dim] / 2;
    [0, half].map(|start| x.clone().narrow(dim, start, half))
}

/// Level by level.
fn joined([a, b]: [Levels; 2], dim: usize) -> Levels {
    let mut right = b.into_iter();
    a.map(|left| Tensor::cat(std::iter::once(left).chain(right.next()).collect(), dim))
}

/// Published checkpoints have the shared PReLU under the key of every block; one of the copies is kept. A number that is
/// another is no copy, and stays.
#[must_use]
pub fn without_copies(mut checkpoint: Checkpoint) -> Checkpoint {
    let shared = checkpoint.tensors.get(SHARED).map(|array| array.data.clone());
    let is_copy =
        |key: &str, data: &Vec<f32>| key.ends_with("body.1.weight") && key != SHARED && Some(data) == shared.as_ref();
    checkpoint
        .tensors
        .retain(|key, array| array.data.len() != 1 || !is_copy(key, &array.data));
    checkpoint
}

impl MprNet {
    pub fn new(config: &MprNetConfig, device: &Device) -> Self {
        let (features, bias) = (config.features, config.bias);
        let wide = features + config.original_step;
        let first = || dense(3, features, 1, bias, device);
        Self {
            shallow_feat1: (first(), Cab::holding(features, config, device)),
            shallow_feat2: (first(), Cab::new(features, config, device)),
            shallow_feat3: (first(), Cab::new(features, config, device)),
            stage1_encoder: Encoder::new(config, false, device),
            stage1_decoder: Decoder::new(config, device),
            stage2_encoder: Encoder::new(config, true, device),
            stage2_decoder: Decoder::new(config, device),
            stage3_orsnet: OriginalResolution::new(config, device),
            sam12: Sam::new(features, bias, device),
            sam23: Sam::new(features, bias, device),
            concat12: dense(2 * features, features, 1, bias, device),
            concat23: dense(2 * features, wide, 1, bias, device),
            tail: dense(wide, 3, 1, bias, device),
        }
    }

    /// `[B, 3, H, W]`, H and W multiples of 8, to the restored pictures of stages 1, 2 and 3, not clamped.
    pub fn stages(&self, image: Tensor<4>) -> [Tensor<4>; 3] {
        let slope = &self.shallow_feat1.1.slope();
        let shallow = |(first, block): &(Conv2d, Cab), x: Tensor<4>| block.forward(first.forward(x), slope);

        let mut first_stage = Vec::with_capacity(2);
        let second_stage = halves(&image, 2).map(|half| {
            let encoded = halves(&half, 3).map(|quarter| {
                let (first, block) = &self.shallow_feat1;
                let features = block.forward(first.forward(quarter), slope);
                self.stage1_encoder.forward(features, None, slope)
            });
            let encoded = joined(encoded, 3);
            let decoded = self.stage1_decoder.forward(&encoded, slope);
            let (attended, restored) = self.sam12.forward(decoded[0].clone(), half.clone());
            first_stage.push(restored);

            let features = Tensor::cat(vec![shallow(&self.shallow_feat2, half), attended], 1);
            let features = self.concat12.forward(features);
            self.stage2_encoder.forward(features, Some((&encoded, &decoded)), slope)
        });
        let encoded = joined(second_stage, 2);
        let decoded = self.stage2_decoder.forward(&encoded, slope);
        let (attended, second) = self.sam23.forward(decoded[0].clone(), image.clone());

        let features = Tensor::cat(vec![shallow(&self.shallow_feat3, image.clone()), attended], 1);
        let features = self.concat23.forward(features);
        let features = self.stage3_orsnet.forward(features, encoded, decoded, slope);
        [Tensor::cat(first_stage, 2), second, self.tail.forward(features) + image]
    }
}

impl Restorer for MprNet {
    /// The last stage's picture.
    fn restore(&self, image: Tensor<4>, _guidance: Option<Guidance>) -> Restored {
        let [_, _, image] = self.stages(image);
        Restored { image, z: None }
    }

    fn last_layer(&self) -> Option<&'static str> {
        Some("tail")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{NetworkSettings, Size};
    use crate::weights::{Array, gradient, load};

    #[test]
    fn the_shared_number_learns_from_every_block() {
        let device = Device::flex().autodiff();
        let network = MprNet::new(&MprNetConfig::sized(Size::Tiny), &device);
        let [first, ..] = network.stages(Tensor::full([1, 3, 16, 16], 0.3, &device));
        let shared = gradient(&network, &first.sum().backward(), SHARED).unwrap();
        assert!(shared.data[0] != 0.0);
    }

    #[test]
    fn copies_of_the_shared_number_are_left_out() {
        let device = Device::flex();
        let network = MprNet::new(&MprNetConfig::sized(Size::Tiny), &device);
        let own = Checkpoint::from_module(&network);
        let mut published = own.clone();
        let copy = "stage3_orsnet.orb1.body.0.body.1.weight";
        published.tensors.insert(copy.into(), own.tensors[SHARED].clone());
        assert!(load(network.clone(), &published, "published").is_err());
        let loaded = load(network.clone(), &without_copies(published.clone()), "published").unwrap();
        assert_eq!(Checkpoint::from_module(&loaded), own);
        let another = Array {
            shape: vec![1],
            data: vec![-0.75],
        };
        published.tensors.insert(copy.into(), another);
        let refused = load(network, &without_copies(published), "published").unwrap_err();
        assert!(refused.to_string().contains(copy), "{refused}");
    }
}
