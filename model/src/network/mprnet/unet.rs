//! The U-Nets of MPRNet's first two stages: three levels, half as wide and high each.

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};

use super::MprNetConfig;
use super::block::{Cab, through};
use crate::layer::{Conv2d, Gap};
use crate::network::convolution::pointwise;
use crate::tower::resize::{Filter, resize};

/// Features of the three levels, from full resolution down.
pub type Levels = [Tensor<4>; 3];

/// Channels of a level, from 0 at full resolution.
fn width(config: &MprNetConfig, level: usize) -> usize {
    config.features + level * config.unet_step
}

fn bilinear(x: Tensor<4>, [height, width]: [usize; 2]) -> Tensor<4> {
    resize(x, [height, width], Filter::Bilinear, false)
}

/// Halved, then a 1x1 convolution to the next level's channels.
#[derive(Module, Debug)]
struct Down {
    down: (Gap, Conv2d),
}

impl Down {
    fn new(config: &MprNetConfig, level: usize, device: &Device) -> Self {
        let convolution = pointwise(width(config, level), width(config, level + 1), false, device);
        Self {
            down: (Gap, convolution),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [_, _, height, width] = x.dims();
        self.down.1.forward(bilinear(x, [height / 2, width / 2]))
    }
}

/// Doubled, then a 1x1 convolution to this level's channels.
#[derive(Module, Debug)]
pub struct Up {
    up: (Gap, Conv2d),
}

impl Up {
    /// To `level` from the one below.
    pub fn new(config: &MprNetConfig, level: usize, device: &Device) -> Self {
        let convolution = pointwise(width(config, level + 1), width(config, level), false, device);
        Self { up: (Gap, convolution) }
    }

    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [_, _, height, width] = x.dims();
        self.up.1.forward(bilinear(x, [2 * height, 2 * width]))
    }
}

fn pair(config: &MprNetConfig, level: usize, device: &Device) -> Vec<Cab> {
    (0..2).map(|_| Cab::new(width(config, level), config, device)).collect()
}

#[derive(Module, Debug)]
pub struct Encoder {
    encoder_level1: Vec<Cab>,
    encoder_level2: Vec<Cab>,
    encoder_level3: Vec<Cab>,
    down12: Down,
    down23: Down,
    /// Of stage 2: what the stage before had at each level.
    csff_enc1: Option<Conv2d>,
    csff_enc2: Option<Conv2d>,
    csff_enc3: Option<Conv2d>,
    csff_dec1: Option<Conv2d>,
    csff_dec2: Option<Conv2d>,
    csff_dec3: Option<Conv2d>,
}

impl Encoder {
    /// `fuses`: whether features of the stage before are added.
    pub fn new(config: &MprNetConfig, fuses: bool, device: &Device) -> Self {
        let fusion = |level: usize| {
            let channels = width(config, level);
            fuses.then(|| pointwise(channels, channels, config.bias, device))
        };
        Self {
            encoder_level1: pair(config, 0, device),
            encoder_level2: pair(config, 1, device),
            encoder_level3: pair(config, 2, device),
            down12: Down::new(config, 0, device),
            down23: Down::new(config, 1, device),
            csff_enc1: fusion(0),
            csff_enc2: fusion(1),
            csff_enc3: fusion(2),
            csff_dec1: fusion(0),
            csff_dec2: fusion(1),
            csff_dec3: fusion(2),
        }
    }

    /// Features `[B, C, H, W]`, and what the encoder and the decoder of the stage before gave, to the three levels.
    pub fn forward(&self, x: Tensor<4>, before: Option<(&Levels, &Levels)>, slope: &Tensor<1>) -> Levels {
        let fused = |x: Tensor<4>, level: usize, encoder: &Option<Conv2d>, decoder: &Option<Conv2d>| match (
            before, encoder, decoder,
        ) {
            (Some((encoded, decoded)), Some(of_encoder), Some(of_decoder)) => {
                x + of_encoder.forward(encoded[level].clone()) + of_decoder.forward(decoded[level].clone())
            }
            _ => x,
        };
        let first = through(&self.encoder_level1, x, slope);
        let first = fused(first, 0, &self.csff_enc1, &self.csff_dec1);
        let second = through(&self.encoder_level2, self.down12.forward(first.clone()), slope);
        let second = fused(second, 1, &self.csff_enc2, &self.csff_dec2);
        let third = through(&self.encoder_level3, self.down23.forward(second.clone()), slope);
        let third = fused(third, 2, &self.csff_enc3, &self.csff_dec3);
        [first, second, third]
    }
}

#[derive(Module, Debug)]
pub struct Decoder {
    decoder_level1: Vec<Cab>,
    decoder_level2: Vec<Cab>,
    decoder_level3: Vec<Cab>,
    skip_attn1: Cab,
    skip_attn2: Cab,
    up21: Up,
    up32: Up,
}

impl Decoder {
    pub fn new(config: &MprNetConfig, device: &Device) -> Self {
        Self {
            decoder_level1: pair(config, 0, device),
            decoder_level2: pair(config, 1, device),
            decoder_level3: pair(config, 2, device),
            skip_attn1: Cab::new(width(config, 0), config, device),
            skip_attn2: Cab::new(width(config, 1), config, device),
            up21: Up::new(config, 0, device),
            up32: Up::new(config, 1, device),
        }
    }

    pub fn forward(&self, [first, second, third]: &Levels, slope: &Tensor<1>) -> Levels {
        let third = through(&self.decoder_level3, third.clone(), slope);
        let x = self.up32.forward(third.clone()) + self.skip_attn2.forward(second.clone(), slope);
        let second = through(&self.decoder_level2, x, slope);
        let x = self.up21.forward(second.clone()) + self.skip_attn1.forward(first.clone(), slope);
        [through(&self.decoder_level1, x, slope), second, third]
    }
}
