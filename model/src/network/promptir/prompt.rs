//! PromptIR's prompt generation: a few learned maps, mixed by what the features are like.

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor, activation::softmax},
};

use crate::layer::{Conv2d, Linear, between, in_f32};
use crate::network::{convolution::dense, global_mean::global_mean};
use crate::tower::resize::{Filter, resize};

#[derive(Module, Debug)]
pub struct PromptGenerator {
    /// `[1, N, P, S, S]`, starts even in 0..1.
    prompt_param: Param<Tensor<5>>,
    linear_layer: Linear,
    conv3x3: Conv2d,
}

impl PromptGenerator {
    /// `count` prompts of `channels` channels and `size` x `size` pixels, for features of `features` channels.
    pub fn new(features: usize, channels: usize, count: usize, size: usize, device: &Device) -> Self {
        Self {
            prompt_param: between([1, count, channels, size, size], 0.0, 1.0, device),
            linear_layer: Linear::new(features, count, true, device),
            conv3x3: dense(channels, channels, 1, false, device),
        }
    }

    /// Features `[B, C, H, W]` to their prompt `[B, P, H, W]`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [batch, features, height, width] = x.dims();
        let prompts = self.prompt_param.val();
        let [_, count, channels, size, _] = prompts.dims();
        let scores = self.linear_layer.forward(global_mean(x).reshape([batch, features]));
        let shares = in_f32(scores, |scores| softmax(scores, 1));
        let mixed = shares
            .matmul(prompts.reshape([count, channels * size * size]))
            .reshape([batch, channels, size, size]);
        self.conv3x3
            .forward(resize(mixed, [height, width], Filter::Bilinear, false))
    }
}
