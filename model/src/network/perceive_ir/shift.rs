//! How a condition enters where there is no PGM: one linear map of it is added to the features, `Y = X + W c`.

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor},
};

use crate::layer::constant;

#[derive(Module, Debug)]
pub struct Shift {
    /// `[C, condition_dim]`
    weight: Param<Tensor<2>>,
}

impl Shift {
    /// W starts at 0, as a PGM does: Y starts as X.
    pub fn new(channels: usize, condition_dim: usize, device: &Device) -> Self {
        Self {
            weight: constant([channels, condition_dim], 0.0, device),
        }
    }

    /// x `[B, C, H, W]` and condition `[B, condition_dim]` to Y `[B, C, H, W]`.
    pub fn forward(&self, x: Tensor<4>, condition: Tensor<2>) -> Tensor<4> {
        let [batch, channels, ..] = x.dims();
        x + condition
            .matmul(self.weight.val().transpose())
            .reshape([batch, channels, 1, 1])
    }
}
