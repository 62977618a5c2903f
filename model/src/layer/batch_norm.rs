//! Batch norm with the statistics that it was trained with: `(x - mean) / sqrt(var + eps) * weight + bias`.
//!
//! The statistics are stored, never measured: a published network computes what it was published to compute, and one that
//! is trained here keeps the mean 0 and the variance 1 that it starts with.

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor},
};

use super::init::constant;

/// PyTorch's default.
const EPSILON: f64 = 1e-5;

#[derive(Module, Debug)]
pub struct BatchNorm {
    /// `[C]`, at first 1.
    pub weight: Param<Tensor<1>>,
    /// `[C]`, at first 0.
    pub bias: Param<Tensor<1>>,
    /// `[C]`, not learned.
    pub running_mean: Param<Tensor<1>>,
    /// `[C]`, not learned.
    pub running_var: Param<Tensor<1>>,
}

impl BatchNorm {
    pub fn new(channels: usize, device: &Device) -> Self {
        Self {
            weight: constant([channels], 1.0, device),
            bias: constant([channels], 0.0, device),
            running_mean: constant([channels], 0.0, device).set_require_grad(false),
            running_var: constant([channels], 1.0, device).set_require_grad(false),
        }
    }

    /// `[B, C, H, W]` to the same.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let channels = x.dims()[1];
        let scale = self.weight.val() / self.running_var.val().add_scalar(EPSILON).sqrt();
        let shift = self.bias.val() - self.running_mean.val() * scale.clone();
        let of_channels = |values: Tensor<1>| values.reshape([1, channels, 1, 1]);
        x * of_channels(scale) + of_channels(shift)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_statistics_are_taken_away() {
        let device = Device::flex();
        let norm = BatchNorm {
            weight: Param::from_data([2.0, 1.0], &device),
            bias: Param::from_data([0.5, 0.0], &device),
            running_mean: Param::from_data([3.0, -1.0], &device),
            running_var: Param::from_data([4.0, 0.25], &device),
        };
        let x = Tensor::<4>::from_data([[[[5.0]], [[1.0]]]], &device);
        let y = norm.forward(x).into_data().try_to_vec::<f32>().unwrap();
        assert!((y[0] - 2.5).abs() < 1e-4 && (y[1] - 4.0).abs() < 1e-3, "{y:?}");
    }
}
