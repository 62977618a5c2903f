//! What PyTorch calls `AdaptiveAvgPool2d(1)`.

use burn::tensor::Tensor;

/// The mean of every channel, `[B, C, H, W]` to `[B, C, 1, 1]`.
pub fn global_mean(x: Tensor<4>) -> Tensor<4> {
    let [batch, channels, height, width] = x.dims();
    x.reshape([batch, channels, height * width])
        .mean_dim(2)
        .reshape([batch, channels, 1, 1])
}
