//! FSNet's dynamic filter: a low pass whose kernels are read off the features' mean, and a choice, channel by channel,
//! between what it lets through and what it holds back.

use burn::{
    module::{Module, Param},
    tensor::{
        Device, Tensor,
        activation::softmax,
        module::conv2d,
        ops::{ConvOptions, PadMode},
    },
};

use super::frequency::mean;
use crate::layer::{BatchNorm, Conv2d, constant, in_f32};
use crate::network::{convolution::pointwise, global_mean::global_mean};

/// Groups of channels that share a kernel.
const GROUPS: usize = 8;

/// SFconv: a softmax over all channels of high and low together.
#[derive(Module, Debug)]
struct Choice {
    fc: Conv2d,
    /// Of high and of low.
    fcs: [Conv2d; 2],
    out: Conv2d,
    local: usize,
}

impl Choice {
    fn new(channels: usize, local: usize, device: &Device) -> Self {
        let hidden = (channels / 2).max(32);
        Self {
            fc: pointwise(channels, hidden, true, device),
            fcs: [(); 2].map(|()| pointwise(hidden, channels, true, device)),
            out: pointwise(channels, channels, true, device),
            local,
        }
    }

    fn forward(&self, low: Tensor<4>, high: Tensor<4>) -> Tensor<4> {
        let channels = low.dims()[1];
        let code = self.fc.forward(mean(low.clone() + high.clone(), self.local));
        let shares = self.fcs.each_ref().map(|layer| layer.forward(code.clone()));
        let shares = in_f32(Tensor::cat(shares.into(), 1), |scores| softmax(scores, 1));
        let (of_high, of_low) = (
            shares.clone().narrow(1, 0, channels),
            shares.narrow(1, channels, channels),
        );
        self.out.forward(high * of_high + low * of_low)
    }
}

#[derive(Module, Debug)]
pub struct DynamicFilter {
    conv: Conv2d,
    bn: BatchNorm,
    /// Two scales that the official code makes and never uses.
    lamb_l: Param<Tensor<1>>,
    lamb_h: Param<Tensor<1>>,
    modulate: Choice,
    kernel: usize,
}

impl DynamicFilter {
    /// Kernels of `kernel` x `kernel`, odd, for channels in [`GROUPS`].
    pub fn new(channels: usize, kernel: usize, local: usize, device: &Device) -> Self {
        let taps = GROUPS * kernel * kernel;
        Self {
            conv: pointwise(channels, taps, false, device),
            bn: BatchNorm::new(taps, device),
            lamb_l: constant([channels], 0.0, device),
            lamb_h: constant([channels], 0.0, device),
            modulate: Choice::new(channels, local, device),
            kernel,
        }
    }

    /// `[B, C, H, W]` to the same.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let low = self.low_pass(x.clone());
        self.modulate.forward(low.clone(), x - low)
    }

    /// Every channel of every picture with its group's kernel, which sums to 1; edges are mirrored.
    fn low_pass(&self, x: Tensor<4>) -> Tensor<4> {
        let [batch, channels, height, width] = x.dims();
        let (kernel, reach) = (self.kernel, self.kernel / 2);
        let taps = self.bn.forward(self.conv.forward(global_mean(x.clone())));
        let taps = taps.reshape([batch * GROUPS, 1, kernel * kernel]);
        let taps = in_f32(taps, |scores| softmax(scores, 2))
            .expand([batch * GROUPS, channels / GROUPS, kernel * kernel])
            .reshape([batch * channels, 1, kernel, kernel]);
        let mirrored = x.pad((reach, reach, reach, reach), PadMode::Reflect);
        let planes = mirrored.reshape([1, batch * channels, height + 2 * reach, width + 2 * reach]);
        let options = ConvOptions::new([1, 1], [0, 0], [1, 1], batch * channels);
        conv2d(planes, taps, None, options).reshape([batch, channels, height, width])
    }
}
