//! Trading pixels for channels and back, in PyTorch's channel order.

use burn::tensor::Tensor;

/// `PixelUnshuffle(factor)`: `output[c * f * f + i * f + j, y, x] = input[c, y * f + i, x * f + j]`.
///
/// # Shapes
/// - x `[B, C, H, W]`, H and W multiples of the factor
/// - output `[B, C * factor², H / factor, W / factor]`
pub fn pixel_unshuffle(x: Tensor<4>, factor: usize) -> Tensor<4> {
    let [b, c, h, w] = x.dims();
    let (h, w) = (h / factor, w / factor);
    x.reshape([b, c, h, factor, w, factor])
        .permute([0, 1, 3, 5, 2, 4])
        .reshape([b, c * factor * factor, h, w])
}

/// `PixelShuffle(factor)`, the inverse of [`pixel_unshuffle`].
///
/// # Shapes
/// - x `[B, C * factor², H, W]`
/// - output `[B, C, H * factor, W * factor]`
pub fn pixel_shuffle(x: Tensor<4>, factor: usize) -> Tensor<4> {
    let [b, c, h, w] = x.dims();
    let c = c / (factor * factor);
    x.reshape([b, c, factor, factor, h, w])
        .permute([0, 1, 4, 2, 5, 3])
        .reshape([b, c, h * factor, w * factor])
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, Int};

    fn counting(shape: [usize; 4]) -> Tensor<4> {
        let count: usize = shape.iter().product();
        Tensor::<1, Int>::arange(0..count as i64, &Device::flex())
            .float()
            .reshape(shape)
    }

    #[test]
    fn unshuffled_channels_hold_rows_before_columns() {
        let values = pixel_unshuffle(counting([1, 1, 4, 4]), 2)
            .into_data()
            .try_to_vec::<f32>()
            .unwrap();
        let expected = [0, 2, 8, 10, 1, 3, 9, 11, 4, 6, 12, 14, 5, 7, 13, 15].map(|v| v as f32);
        assert_eq!(values, expected);
    }

    #[test]
    fn shuffle_undoes_unshuffle() {
        let x = counting([2, 3, 6, 4]);
        let there = pixel_unshuffle(x.clone(), 2);
        assert_eq!(there.dims(), [2, 12, 3, 2]);
        pixel_shuffle(there, 2).into_data().assert_eq(&x.into_data(), true);
    }
}
