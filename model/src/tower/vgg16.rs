//! VGG-16's convolutions as torchvision has them (`features.N`), for the perceptual loss of eqs. 10-11 and for LPIPS.
//!
//! Indices count convolutions, ReLUs and poolings from 0: 3 is relu1_2, 7 conv2_2 before its ReLU, 11 relu3_1,
//! 15 relu3_3.

use std::ops::Range;

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor, activation::relu},
};
use serde::{Deserialize, Serialize};

use crate::{
    kernel::{max_pool2x2, rectified3x3},
    layer::Conv2d,
    weights::{Checkpoint, WeightsError, load},
};

/// Channels of each convolution, `"M"` for a pooling.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vgg16Config {
    pub widths: Vec<Width>,
}

/// One entry of [`Vgg16Config::widths`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Width {
    /// A 3x3 convolution with so many outputs, and its ReLU.
    Channels(usize),
    /// The maximum of every 2x2.
    Pool(Pool),
}

/// Spelt `"M"` in a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pool {
    M,
}

impl Default for Vgg16Config {
    /// The published sizes.
    fn default() -> Self {
        Self::of(&[
            64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0,
        ])
    }
}

impl Vgg16Config {
    /// Channels in order, 0 for a pooling.
    pub fn of(widths: &[usize]) -> Self {
        let width = |width: &usize| match width {
            0 => Width::Pool(Pool::M),
            channels => Width::Channels(*channels),
        };
        Self {
            widths: widths.iter().map(width).collect(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Convolution,
    Relu,
    Pool,
}

/// The convolutional part of VGG-16.
#[derive(Module, Debug)]
pub struct Vgg16 {
    /// By torchvision's index; `None` where nothing is learned.
    features: Vec<Option<Conv2d>>,
    #[module(skip)]
    kinds: Vec<Kind>,
}

impl Vgg16 {
    pub fn new(config: &Vgg16Config, device: &Device) -> Self {
        let (mut features, mut kinds, mut inputs) = (Vec::new(), Vec::new(), 3);
        for width in &config.widths {
            match *width {
                Width::Channels(outputs) => {
                    features.push(Some(Conv2d::new(inputs, outputs, 3, 1, 1, 1, true, device)));
                    features.push(None);
                    kinds.extend([Kind::Convolution, Kind::Relu]);
                    inputs = outputs;
                }
                Width::Pool(Pool::M) => {
                    features.push(None);
                    kinds.push(Kind::Pool);
                }
            }
        }
        Self { features, kinds }
    }

    /// The published network from its checkpoint (torchvision's `vgg16`), whose classifier is left out.
    pub fn from_checkpoint(mut checkpoint: Checkpoint, origin: &str, device: &Device) -> Result<Self, WeightsError> {
        checkpoint.tensors.retain(|key, _| !key.starts_with("classifier."));
        load(Self::new(&Vgg16Config::default(), device), &checkpoint, origin)
    }

    /// No weight takes part in a backward pass; gradients still reach the input.
    pub fn frozen(self) -> Self {
        self.no_grad()
    }

    /// What the layers of these indices give, in the order of `indices`; nothing behind the last one is computed.
    ///
    /// # Shapes
    /// - x `[B, 3, H, W]`, see [`super::input::vgg_input`]
    /// - each `[B, channels, H / 2^p, W / 2^p]` after p poolings
    ///
    /// # Panics
    /// If an index is beyond the last layer.
    pub fn features(&self, x: Tensor<4>, indices: &[usize]) -> Vec<Tensor<4>> {
        let mut found: Vec<Option<Tensor<4>>> = vec![None; indices.len()];
        let mut stops = indices.to_vec();
        stops.sort_unstable();
        let (mut x, mut start) = (x, 0);
        for stop in stops {
            assert!(
                stop < self.kinds.len(),
                "VGG-16 has {} layers, none of index {stop}",
                self.kinds.len()
            );
            x = self.through(x, start..stop + 1);
            start = stop + 1;
            for (wanted, found) in indices.iter().zip(&mut found) {
                if *wanted == stop {
                    *found = Some(x.clone());
                }
            }
        }
        found.into_iter().flatten().collect()
    }

    /// Through the layers of these indices: what layer `layers.start` takes to what the last of them gives. A convolution
    /// is done together with the ReLU behind it.
    ///
    /// # Panics
    /// If an index is beyond the last layer.
    pub fn through(&self, x: Tensor<4>, layers: Range<usize>) -> Tensor<4> {
        let (mut x, end) = (x, layers.end);
        let mut rectified = false;
        for index in layers {
            x = match (self.kinds[index], &self.features[index]) {
                (Kind::Convolution, Some(convolution)) if index + 1 < end => {
                    rectified = true;
                    let bias = convolution.bias.as_ref().map(Param::val);
                    rectified3x3(x, convolution.weight.val(), bias)
                }
                (Kind::Convolution, Some(convolution)) => convolution.forward(x),
                (Kind::Pool, _) => max_pool2x2(x),
                _ if std::mem::take(&mut rectified) => x,
                _ => relu(x),
            };
        }
        x
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_reads_as_torchvision_writes_it() {
        let config: Vgg16Config = serde_json::from_str(r#"{"widths": [4, 4, "M", 8, "M"]}"#).unwrap();
        assert_eq!(config, Vgg16Config::of(&[4, 4, 0, 8, 0]));
    }

    #[test]
    fn the_published_size_has_its_parameters() {
        let vgg = Vgg16::new(&Vgg16Config::default(), &Device::flex());
        assert_eq!(vgg.num_params(), 14_714_688);
    }

    #[test]
    fn features_come_in_the_order_asked_for() {
        let device = Device::flex();
        let vgg = Vgg16::new(&Vgg16Config::of(&[4, 4, 0, 8, 8, 0]), &device);
        let features = vgg.features(Tensor::ones([1, 3, 8, 12], &device), &[7, 3]);
        assert_eq!(features[0].dims(), [1, 8, 4, 6]);
        assert_eq!(features[1].dims(), [1, 4, 8, 12]);
        let before: f32 = features[0].clone().min().into_scalar();
        let after: f32 = features[1].clone().min().into_scalar();
        assert!(before < 0.0 && after >= 0.0, "7 is before its ReLU, 3 after");
    }
}
