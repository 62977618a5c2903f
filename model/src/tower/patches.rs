//! What both vision transformers share: cutting a picture into patches.

use burn::tensor::Tensor;

use crate::kernel::{Activation, linear};

/// Every `size` x `size` patch through one linear map: the convolution with `kernel = stride = size`, as one matrix
/// product.
///
/// # Shapes
/// - image `[B, 3, H, W]` with H, W multiples of `size`; weight `[width, 3, size, size]`; bias `[width]`
/// - output `[B, H / size * W / size, width]`, row by row
pub fn embed_patches(image: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>) -> Tensor<3> {
    let [batch, channels, height, width] = image.dims();
    let [features, _, size, _] = weight.dims();
    assert!(
        height.is_multiple_of(size) && width.is_multiple_of(size),
        "a picture of {height}x{width} does not divide into patches of {size}"
    );
    let (rows, columns) = (height / size, width / size);
    let patches = image
        .reshape([batch, channels, rows, size, columns, size])
        .permute([0, 2, 4, 1, 3, 5])
        .reshape([batch, rows * columns, channels * size * size]);
    let weight = weight.reshape([features, channels * size * size]);
    linear(patches, weight, bias, Activation::Identity)
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Distribution, module::conv2d, ops::ConvOptions};

    use super::*;

    #[test]
    fn patches_are_a_strided_convolution() {
        let device = Device::flex();
        let random = |shape: [usize; 4]| Tensor::<4>::random(shape, Distribution::Uniform(-1.0, 1.0), &device);
        let (image, weight) = (random([2, 3, 8, 12]), random([5, 3, 4, 4]));
        let bias = Tensor::<1>::from_data([0.1, 0.2, 0.3, 0.4, 0.5], &device);
        let options = ConvOptions::new([4, 4], [0, 0], [1, 1], 1);
        let convolved = conv2d(image.clone(), weight.clone(), Some(bias.clone()), options);
        let convolved = convolved.flatten::<3>(2, 3).swap_dims(1, 2);
        let widest: f32 = (embed_patches(image, weight, Some(bias)) - convolved)
            .abs()
            .max()
            .into_scalar();
        assert!(widest < 1e-5, "{widest}");
    }
}
