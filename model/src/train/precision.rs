//! Mixed precision: the network computes in bf16, the weights that learn stay f32.
//!
//! Every step casts the weights for its forward pass, and the gradients flow back through the cast to the f32 weights, so
//! that the optimiser, its moments and every checkpoint are f32 as ever. Norms, softmaxes, scans and losses are computed
//! in f32 ([`crate::layer::in_f32`]), and so are the frozen towers. bf16 has the range of f32, so the loss needs no scaling.

use burn::{
    module::{Module, ModuleMapper, Param},
    tensor::{DType, Device, FloatDType, Tensor},
};

use crate::network::Guidance;

/// What a network's forward and backward pass are computed in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    #[default]
    F32,
    Bf16,
}

impl Precision {
    /// Whether a device computes in it; GPUs before NVIDIA's Ampere may not in bf16.
    pub fn is_supported(self, device: &Device) -> bool {
        self == Self::F32 || device.supports_dtype(DType::BF16)
    }

    /// `module` as the forward pass takes it. Its gradients are those of the weights of `module`.
    pub fn of<M: Module>(self, module: M) -> M {
        match self {
            Self::F32 => module,
            Self::Bf16 => module.map(&mut Cast),
        }
    }

    /// What goes into such a module.
    pub fn input<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        match self {
            Self::F32 => x,
            Self::Bf16 => x.cast(FloatDType::BF16),
        }
    }

    pub fn guidance(self, tokens: Option<Guidance>) -> Option<Guidance> {
        tokens.map(|tokens| tokens.map(|token| self.input(token)))
    }
}

struct Cast;

impl ModuleMapper for Cast {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|tensor| tensor.cast(FloatDType::BF16))
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Distribution;

    use super::*;
    use crate::{
        network::{Network, NetworkConfig, Restorer, Size},
        train::gradients::FlatGradients,
        weights::Array,
    };

    /// Everything that is learned gets an f32 gradient through the cast, and it is nearly that of f32.
    #[test]
    fn every_network_learns_in_bf16_what_it_learns_in_f32() {
        let device = Device::flex().autodiff();
        for name in NetworkConfig::NAMES {
            let config = NetworkConfig::sized(name, Size::Tiny).unwrap().with_guidance_width(8);
            let network = Network::seeded(&config, 3, &device);
            device.seed(5);
            let image = Tensor::<4>::random([2, 3, 16, 16], Distribution::Default, &device);
            let pass = |precision: Precision| {
                let tokens = config
                    .needs_guidance()
                    .then(|| [(); 4].map(|()| Tensor::<2>::ones([2, 8], &device) * 0.5));
                let restored = precision
                    .of(network.clone())
                    .restore(precision.input(image.clone()), precision.guidance(tokens));
                let restored = restored.image;
                assert_eq!(restored.dtype() == DType::BF16, precision == Precision::Bf16, "{name}");
                let restored = restored.cast(FloatDType::F32);
                let loss = (restored.clone() - 0.5).powi_scalar(2).mean();
                let gradients = FlatGradients::of(&network, &loss.backward());
                (Array::of(&restored).data, gradients.numbers())
            };
            let ((exact, exact_gradients), (rounded, gradients)) = (pass(Precision::F32), pass(Precision::Bf16));
            // bf16 has 8 bits: a few hundredths after some dozen layers.
            let apart = distance(&exact, &rounded);
            assert!(apart < 0.05, "{name}: outputs differ by {apart}");
            assert_eq!(exact_gradients.len(), gradients.len(), "{name}");
            let apart = distance(&exact_gradients, &gradients);
            assert!(apart < 0.15, "{name}: gradients differ by {apart}");
        }
    }

    /// Of the difference's length, relative to `want`'s.
    fn distance(want: &[f32], got: &[f32]) -> f64 {
        let length = |values: &mut dyn Iterator<Item = f32>| values.map(|v| f64::from(v).powi(2)).sum::<f64>().sqrt();
        length(&mut want.iter().zip(got).map(|(want, got)| want - got)) / length(&mut want.iter().copied())
    }
}
