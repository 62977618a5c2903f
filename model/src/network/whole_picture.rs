//! Restoring pictures of any size: padded by reflection to the right and below, restored, cut back.
//!
//! This is Restormer's official test protocol, without its clamp.

use burn::tensor::{Device, Int, Tensor};

use super::{Guidance, Network, Restorer};

/// Three halvings: heights and widths that the networks take are multiples of this.
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
    let padded = pad_to_multiple(image, MULTIPLE);
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
