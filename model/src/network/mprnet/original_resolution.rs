//! ORSNet, MPRNet's third stage: groups of attention blocks at the picture's own resolution, and between them what the
//! second stage had at each of its levels.

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};

use super::MprNetConfig;
use super::block::{Cab, through};
use super::unet::{Levels, Up};
use crate::layer::{Conv2d, Sequence};
use crate::network::convolution::{dense, pointwise};

/// Attention blocks and a 3x3 convolution, with an identity skip.
#[derive(Module, Debug)]
struct Group {
    body: Sequence<Cab, Conv2d>,
}

impl Group {
    fn new(channels: usize, config: &MprNetConfig, device: &Device) -> Self {
        Self {
            body: Sequence {
                blocks: (0..config.blocks).map(|_| Cab::new(channels, config, device)).collect(),
                last: dense(channels, channels, 1, config.bias, device),
            },
        }
    }

    fn forward(&self, x: Tensor<4>, slope: &Tensor<1>) -> Tensor<4> {
        self.body.last.forward(through(&self.body.blocks, x.clone(), slope)) + x
    }
}

#[derive(Module, Debug)]
pub struct OriginalResolution {
    orb1: Group,
    orb2: Group,
    orb3: Group,
    up_enc1: Up,
    up_dec1: Up,
    up_enc2: (Up, Up),
    up_dec2: (Up, Up),
    conv_enc1: Conv2d,
    conv_enc2: Conv2d,
    conv_enc3: Conv2d,
    conv_dec1: Conv2d,
    conv_dec2: Conv2d,
    conv_dec3: Conv2d,
}

impl OriginalResolution {
    pub fn new(config: &MprNetConfig, device: &Device) -> Self {
        let channels = config.features + config.original_step;
        let group = || Group::new(channels, config, device);
        let widen = || pointwise(config.features, channels, config.bias, device);
        let up = |level: usize| Up::new(config, level, device);
        Self {
            orb1: group(),
            orb2: group(),
            orb3: group(),
            up_enc1: up(0),
            up_dec1: up(0),
            up_enc2: (up(1), up(0)),
            up_dec2: (up(1), up(0)),
            conv_enc1: widen(),
            conv_enc2: widen(),
            conv_enc3: widen(),
            conv_dec1: widen(),
            conv_dec2: widen(),
            conv_dec3: widen(),
        }
    }

    /// Features of this stage, and what the encoder and the decoder of the stage before gave, to features.
    pub fn forward(&self, x: Tensor<4>, encoded: Levels, decoded: Levels, slope: &Tensor<1>) -> Tensor<4> {
        let twice = |(first, second): &(Up, Up), x: Tensor<4>| second.forward(first.forward(x));
        let [encoded1, encoded2, encoded3] = encoded;
        let [decoded1, decoded2, decoded3] = decoded;
        let x = self.orb1.forward(x, slope) + self.conv_enc1.forward(encoded1) + self.conv_dec1.forward(decoded1);
        let (encoded2, decoded2) = (self.up_enc1.forward(encoded2), self.up_dec1.forward(decoded2));
        let x = self.orb2.forward(x, slope) + self.conv_enc2.forward(encoded2) + self.conv_dec2.forward(decoded2);
        let (encoded3, decoded3) = (twice(&self.up_enc2, encoded3), twice(&self.up_dec2, decoded3));
        self.orb3.forward(x, slope) + self.conv_enc3.forward(encoded3) + self.conv_dec3.forward(decoded3)
    }
}
