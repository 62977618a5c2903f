//! `y = x Wᵀ + b` over the last dimension.

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor},
};

use super::init::uniform;
use crate::kernel::{Activation, linear};

/// A linear layer, stored as PyTorch stores it.
#[derive(Module, Debug)]
pub struct Linear {
    /// `[out, in]`
    pub weight: Param<Tensor<2>>,
    /// `[out]`
    pub bias: Option<Param<Tensor<1>>>,
}

impl Linear {
    /// PyTorch's first values: weight and bias even within `1 / sqrt(in)`.
    pub fn new(inputs: usize, outputs: usize, bias: bool, device: &Device) -> Self {
        let bound = 1.0 / (inputs as f32).sqrt();
        Self {
            weight: uniform([outputs, inputs], bound, device),
            bias: bias.then(|| uniform([outputs], bound, device)),
        }
    }

    /// # Shapes
    /// - x `[..., in]`
    /// - output `[..., out]`
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        self.activated(x, Activation::Identity)
    }

    /// The same with what follows it.
    pub fn activated<const D: usize>(&self, x: Tensor<D>, activation: Activation) -> Tensor<D> {
        linear(x, self.weight.val(), self.bias.as_ref().map(Param::val), activation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_the_weight_are_outputs() {
        let device = Device::flex();
        let layer = Linear {
            weight: Param::from_data([[1.0, 2.0, 3.0], [0.0, -1.0, 0.5]], &device),
            bias: Some(Param::from_data([10.0, 20.0], &device)),
        };
        let x = Tensor::<3>::from_data([[[1.0, 1.0, 1.0]], [[0.0, 2.0, 4.0]]], &device);
        let y = layer.forward(x).into_data().try_into_vec_as::<f32>().unwrap();
        assert_eq!(y, [16.0, 19.5, 26.0, 20.0]);
    }

    #[test]
    fn a_bias_is_left_out_on_demand() {
        let layer = Linear::new(5, 4, false, &Device::flex());
        assert!(layer.bias.is_none());
        assert_eq!(layer.num_params(), 20);
    }
}
