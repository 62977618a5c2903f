//! What half-precision numbers are too coarse for: sums over many numbers, exponentials.

use burn::tensor::{DType, FloatDType, Tensor};

/// `operation` of x as f32, given back in the type of x.
pub fn in_f32<const D: usize>(x: Tensor<D>, operation: impl FnOnce(Tensor<D>) -> Tensor<D>) -> Tensor<D> {
    let dtype = x.dtype();
    operation(x.cast(FloatDType::F32)).cast(dtype)
}

/// Whether x is of 16 bits a number.
pub fn is_half<const D: usize>(x: &Tensor<D>) -> bool {
    matches!(x.dtype(), DType::BF16 | DType::F16)
}
