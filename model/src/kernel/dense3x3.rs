//! Dense 3x3 convolution, zero padding of 1, stride 1 or 2.

use burn::tensor::{Tensor, module::conv2d, ops::ConvOptions};

/// # Shapes
/// - x `[B, I, H, W]`, weight `[O, I, 3, 3]`, bias `[O]`
/// - output `[B, O, ceil(H / stride), ceil(W / stride)]`
pub fn dense3x3(x: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>, stride: usize) -> Tensor<4> {
    conv2d(x, weight, bias, ConvOptions::new([stride, stride], [1, 1], [1, 1], 1))
}
