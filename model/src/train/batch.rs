//! One training batch on its way from the loader to the device.

use burn::tensor::{Device, Tensor, TensorData};

/// Crops of `patch` x `patch` pixels in \[0, 1\], each `[batch, 3, patch, patch]` in this order.
#[derive(Clone, Debug, PartialEq)]
pub struct Crops {
    pub batch: usize,
    pub patch: usize,
    pub degraded: Vec<f32>,
    pub clean: Vec<f32>,
    /// Other crops of the same degraded pictures (eq. 12's positives).
    pub second: Option<Vec<f32>>,
    /// The proxies' pictures at the same places (eq. 11's negatives).
    pub negatives: Vec<Vec<f32>>,
    /// Which degradation each sample has.
    pub kinds: Vec<usize>,
}

impl Crops {
    /// `[batch, 3, patch, patch]` on `device`.
    pub fn tensor(&self, pixels: &[f32], device: &Device) -> Tensor<4> {
        Tensor::from_data(
            TensorData::new(pixels.to_vec(), [self.batch, 3, self.patch, self.patch]),
            device,
        )
    }
}
