//! NAFNet's block: nothing in it is a nonlinear activation but the product of two halves (SimpleGate).
//!
//! ```text
//! x' = x  + β · W_3 (g ⊙ W_s mean(g)),   g = gate(depthwise(W_1 LN x))     simplified channel attention
//! x″ = x' + γ · W_5 gate(W_4 LN x')
//! ```

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor},
};

use super::local_mean::local_mean;
use crate::kernel::{scaled_residual, simple_gate, simple_gated_depthwise3x3};
use crate::layer::{Conv2d, Gap, constant};
use crate::network::{
    channel_norm::ChannelNorm,
    convolution::{depthwise, pointwise},
};

const EPSILON: f64 = 1e-6;

#[derive(Module, Debug)]
pub struct NafBlock {
    /// `[1, C, 1, 1]`, starts at 0: a new block gives its input back.
    pub beta: Param<Tensor<4>>,
    /// Likewise.
    pub gamma: Param<Tensor<4>>,
    conv1: Conv2d,
    conv2: Conv2d,
    conv3: Conv2d,
    /// The simplified channel attention: a mean and a linear map.
    sca: (Gap, Conv2d),
    conv4: Conv2d,
    conv5: Conv2d,
    norm1: ChannelNorm,
    norm2: ChannelNorm,
    window: usize,
}

impl NafBlock {
    /// `window`: side of the window over which the attention takes its means; 0 is the whole picture.
    pub fn new(channels: usize, window: usize, device: &Device) -> Self {
        let widening = || pointwise(channels, 2 * channels, true, device);
        let plain = || pointwise(channels, channels, true, device);
        Self {
            beta: constant([1, channels, 1, 1], 0.0, device),
            gamma: constant([1, channels, 1, 1], 0.0, device),
            conv1: widening(),
            conv2: depthwise(2 * channels, true, device),
            conv3: plain(),
            sca: (Gap, plain()),
            conv4: widening(),
            conv5: plain(),
            norm1: ChannelNorm::with_epsilon(channels, EPSILON, device),
            norm2: ChannelNorm::with_epsilon(channels, EPSILON, device),
            window,
        }
    }

    /// `[B, C, H, W]` to the same.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let features = self.features(x.clone());
        self.feed_forward(self.attended(x, features.clone(), features))
    }

    /// The block on y, with an attention that weighs x's features by y's means: for y = x it is
    /// [`forward`](Self::forward). Both `[B, C, H, W]`.
    pub fn forward_steered(&self, x: Tensor<4>, y: Tensor<4>) -> Tensor<4> {
        let (features, steering) = (self.features(x), self.features(y.clone()));
        self.feed_forward(self.attended(y, features, steering))
    }

    fn features(&self, x: Tensor<4>) -> Tensor<4> {
        let widened = self.conv1.forward(self.norm1.forward(x));
        let (weight, bias) = parts(&self.conv2);
        simple_gated_depthwise3x3(widened, weight, bias)
    }

    /// Adds to x the features, weighed channel by channel by a linear map of the means of `steering`.
    fn attended(&self, x: Tensor<4>, features: Tensor<4>, steering: Tensor<4>) -> Tensor<4> {
        let gains = self.sca.1.forward(local_mean(steering, [self.window; 2]));
        let (weight, bias) = parts(&self.conv3);
        scaled_residual(x, features, Some(gains), weight, bias, self.beta.val())
    }

    fn feed_forward(&self, x: Tensor<4>) -> Tensor<4> {
        let hidden = simple_gate(self.conv4.forward(self.norm2.forward(x.clone())));
        let (weight, bias) = parts(&self.conv5);
        scaled_residual(x, hidden, None, weight, bias, self.gamma.val())
    }
}

/// Weight and bias.
fn parts(convolution: &Conv2d) -> (Tensor<4>, Option<Tensor<1>>) {
    (convolution.weight.val(), convolution.bias.as_ref().map(Param::val))
}
