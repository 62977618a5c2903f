//! Layer norm over the last dimension (the tokens of a transformer). Over the channels of pictures, see
//! [`crate::kernel::layer_norm`].

use burn::{
    module::{Module, Param},
    tensor::{Device, FloatDType, Tensor},
};

use super::{in_f32::in_f32, init::constant};
use crate::kernel::token_norm;

/// `(x - mean) / sqrt(var + eps) * weight + bias` with the biased variance.
#[derive(Module, Debug)]
pub struct LayerNorm {
    /// `[width]`, at first 1.
    pub weight: Param<Tensor<1>>,
    /// `[width]`, at first 0.
    pub bias: Param<Tensor<1>>,
    eps: f64,
}

impl LayerNorm {
    pub fn new(width: usize, eps: f64, device: &Device) -> Self {
        Self {
            weight: constant([width], 1.0, device),
            bias: constant([width], 0.0, device),
            eps,
        }
    }

    /// # Shapes
    /// - x `[..., width]`
    /// - output the same
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        let (weight, bias) = (self.weight.val(), self.bias.val());
        in_f32(x, |x| {
            let [weight, bias] = [weight, bias].map(|values| values.cast(FloatDType::F32));
            token_norm(x, weight, bias, self.eps)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_gets_mean_zero_and_variance_one() {
        let device = Device::flex();
        let x = Tensor::<2>::from_data([[1.0, 2.0, 3.0, 6.0], [-4.0, 0.0, 0.0, 4.0]], &device);
        let y = LayerNorm::new(4, 0.0, &device).forward(x);
        let y = y.into_data().try_into_vec_as::<f32>().unwrap();
        for row in y.chunks(4) {
            let mean: f32 = row.iter().sum::<f32>() / 4.0;
            let variance: f32 = row.iter().map(|v| v * v).sum::<f32>() / 4.0;
            assert!(mean.abs() < 1e-6 && (variance - 1.0).abs() < 1e-5, "{row:?}");
        }
    }
}
