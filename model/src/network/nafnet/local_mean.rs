//! TLC, test-time local conversion (Chu et al., ECCV 2022): means over windows about every pixel.
//!
//! A network that pooled whole training crops sees far larger pictures when it is tested. Pooling over windows about as
//! large as the crops were gives it the statistics that it learned from.

use burn::tensor::{Int, Tensor};

use crate::layer::in_f32;
use crate::network::global_mean::global_mean;

/// The mean of every channel over a window of `[height, width]` about each pixel, which stands still at the picture's
/// edge; over everything where the window covers the picture or is 0.
///
/// # Shapes
/// - x `[B, C, H, W]`
/// - output the same, or `[B, C, 1, 1]` for the mean over everything
pub fn local_mean(x: Tensor<4>, window: [usize; 2]) -> Tensor<4> {
    let [_, _, height, width] = x.dims();
    if window.contains(&0) || (window[0] >= height && window[1] >= width) {
        return global_mean(x);
    }
    // Running sums over a side of the picture.
    in_f32(x, |x| mean_along(mean_along(x, 2, window[0]), 3, window[1]))
}

/// Windows that would leave the picture stand still at its edge.
fn mean_along(x: Tensor<4>, dim: usize, window: usize) -> Tensor<4> {
    let size = x.dims()[dim];
    let window = window.min(size);
    let places = size + 1 - window;
    let before = (size - places) / 2;
    let starts: Vec<i64> = (0..size)
        .map(|position: usize| position.saturating_sub(before).min(places - 1) as i64)
        .collect();
    let starts = Tensor::<1, Int>::from_data(starts.as_slice(), &x.device());

    let nothing = x.clone().narrow(dim, 0, 1).zeros_like();
    let sums = Tensor::cat(vec![nothing, x.cumsum(dim)], dim);
    let ends = starts.clone().add_scalar(window as i64);
    (sums.clone().select(dim, ends) - sums.select(dim, starts)).div_scalar(window as f64)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn windows_stand_still_at_the_edges() {
        let row = Tensor::<1>::from_data([1.0, 2.0, 4.0, 8.0, 16.0], &Device::flex()).reshape([1, 1, 1, 5]);
        let means = local_mean(row, [3, 3]).into_data().try_to_vec::<f32>().unwrap();
        let expected = [7.0, 7.0, 14.0, 28.0, 28.0].map(|sum: f32| sum / 3.0);
        assert!(
            means.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6),
            "{means:?}"
        );
    }

    #[test]
    fn a_window_over_the_whole_picture_is_its_mean() {
        let picture = Tensor::<1, Int>::arange(0..24, &Device::flex())
            .float()
            .reshape([1, 1, 4, 6]);
        for window in [0, 6, 100] {
            let mean = local_mean(picture.clone(), [window; 2]);
            assert_eq!(mean.dims(), [1, 1, 1, 1]);
            assert!((mean.into_scalar::<f32>() - 11.5).abs() < 1e-6);
        }
        assert_eq!(local_mean(picture, [5, 5]).dims(), [1, 1, 4, 6]);
    }
}
