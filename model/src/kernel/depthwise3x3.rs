//! Depthwise 3x3 convolution, zero padding of 1, stride 1.

use burn::tensor::{Tensor, module::conv2d, ops::ConvOptions};

/// # Shapes
/// - x `[B, C, H, W]`, weight `[C, 1, 3, 3]`, bias `[C]`
/// - output `[B, C, H, W]`
pub fn depthwise3x3(x: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>) -> Tensor<4> {
    let channels = x.dims()[1];
    conv2d(x, weight, bias, ConvOptions::new([1, 1], [1, 1], [1, 1], channels))
}
