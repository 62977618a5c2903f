//! What both vision transformers share: cutting a picture into patches and attention over tokens.

use burn::tensor::{Tensor, activation::softmax, module::linear};

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
    linear(patches, weight.transpose(), bias)
}

/// Multi-head scaled dot-product attention.
///
/// # Shapes
/// - qkv `[B, T, 3 width]`: queries, keys and values side by side, each split evenly among the heads
/// - mask `[T, T]`: added to the scores
/// - output `[B, T, width]`
pub fn attend(qkv: Tensor<3>, heads: usize, mask: Option<Tensor<2>>) -> Tensor<3> {
    let [batch, tokens, triple] = qkv.dims();
    let width = triple / 3;
    let part = |index: usize| {
        let part = qkv.clone().narrow(2, index * width, width);
        part.reshape([batch, tokens, heads, width / heads]).swap_dims(1, 2)
    };
    // [B, heads, T, width / heads]
    let (q, k, v) = (part(0), part(1), part(2));
    let scale = 1.0 / ((width / heads) as f64).sqrt();
    let mut scores = q.mul_scalar(scale).matmul(k.swap_dims(2, 3));
    if let Some(mask) = mask {
        scores = scores + mask.unsqueeze();
    }
    softmax(scores, 3)
        .matmul(v)
        .swap_dims(1, 2)
        .reshape([batch, tokens, width])
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

    #[test]
    fn equal_keys_average_the_values() {
        let device = Device::flex();
        // Two tokens of width 2: queries 1, keys 0, so both tokens see the mean of the values.
        let qkv = Tensor::<3>::from_data(
            [[[1.0, 1.0, 0.0, 0.0, 2.0, 4.0], [1.0, 1.0, 0.0, 0.0, 6.0, 0.0]]],
            &device,
        );
        let seen = attend(qkv, 1, None).into_data().try_into_vec_as::<f32>().unwrap();
        assert_eq!(seen, [4.0, 2.0, 4.0, 2.0]);
    }
}
