//! FSNet's frequency loss: L1 between two pictures' Fourier transforms.

use std::f64::consts::TAU;

use burn::tensor::{Device, Tensor, TensorData};

/// Mean of `|Re(F a - F b)|` and `|Im(F a - F b)|` over all frequencies, F the unnormalised 2-D transform.
///
/// The transform is linear and the patches are small, so one difference is multiplied by matrices of cosines and sines.
///
/// # Shapes
/// - a, b `[B, C, H, W]`
pub fn fft_l1(a: Tensor<4>, b: Tensor<4>) -> Tensor<1> {
    let [_, _, height, width] = a.dims();
    let device = a.device();
    let (row_cos, row_sin) = waves(height, &device);
    let (column_cos, column_sin) = waves(width, &device);
    let difference = a - b;
    let (even, odd) = (difference.clone().matmul(column_cos), difference.matmul(column_sin));
    let real = row_cos.clone().matmul(even.clone()) - row_sin.clone().matmul(odd.clone());
    let imaginary = row_sin.matmul(even) + row_cos.matmul(odd); // but for its sign
    (real.abs().mean() + imaginary.abs().mean()).mul_scalar(0.5)
}

/// Cosines and sines of `2π j k / size`, each `[1, 1, size, size]`.
fn waves(size: usize, device: &Device) -> (Tensor<4>, Tensor<4>) {
    let wave = |function: fn(f64) -> f64| {
        let angles = (0..size * size).map(|index| TAU * ((index / size) * (index % size) % size) as f64 / size as f64);
        let values: Vec<f32> = angles.map(|angle| function(angle) as f32).collect();
        Tensor::from_data(TensorData::new(values, [1, 1, size, size]), device)
    };
    (wave(f64::cos), wave(f64::sin))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loss::testing::scalar;

    #[test]
    fn a_constant_difference_is_one_frequency() {
        let device = Device::flex();
        let (a, b) = (
            Tensor::ones([2, 3, 6, 10], &device),
            Tensor::zeros([2, 3, 6, 10], &device),
        );
        // One real coefficient of 60 among 2 * 60 parts of the same plane.
        assert!((scalar(fft_l1(a, b)) - 0.5).abs() < 1e-5);
    }
}
