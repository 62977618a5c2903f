//! MPRNet's edge loss: Charbonnier's loss between two pictures' Laplacians.

use burn::tensor::{
    Device, Tensor, TensorData,
    module::conv2d,
    ops::{ConvOptions, PadMode},
};

use super::charbonnier;

const BINOMIAL: [f32; 5] = [0.05, 0.25, 0.4, 0.25, 0.05];

/// Charbonnier's loss between the Laplacians of a and b.
///
/// # Shapes
/// - a, b `[B, C, H, W]`
pub fn edge(a: Tensor<4>, b: Tensor<4>) -> Tensor<1> {
    charbonnier(laplacian(a), laplacian(b))
}

/// What a picture loses when it is blurred, halved (with zeros between) and blurred again.
fn laplacian(x: Tensor<4>) -> Tensor<4> {
    let [_, channels, height, width] = x.dims();
    let device = x.device();
    let kernel = kernel(channels, &device);
    // Every second row and column, four times as bright.
    let kept = |size: usize| -> Vec<f32> { (0..size).map(|position| f32::from(position % 2 == 0) * 2.0).collect() };
    let rows = Tensor::<1>::from_data(kept(height).as_slice(), &device).reshape([1, 1, height, 1]);
    let columns = Tensor::<1>::from_data(kept(width).as_slice(), &device).reshape([1, 1, 1, width]);
    let halved = blur(x.clone(), kernel.clone()) * (rows * columns);
    x - blur(halved, kernel)
}

fn kernel(channels: usize, device: &Device) -> Tensor<4> {
    let plane = BINOMIAL.iter().flat_map(|row| BINOMIAL.map(|column| row * column));
    let plane = TensorData::new(plane.collect::<Vec<f32>>(), [1, 1, 5, 5]);
    Tensor::<4>::from_data(plane, device).repeat_dim(0, channels)
}

/// 5x5 in each channel, the border repeated.
fn blur(x: Tensor<4>, kernel: Tensor<4>) -> Tensor<4> {
    let channels = x.dims()[1];
    let padded = x.pad([(2, 2), (2, 2)], PadMode::Edge);
    conv2d(padded, kernel, None, ConvOptions::new([1, 1], [0, 0], [1, 1], channels))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loss::testing::scalar;

    #[test]
    fn only_edges_cost() {
        let device = Device::flex();
        let ramp = Tensor::<1>::from_data([0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0], &device);
        let step = ramp.reshape([1, 1, 1, 8]).repeat_dim(2, 8).repeat_dim(1, 3);
        let flat = Tensor::zeros([1, 3, 8, 8], &device);
        assert!((scalar(edge(step.clone(), step.clone())) - 1e-3).abs() < 1e-7);
        assert!(scalar(edge(step, flat)) > 0.05);
    }
}
