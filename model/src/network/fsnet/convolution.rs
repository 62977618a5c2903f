//! FSNet's convolutions: with or without a GELU behind them, and the transposed one that doubles the resolution.

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor, activation::gelu, module::conv_transpose2d, ops::ConvTransposeOptions},
};

use crate::layer::{Conv2d, uniform};

/// The array of one gives the official key `main.0.weight`.
#[derive(Module, Debug)]
pub struct Convolution {
    main: [Conv2d; 1],
    activated: bool,
}

impl Convolution {
    /// A square kernel, with a bias and without a GELU; odd kernels keep the size.
    pub fn linear(inputs: usize, outputs: usize, kernel: usize, device: &Device) -> Self {
        Self {
            main: [Conv2d::new(inputs, outputs, kernel, 1, kernel / 2, 1, true, device)],
            activated: false,
        }
    }

    /// With a GELU behind it.
    pub fn activated(inputs: usize, outputs: usize, kernel: usize, stride: usize, device: &Device) -> Self {
        Self {
            main: [Conv2d::new(
                inputs,
                outputs,
                kernel,
                stride,
                kernel / 2,
                1,
                true,
                device,
            )],
            activated: true,
        }
    }

    /// `[B, I, H, W]` to `[B, O, ceil(H / stride), ceil(W / stride)]`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = self.main[0].forward(x);
        if self.activated { gelu(x) } else { x }
    }
}

/// 4x4 with stride 2, transposed, and a GELU.
#[derive(Module, Debug)]
pub struct Doubling {
    main: [Transposed; 1],
}

#[derive(Module, Debug)]
struct Transposed {
    /// `[I, O, 4, 4]`
    weight: Param<Tensor<4>>,
    /// `[O]`
    bias: Param<Tensor<1>>,
}

impl Doubling {
    pub fn new(inputs: usize, outputs: usize, device: &Device) -> Self {
        let bound = 1.0 / ((outputs * 16) as f32).sqrt();
        Self {
            main: [Transposed {
                weight: uniform([inputs, outputs, 4, 4], bound, device),
                bias: uniform([outputs], bound, device),
            }],
        }
    }

    /// `[B, I, H, W]` to `[B, O, 2H, 2W]`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let Transposed { weight, bias } = &self.main[0];
        let options = ConvTransposeOptions::new([2, 2], [1, 1], [0, 0], [1, 1], 1);
        gelu(conv_transpose2d(x, weight.val(), Some(bias.val()), options))
    }
}
