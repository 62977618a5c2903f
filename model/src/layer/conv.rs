//! Convolution over pictures. The three kinds of which restoration networks are made (dense 3x3, depthwise 3x3,
//! 1x1) go to the kernels; any other to Burn.

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor, module::conv2d, ops::ConvOptions},
};

use super::init::uniform;
use crate::kernel::{dense3x3, depthwise3x3, pointwise, pointwise_onto};

/// A convolution with square kernel, stride and zero padding, stored as PyTorch stores it.
#[derive(Module, Debug)]
pub struct Conv2d {
    /// `[out, in / groups, kernel, kernel]`
    pub weight: Param<Tensor<4>>,
    /// `[out]`
    pub bias: Option<Param<Tensor<1>>>,
    stride: usize,
    padding: usize,
    groups: usize,
}

impl Conv2d {
    /// PyTorch's first values: weight and bias even within `1 / sqrt(in / groups * kernel²)`.
    #[expect(clippy::too_many_arguments, reason = "PyTorch's own arguments in their order")]
    pub fn new(
        inputs: usize,
        outputs: usize,
        kernel: usize,
        stride: usize,
        padding: usize,
        groups: usize,
        bias: bool,
        device: &Device,
    ) -> Self {
        let fan_in = inputs / groups * kernel * kernel;
        let bound = 1.0 / (fan_in as f32).sqrt();
        Self {
            weight: uniform([outputs, inputs / groups, kernel, kernel], bound, device),
            bias: bias.then(|| uniform([outputs], bound, device)),
            stride,
            padding,
            groups,
        }
    }

    /// # Shapes
    /// - x `[B, in, H, W]`
    /// - output `[B, out, (H + 2 padding - kernel) / stride + 1, likewise W]`
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let weight = self.weight.val();
        let bias = self.bias.as_ref().map(Param::val);
        let [outputs, inputs, kernel, _] = weight.dims();
        match (kernel, self.stride, self.padding, self.groups) {
            (1, 1, 0, 1) => pointwise(x, weight, bias),
            (3, 1 | 2, 1, 1) => dense3x3(x, weight, bias, self.stride),
            (3, 1, 1, groups) if groups == outputs && inputs == 1 => depthwise3x3(x, weight, bias),
            (_, stride, padding, groups) => {
                let options = ConvOptions::new([stride; 2], [padding; 2], [1; 2], groups);
                conv2d(x, weight, bias, options)
            }
        }
    }

    /// `onto + forward(x)`; a 1x1 convolution without a bias adds as it multiplies.
    pub fn forward_onto(&self, onto: Tensor<4>, x: Tensor<4>) -> Tensor<4> {
        if self.is_plain_pointwise() {
            pointwise_onto(onto, x, self.weight.val())
        } else {
            self.forward(x) + onto
        }
    }

    /// Whether this is nothing but a matrix at every pixel.
    pub fn is_plain_pointwise(&self) -> bool {
        let kernel = self.weight.lazy_shape()[2];
        self.bias.is_none() && (kernel, self.stride, self.padding, self.groups) == (1, 1, 0, 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dims(layer: &Conv2d, inputs: usize) -> [usize; 4] {
        layer.forward(Tensor::zeros([2, inputs, 8, 12], &Device::flex())).dims()
    }

    #[test]
    fn every_kind_gives_its_output_size() {
        let device = Device::flex();
        assert_eq!(dims(&Conv2d::new(4, 6, 1, 1, 0, 1, true, &device), 4), [2, 6, 8, 12]);
        assert_eq!(dims(&Conv2d::new(4, 6, 3, 1, 1, 1, false, &device), 4), [2, 6, 8, 12]);
        assert_eq!(dims(&Conv2d::new(4, 6, 3, 2, 1, 1, true, &device), 4), [2, 6, 4, 6]);
        assert_eq!(dims(&Conv2d::new(4, 4, 3, 1, 1, 4, true, &device), 4), [2, 4, 8, 12]);
        assert_eq!(dims(&Conv2d::new(4, 8, 3, 1, 1, 2, true, &device), 4), [2, 8, 8, 12]);
        assert_eq!(dims(&Conv2d::new(4, 6, 2, 2, 0, 1, true, &device), 4), [2, 6, 4, 6]);
    }

    #[test]
    fn all_kinds_agree_with_a_plain_convolution() {
        let device = Device::flex();
        for (kernel, stride, padding, groups) in [(1, 1, 0, 1), (3, 1, 1, 1), (3, 2, 1, 1), (3, 1, 1, 4)] {
            let layer = Conv2d::new(4, 4, kernel, stride, padding, groups, true, &device);
            let x = Tensor::<4>::random([1, 4, 7, 9], burn::tensor::Distribution::Uniform(-1.0, 1.0), &device);
            let options = ConvOptions::new([stride; 2], [padding; 2], [1; 2], groups);
            let plain = conv2d(
                x.clone(),
                layer.weight.val(),
                layer.bias.as_ref().map(Param::val),
                options,
            );
            let widest: f32 = (layer.forward(x) - plain).abs().max().into_scalar();
            assert!(
                widest < 1e-5,
                "kernel {kernel} stride {stride} groups {groups}: {widest}"
            );
        }
    }
}
