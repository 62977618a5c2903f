//! Layer norm over the channels of every pixel (Restormer's two variants, biased variance).

use burn::tensor::Tensor;

/// With a bias: `(x - mean) / sqrt(var + eps) * weight + bias`. Without: `x / sqrt(var + eps) * weight`
/// (Restormer's `BiasFree`, whose variance is still taken about the mean).
///
/// # Shapes
/// - x `[B, C, H, W]`, weight `[C]`, bias `[C]`
/// - output `[B, C, H, W]`
pub fn layer_norm(x: Tensor<4>, weight: Tensor<1>, bias: Option<Tensor<1>>, eps: f64) -> Tensor<4> {
    let channels = x.dims()[1];
    let mean = x.clone().mean_dim(1);
    let centred = x.clone() - mean;
    let deviation = centred.clone().powi_scalar(2).mean_dim(1).add_scalar(eps).sqrt();
    let weight = weight.reshape([1, channels, 1, 1]);
    match bias {
        Some(bias) => centred / deviation * weight + bias.reshape([1, channels, 1, 1]),
        None => x / deviation * weight,
    }
}
