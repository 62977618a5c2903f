//! FSNet's frequency modulation: a mean is what is low, the rest what is high, and each is scaled by itself.

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor},
};

use crate::layer::constant;
use crate::network::nafnet::local_mean;

/// The mean over `local` 256ths of the picture about each pixel; over the whole picture for 0.
pub fn mean(x: Tensor<4>, local: usize) -> Tensor<4> {
    let [_, _, height, width] = x.dims();
    local_mean(x, [height, width].map(|size| size * local / 256))
}

/// `[C]` beside `[B, C, H, W]`.
fn of_channels(scale: &Param<Tensor<1>>) -> Tensor<4> {
    let scale = scale.val();
    let channels = scale.dims()[0];
    scale.reshape([1, channels, 1, 1])
}

/// Of whole pictures: `d · low + (1 + h) · high`; both scales start at 0.
#[derive(Module, Debug)]
pub struct GlobalModulation {
    fscale_d: Param<Tensor<1>>,
    fscale_h: Param<Tensor<1>>,
    local: usize,
}

impl GlobalModulation {
    pub fn new(channels: usize, local: usize, device: &Device) -> Self {
        Self {
            fscale_d: constant([channels], 0.0, device),
            fscale_h: constant([channels], 0.0, device),
            local,
        }
    }

    /// `[B, C, H, W]` to the same.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let low = mean(x.clone(), self.local);
        let high = (x - low.clone()) * of_channels(&self.fscale_h).add_scalar(1.0);
        high + low * of_channels(&self.fscale_d)
    }
}

/// Of the picture's four quarters, each with scales of its own: `l · low + h · high`; both start at 0.
#[derive(Module, Debug)]
pub struct QuarterModulation {
    h: Param<Tensor<1>>,
    l: Param<Tensor<1>>,
    local: usize,
}

impl QuarterModulation {
    pub fn new(channels: usize, local: usize, device: &Device) -> Self {
        Self {
            h: constant([4 * channels], 0.0, device),
            l: constant([4 * channels], 0.0, device),
            local,
        }
    }

    /// `[B, C, H, W]` with even H and W to the same.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [batch, channels, height, width] = x.dims();
        let [h, w] = [height / 2, width / 2];
        let quarters = x
            .reshape([batch, channels, 2, h, 2, w])
            .permute([0, 1, 2, 4, 3, 5])
            .reshape([batch, 4 * channels, h, w]);
        let low = mean(quarters.clone(), self.local);
        let high = (quarters - low.clone()) * of_channels(&self.h);
        (high + low * of_channels(&self.l))
            .reshape([batch, channels, 2, 2, h, w])
            .permute([0, 1, 2, 4, 3, 5])
            .reshape([batch, channels, height, width])
    }
}
