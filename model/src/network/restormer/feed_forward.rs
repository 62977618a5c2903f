//! GDFN, gated-Dconv feed-forward network: `W_o (gelu(x1) ⊙ x2)`, x1 and x2 the halves of a widened, filtered input.

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor},
};

use crate::kernel::gated_depthwise3x3;
use crate::layer::Conv2d;
use crate::network::channel_norm::ChannelNorm;
use crate::network::convolution::{depthwise, pointwise};

#[derive(Module, Debug)]
pub struct Gdfn {
    project_in: Conv2d,
    dwconv: Conv2d,
    project_out: Conv2d,
}

impl Gdfn {
    /// Each half has `floor(channels * expansion)` channels.
    pub fn new(channels: usize, expansion: f64, bias: bool, device: &Device) -> Self {
        let hidden = (channels as f64 * expansion) as usize;
        Self {
            project_in: pointwise(channels, 2 * hidden, bias, device),
            dwconv: depthwise(2 * hidden, bias, device),
            project_out: pointwise(hidden, channels, bias, device),
        }
    }

    /// `x + GDFN(norm(x))`, `[B, C, H, W]` to the same.
    pub fn residual(&self, norm: &ChannelNorm, x: Tensor<4>) -> Tensor<4> {
        let convolutions = [&self.project_in, &self.dwconv, &self.project_out];
        if convolutions.iter().all(|convolution| convolution.bias.is_none()) {
            return norm.then_feed_forward(convolutions, x);
        }
        let bias = self.dwconv.bias.as_ref().map(Param::val);
        let widened = norm.then(&self.project_in, x.clone());
        let gated = gated_depthwise3x3(widened, self.dwconv.weight.val(), bias);
        self.project_out.forward_onto(x, gated)
    }
}
