//! Squeeze and excitation: channels weighed by what their means say (MPRNet's and MambaIR's channel attention).

use burn::tensor::{
    Tensor,
    activation::{relu, sigmoid},
};

use super::global_mean::global_mean;
use crate::layer::Conv2d;

/// `x · sigmoid(widen(relu(narrow(mean x))))`, `[B, C, H, W]` to the same. Both convolutions are 1x1.
pub fn channel_gate(x: Tensor<4>, narrow: &Conv2d, widen: &Conv2d) -> Tensor<4> {
    let weights = widen.forward(relu(narrow.forward(global_mean(x.clone()))));
    x * sigmoid(weights)
}
