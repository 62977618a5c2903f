//! The gate of Restormer's feed-forward network: `gelu(x1) * x2` with the exact GELU.

use burn::tensor::{Tensor, activation::gelu};

/// # Shapes
/// - x `[B, 2C, H, W]`, split in halves x1, x2 along the channels
/// - output `[B, C, H, W]`
pub fn gelu_gate(x: Tensor<4>) -> Tensor<4> {
    let halves = x.chunk(2, 1);
    gelu(halves[0].clone()) * halves[1].clone()
}
