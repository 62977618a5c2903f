//! Attention over channels (Restormer's MDTA, Perceive-IR's eq. 7): a c x c matrix a head instead of HW x HW.

use burn::tensor::{Tensor, activation::softmax};

/// `softmax(norm(q) norm(k)^T * temperature) v` with rows of q and k l2-normalised over the pixels (eps 1e-12).
///
/// # Shapes
/// - q, k, v `[B, C, H, W]`, temperature `[heads, 1, 1]`
/// - output `[B, C, H, W]`
pub fn channel_attention(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>, temperature: Tensor<3>) -> Tensor<4> {
    let [b, c, h, w] = q.dims();
    let heads = temperature.dims()[0];
    let split = |t: Tensor<4>| t.reshape([b, heads, c / heads, h * w]);
    let (q, k, v) = (split(q), split(k), split(v));
    // Normalising the small matrix by the rows' lengths equals normalising q and k, and is far cheaper.
    let length = |t: &Tensor<4>| t.clone().powi_scalar(2).sum_dim(3).sqrt().clamp_min(1e-12);
    let lengths = length(&q).matmul(length(&k).swap_dims(2, 3));
    let scores = q.matmul(k.swap_dims(2, 3)) / lengths * temperature.reshape([1, heads, 1, 1]);
    softmax(scores, 3).matmul(v).reshape([b, c, h, w])
}
