//! ICB, InstructIR's instruction condition block: which channels an instruction lets through.

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor, activation::sigmoid},
};

use crate::layer::{Linear, constant};
use crate::network::nafnet::NafBlock;

/// `x + block((x · γ + β) · sigmoid(fc(text)))`
#[derive(Module, Debug)]
pub struct ConditionBlock {
    /// `[1, C, 1, 1]`, starts at 0, as β.
    gamma: Param<Tensor<4>>,
    beta: Param<Tensor<4>>,
    fc: Linear,
    block: NafBlock,
}

impl ConditionBlock {
    pub fn new(channels: usize, text_dim: usize, window: usize, device: &Device) -> Self {
        Self {
            gamma: constant([1, channels, 1, 1], 0.0, device),
            beta: constant([1, channels, 1, 1], 0.0, device),
            fc: Linear::new(text_dim, channels, true, device),
            block: NafBlock::new(channels, window, device),
        }
    }

    /// x `[B, C, H, W]` and text `[B, text_dim]` to `[B, C, H, W]`.
    pub fn forward(&self, x: Tensor<4>, text: &Tensor<2>) -> Tensor<4> {
        let [batch, channels, ..] = x.dims();
        let gate = sigmoid(self.fc.forward(text.clone())).reshape([batch, channels, 1, 1]);
        let routed = (x.clone() * self.gamma.val() + self.beta.val()) * gate;
        self.block.forward(routed) + x
    }

    /// Lets every channel through as it came, times its gate: the way conditions are after some training.
    #[cfg(test)]
    pub fn listen(&mut self) {
        self.gamma = self.gamma.clone().map(|gamma| gamma + 1.0);
    }
}
