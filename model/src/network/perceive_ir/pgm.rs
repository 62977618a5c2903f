//! PGM, prompt guidance module (eq. 6): features modulated by a condition, `Y = γ ⊙ X + β`.
//!
//! γ and β are each a convolution of a linear map of the condition (Z and a DINOv2 token), one number a channel.
//! Table VI's rows without PGM keep β alone, so that the condition is added and nothing is modulated: `Y = X + β`.
//! It knows no backbone.

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor},
};

use crate::kernel;
use crate::layer::{Linear, constant};

/// The k x k convolution of a 1x1 map: with zero padding only the kernel's middle meets a value.
#[derive(Module, Debug)]
struct PixelConvolution {
    /// `[O, I, k, k]`
    weight: Param<Tensor<4>>,
    /// `[O]`
    bias: Param<Tensor<1>>,
}

impl PixelConvolution {
    /// Gives `bias` whatever its input is, until it has learned something.
    fn new(input: usize, output: usize, kernel: usize, bias: f32, device: &Device) -> Self {
        Self {
            weight: constant([output, input, kernel, kernel], 0.0, device),
            bias: constant([output], bias, device),
        }
    }

    /// `[B, I]` to `[B, O]`.
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let weight = self.weight.val();
        let [output, input, kernel, _] = weight.dims();
        let middle = weight
            .narrow(2, kernel / 2, 1)
            .narrow(3, kernel / 2, 1)
            .reshape([output, input]);
        x.matmul(middle.transpose()) + self.bias.val().unsqueeze()
    }
}

#[derive(Module, Debug)]
pub struct Pgm {
    /// γ's two layers; absent where the condition is only added.
    gamma_fc: Option<Linear>,
    beta_fc: Linear,
    gamma_conv: Option<PixelConvolution>,
    beta_conv: PixelConvolution,
}

impl Pgm {
    /// For features of `channels`, a condition of `condition_dim` and a width between of `hidden`.
    /// γ's last bias starts at 1, β's at 0 and the last weights at 0: Y starts as X, the network as its backbone.
    pub fn new(channels: usize, condition_dim: usize, hidden: usize, kernel: usize, device: &Device) -> Self {
        Self {
            gamma_fc: Some(Linear::new(condition_dim, hidden, true, device)),
            beta_fc: Linear::new(condition_dim, hidden, true, device),
            gamma_conv: Some(PixelConvolution::new(hidden, channels, kernel, 1.0, device)),
            beta_conv: PixelConvolution::new(hidden, channels, kernel, 0.0, device),
        }
    }

    /// The same without γ: Y = X + β.
    #[must_use]
    pub fn without_scale(self) -> Self {
        Self {
            gamma_fc: None,
            gamma_conv: None,
            ..self
        }
    }

    /// x `[B, C, H, W]` and condition `[B, condition_dim]` to Y `[B, C, H, W]`.
    pub fn forward(&self, x: Tensor<4>, condition: Tensor<2>) -> Tensor<4> {
        let [batch, channels, ..] = x.dims();
        let of_channels = |values: Tensor<2>| values.reshape([batch, channels, 1, 1]);
        let gamma = match (&self.gamma_fc, &self.gamma_conv) {
            (Some(fc), Some(conv)) => Some(of_channels(conv.forward(fc.forward(condition.clone())))),
            _ => None,
        };
        let beta = of_channels(self.beta_conv.forward(self.beta_fc.forward(condition)));
        kernel::modulate(x, gamma, beta)
    }
}

/// `PGM(x, c)`, or x where there is no PGM. One that is told nothing is told a constant.
pub fn modulate(pgm: Option<&Pgm>, x: Tensor<4>, condition: Option<&Tensor<2>>) -> Tensor<4> {
    let Some(pgm) = pgm else { return x };
    let nothing = || Tensor::<2>::ones([x.dims()[0], 1], &x.device()).cast(x.dtype());
    let condition = condition.cloned().unwrap_or_else(nothing);
    pgm.forward(x, condition)
}
