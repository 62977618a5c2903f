//! 1x1 convolution: a matrix product over channels at every pixel.

use burn::tensor::{Tensor, module::conv2d, ops::ConvOptions};

/// # Shapes
/// - x `[B, I, H, W]`, weight `[O, I, 1, 1]`, bias `[O]`
/// - output `[B, O, H, W]`
pub fn pointwise(x: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>) -> Tensor<4> {
    conv2d(x, weight, bias, ConvOptions::new([1, 1], [0, 0], [1, 1], 1))
}
