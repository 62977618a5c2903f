//! Batch norm: `(x - mean) / sqrt(var + eps) * weight + bias`.
//!
//! The statistics are those that are stored: a published network computes what it was published to compute, and one that is
//! trained here keeps the mean 0 and the variance 1 that it starts with. Only where a network's own training measures them
//! (AirNet's encoder, by [`BatchNorm::measure`]) are they those of the batch, and the stored ones follow.

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor, module::batch_norm_train},
};

use super::init::constant;

/// PyTorch's default.
const EPSILON: f64 = 1e-5;

/// How far the stored statistics go towards those of a batch: PyTorch's default.
const MOMENTUM: f64 = 0.1;

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

    /// `[B, C, H, W]` to the same with the statistics of x itself, and these.
    pub fn measure(&self, x: Tensor<4>) -> (Tensor<4>, Statistics) {
        let [batch, _, height, width] = x.dims();
        let values = (batch * height * width) as f64;
        let measured = batch_norm_train(x, self.weight.val(), self.bias.val(), EPSILON);
        let statistics = Statistics {
            mean: measured.mean.detach(),
            // The network sees the biased variance, and stores the other one, as PyTorch does.
            variance: measured.variance.detach() * (values / (values - 1.0).max(1.0)),
        };
        (measured.output, statistics)
    }

    /// The stored statistics follow a batch's.
    pub fn follow(&mut self, statistics: &Statistics) {
        for (stored, measured) in [
            (&mut self.running_mean, &statistics.mean),
            (&mut self.running_var, &statistics.variance),
        ] {
            let moved = |stored: Tensor<1>| stored.detach() * (1.0 - MOMENTUM) + measured.clone() * MOMENTUM;
            *stored = stored.clone().map(moved).set_require_grad(false);
        }
    }
}

/// Of one batch, `[C]` each.
#[derive(Clone, Debug)]
pub struct Statistics {
    mean: Tensor<1>,
    /// Unbiased.
    variance: Tensor<1>,
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

    #[test]
    fn measured_statistics_are_taken_away_and_the_stored_ones_follow_by_a_tenth() {
        let device = Device::flex().autodiff();
        let mut norm = BatchNorm::new(1, &device);
        let x = Tensor::<4>::from_data([[[[1.0, 3.0]]], [[[5.0, 7.0]]]], &device);
        let (y, statistics) = norm.measure(x);
        let y = y.into_data().try_to_vec::<f32>().unwrap();
        // Mean 4, variance 5 (biased).
        assert!((y[0] + 3.0 / 5.0_f32.sqrt()).abs() < 1e-4, "{y:?}");
        norm.follow(&statistics);
        let mean: f32 = norm.running_mean.val().into_scalar();
        let variance: f32 = norm.running_var.val().into_scalar();
        assert!((mean - 0.4).abs() < 1e-6 && (variance - (0.9 + 20.0 / 30.0)).abs() < 1e-5);
        assert!(!norm.running_mean.is_require_grad());
    }
}
