//! Restoring pictures of any size: padded by reflection to the right and below, restored, cut back.
//!
//! This is Restormer's official test protocol, without its clamp.

use burn::tensor::{Device, Int, Tensor};

use super::{Guidance, Network, Restorer};

/// Three halvings: heights and widths that most networks take are multiples of this.
pub const MULTIPLE: usize = 8;

/// The picture restored, not clamped.
///
/// # Shapes
/// - image `[B, 3, H, W]` of any size from 1x1
/// - output `[B, 3, H, W]`
///
/// # Panics
/// If the network is guided and there is no guidance.
pub fn restore(network: &Network, image: Tensor<4>, guidance: Option<Guidance>) -> Tensor<4> {
    let [_, _, height, width] = image.dims();
    let padded = pad_to_multiple(image, network.multiple());
    let restored = network.restore(padded, guidance).image;
    restored.narrow(2, 0, height).narrow(3, 0, width)
}

/// Reflection about the last row and column (which is not repeated), again and again where a picture is smaller than
/// its padding.
///
/// # Shapes
/// - image `[B, C, H, W]`
/// - output `[B, C, H', W']`, the next multiples
pub fn pad_to_multiple(image: Tensor<4>, multiple: usize) -> Tensor<4> {
    [2, 3].into_iter().fold(image, |image, dim| {
        let size = image.dims()[dim];
        match reflection(size, size.next_multiple_of(multiple), &image.device()) {
            Some(indices) => image.select(dim, indices),
            None => image,
        }
    })
}

/// Where positions 0 to `padded` of a reflected axis of `size` come from; `None` if nothing is added.
fn reflection(size: usize, padded: usize, device: &Device) -> Option<Tensor<1, Int>> {
    if size == padded {
        return None;
    }
    let period = (2 * (size - 1)).max(1);
    let indices: Vec<i64> = (0..padded)
        .map(|position| {
            let phase = position % period;
            phase.min(period - phase) as i64
        })
        .collect();
    Some(Tensor::from_data(indices.as_slice(), device))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{NetworkConfig, Size};

    fn row(values: &[f32]) -> Tensor<4> {
        Tensor::<1>::from_data(values, &Device::flex()).reshape([1, 1, 1, values.len()])
    }

    fn first_row(picture: Tensor<4>) -> Vec<f32> {
        let width = picture.dims()[3];
        picture
            .narrow(2, 0, 1)
            .reshape([width])
            .into_data()
            .try_to_vec()
            .unwrap()
    }

    #[test]
    fn the_edge_is_mirrored_and_not_repeated() {
        let padded = pad_to_multiple(row(&[1.0, 2.0, 3.0, 4.0, 5.0]), 8);
        assert_eq!(padded.dims(), [1, 1, 8, 8]);
        assert_eq!(first_row(padded), [1.0, 2.0, 3.0, 4.0, 5.0, 4.0, 3.0, 2.0]);
    }

    #[test]
    fn a_picture_smaller_than_its_padding_is_mirrored_again() {
        let padded = pad_to_multiple(row(&[1.0, 2.0, 3.0]), 8);
        assert_eq!(first_row(padded), [1.0, 2.0, 3.0, 2.0, 1.0, 2.0, 3.0, 2.0]);
        let padded = pad_to_multiple(row(&[1.0, 2.0]), 8);
        assert_eq!(first_row(padded), [1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0]);
        assert_eq!(first_row(pad_to_multiple(row(&[7.0]), 8)), [7.0; 8]);
    }

    #[test]
    fn every_size_comes_back_and_multiples_are_untouched() {
        let device = Device::flex();
        let network = Network::new(&NetworkConfig::sized("restormer", Size::Tiny).unwrap(), &device);
        for [height, width] in [[1, 1], [5, 19], [17, 8]] {
            let restored = restore(&network, Tensor::ones([1, 3, height, width], &device), None);
            assert_eq!(restored.dims(), [1, 3, height, width]);
        }
        let image = Tensor::full([1, 3, 16, 8], 0.25, &device);
        let plain = network.forward(image.clone(), None).image;
        restore(&network, image, None)
            .into_data()
            .assert_eq(&plain.into_data(), true);
    }
}
