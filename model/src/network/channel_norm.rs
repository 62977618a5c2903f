//! Layer norm over the channels of every pixel: Restormer's two variants, and NAFNet's with another epsilon.

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor},
};
use serde::{Deserialize, Serialize};

use crate::kernel::{FeedForward, feed_forward, layer_norm, norm_pointwise, norm_pointwise_depthwise3x3};
use crate::layer::{Conv2d, constant};

/// Restormer's and this project's epsilon; PyTorch's default.
const EPSILON: f64 = 1e-5;

/// Restormer's `LayerNorm_type`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NormKind {
    /// `(x - mean) / sqrt(var + eps) * weight + bias`
    #[default]
    WithBias,
    /// `x / sqrt(var + eps) * weight`
    BiasFree,
}

/// The norm of one channel vector a pixel; its kind is whether it has a bias.
#[derive(Module, Debug)]
pub struct ChannelNorm {
    /// `[C]`, starts at 1.
    pub weight: Param<Tensor<1>>,
    /// `[C]`, starts at 0.
    pub bias: Option<Param<Tensor<1>>>,
    epsilon: f64,
}

impl ChannelNorm {
    pub fn new(channels: usize, kind: NormKind, device: &Device) -> Self {
        Self {
            weight: constant([channels], 1.0, device),
            bias: (kind == NormKind::WithBias).then(|| constant([channels], 0.0, device)),
            epsilon: EPSILON,
        }
    }

    /// With a bias and another epsilon.
    pub fn with_epsilon(channels: usize, epsilon: f64, device: &Device) -> Self {
        Self {
            epsilon,
            ..Self::new(channels, NormKind::WithBias, device)
        }
    }

    /// `[B, C, H, W]` to the same.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        layer_norm(x, self.weight.val(), self.bias.as_ref().map(Param::val), self.epsilon)
    }

    /// `convolution(norm(x))`; a 1x1 convolution without a bias multiplies as the norm goes.
    pub fn then(&self, convolution: &Conv2d, x: Tensor<4>) -> Tensor<4> {
        if convolution.is_plain_pointwise() {
            let (weight, bias) = (self.weight.val(), self.bias.as_ref().map(Param::val));
            norm_pointwise(x, weight, bias, self.epsilon, convolution.weight.val())
        } else {
            convolution.forward(self.forward(x))
        }
    }

    /// `filter(convolution(norm(x)))`, a 1x1 and a depthwise 3x3 convolution; one visit to memory where neither has a bias
    /// and no gradient is asked for.
    pub fn then_filtered(&self, convolution: &Conv2d, filter: &Conv2d, x: Tensor<4>) -> Tensor<4> {
        if convolution.is_plain_pointwise() && filter.bias.is_none() {
            let (weight, bias) = (self.weight.val(), self.bias.as_ref().map(Param::val));
            let filter = filter.weight.val();
            norm_pointwise_depthwise3x3(x, weight, bias, self.epsilon, convolution.weight.val(), filter)
        } else {
            filter.forward(self.then(convolution, x))
        }
    }

    /// `x + narrow(gelu_gate(filter(widen(norm(x)))))` of convolutions without biases.
    pub fn then_feed_forward(&self, [widen, filter, narrow]: [&Conv2d; 3], x: Tensor<4>) -> Tensor<4> {
        let [widen, filter, narrow] = [widen, filter, narrow].map(|convolution| convolution.weight.val());
        let network = FeedForward {
            norm: self.weight.val(),
            norm_bias: self.bias.as_ref().map(Param::val),
            eps: self.epsilon,
            widen,
            filter,
            narrow,
        };
        feed_forward(x, network)
    }
}
