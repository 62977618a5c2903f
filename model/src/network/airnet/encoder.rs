//! AirNet's degradation encoder: what kind of degradation a picture has, learned by contrast.

#![allow(non_snake_case, reason = "the official code's keys")]

use burn::{
    module::Module,
    tensor::{Device, Tensor, activation, s},
};

use crate::layer::{BatchNorm, Conv2d, Gap, Linear, Statistics};
use crate::network::{
    convolution::{dense, pointwise},
    global_mean::global_mean,
};

pub fn leaky_relu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    activation::leaky_relu(x, 0.1)
}

/// 3x3, norm, LReLU, 3x3, norm beside a 1x1 shortcut, then LReLU.
#[derive(Module, Debug)]
struct ResidualBlock {
    backbone: (Conv2d, BatchNorm, Gap, Conv2d, BatchNorm),
    shortcut: (Conv2d, BatchNorm),
    stride: usize,
}

impl ResidualBlock {
    fn new(inputs: usize, outputs: usize, stride: usize, device: &Device) -> Self {
        let norm = || BatchNorm::new(outputs, device);
        Self {
            backbone: (
                dense(inputs, outputs, stride, false, device),
                norm(),
                Gap,
                dense(outputs, outputs, 1, false, device),
                norm(),
            ),
            shortcut: (pointwise(inputs, outputs, false, device), norm()),
            stride,
        }
    }

    /// `[B, I, H, W]` to `[B, O, ceil(H / stride), ceil(W / stride)]`; `norm` is what each norm does, in the order of
    /// [`norms`](Self::norms).
    fn forward(&self, x: Tensor<4>, norm: &mut impl FnMut(&BatchNorm, Tensor<4>) -> Tensor<4>) -> Tensor<4> {
        let (first, first_norm, _, second, second_norm) = &self.backbone;
        let deep = leaky_relu(norm(first_norm, first.forward(x.clone())));
        let deep = norm(second_norm, second.forward(deep));
        // A strided 1x1 convolution sees one pixel in stride².
        let step = self.stride as isize;
        let x = if step == 1 {
            x
        } else {
            x.slice(s![.., .., ..;step, ..;step])
        };
        leaky_relu(deep + norm(&self.shortcut.1, self.shortcut.0.forward(x)))
    }

    fn norms(&mut self) -> [&mut BatchNorm; 3] {
        [&mut self.backbone.1, &mut self.backbone.4, &mut self.shortcut.1]
    }
}

/// What the encoder says of a picture.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// The first features, which guide the restorer: `[B, C, H, W]`.
    pub map: Tensor<4>,
    /// The representation that was learned by contrast, of length 1: `[B, Z]`.
    pub z: Tensor<2>,
}

#[derive(Module, Debug)]
pub struct Encoder {
    E_pre: ResidualBlock,
    E: (ResidualBlock, ResidualBlock),
    mlp: (Linear, Gap, Linear),
}

impl Encoder {
    pub fn new([first, second, third]: [usize; 3], device: &Device) -> Self {
        let linear = || Linear::new(third, third, true, device);
        Self {
            E_pre: ResidualBlock::new(3, first, 1, device),
            E: (
                ResidualBlock::new(first, second, 2, device),
                ResidualBlock::new(second, third, 2, device),
            ),
            mlp: (linear(), Gap, linear()),
        }
    }

    /// Numbers of a representation.
    pub fn width(&self) -> usize {
        self.mlp.2.weight.dims()[0]
    }

    /// `[B, 3, H, W]` of any size.
    pub fn forward(&self, image: Tensor<4>) -> Encoded {
        self.through(image, &mut BatchNorm::forward)
    }

    /// The same in training: norms by the batch's own statistics, which the stored ones follow.
    pub fn learn(&mut self, image: Tensor<4>) -> Encoded {
        let mut measured: Vec<Statistics> = Vec::new();
        let encoded = self.through(image, &mut |norm, x| {
            let (output, statistics) = norm.measure(x);
            measured.push(statistics);
            output
        });
        let blocks = [&mut self.E_pre, &mut self.E.0, &mut self.E.1].into_iter();
        let norms = blocks.flat_map(ResidualBlock::norms);
        norms
            .zip(&measured)
            .for_each(|(norm, statistics)| norm.follow(statistics));
        encoded
    }

    fn through(&self, image: Tensor<4>, norm: &mut impl FnMut(&BatchNorm, Tensor<4>) -> Tensor<4>) -> Encoded {
        let map = self.E_pre.forward(image, norm);
        let deep = self.E.0.forward(map.clone(), norm);
        let mean = global_mean(self.E.1.forward(deep, norm));
        let [batch, width, ..] = mean.dims();
        let z = self.mlp.0.forward(mean.reshape([batch, width]));
        let z = self.mlp.2.forward(leaky_relu(z));
        let length = z.clone().powi_scalar(2).sum_dim(1).sqrt().clamp_min(1e-12);
        Encoded { map, z: z / length }
    }
}
