//! Resizing as `torch.nn.functional.interpolate` does it (`align_corners = False`), by one matrix product a direction.
//!
//! Matrices rather than the backend's own operation, because gradients must flow on every device, and GPUs have no
//! backward pass of their own for it.

use burn::tensor::{Device, Tensor, TensorData};

use crate::layer::{in_f32, is_half};

/// How a new pixel weighs its neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    Bilinear,
    /// Keys' cubic with a = -0.75, with antialiasing -0.5.
    Bicubic,
}

/// To `[height, width]`. `antialias` widens the filter when shrinking, as torchvision's `Resize` does by default.
///
/// # Shapes
/// - x `[B, C, H, W]`
/// - output `[B, C, height, width]`
pub fn resize(x: Tensor<4>, [height, width]: [usize; 2], filter: Filter, antialias: bool) -> Tensor<4> {
    let [_, _, rows, columns] = x.dims();
    let steps = [rows as f64 / height as f64, columns as f64 / width as f64];
    resize_by(x, [height, width], steps, filter, antialias)
}

/// With the distances between neighbouring samples given, in input pixels; PyTorch takes them from a `scale_factor`
/// where it gets one, and they may then differ from the ratio of the sizes (DINOv2's position table).
pub fn resize_by(
    x: Tensor<4>,
    [height, width]: [usize; 2],
    steps: [f64; 2],
    filter: Filter,
    antialias: bool,
) -> Tensor<4> {
    if is_half(&x) {
        return in_f32(x, |x| resize_by(x, [height, width], steps, filter, antialias));
    }
    let device = x.device();
    let along_rows = axis(x.dims()[3], width, steps[1], filter, antialias, &device);
    let x = match along_rows {
        Some(matrix) => x.matmul(matrix.transpose().unsqueeze()),
        None => x,
    };
    match axis(x.dims()[2], height, steps[0], filter, antialias, &device) {
        Some(matrix) => matrix.unsqueeze().matmul(x),
        None => x,
    }
}

/// `[to, from]`; `None` where nothing changes.
fn axis(from: usize, to: usize, step: f64, filter: Filter, antialias: bool, device: &Device) -> Option<Tensor<2>> {
    if from == to && step == 1.0 {
        return None;
    }
    let mut matrix = vec![0.0_f32; to * from];
    for (index, row) in matrix.chunks_exact_mut(from).enumerate() {
        if antialias {
            averaged_row(row, index, step, filter);
        } else {
            sampled_row(row, index, step, filter);
        }
    }
    Some(Tensor::from_data(TensorData::new(matrix, [to, from]), device))
}

/// Interpolation at one point; beyond the border the border's pixel stands.
fn sampled_row(row: &mut [f32], index: usize, step: f64, filter: Filter) {
    let last = row.len() as i64 - 1;
    let centre = (index as f64 + 0.5) * step - 0.5;
    let (centre, reach) = match filter {
        Filter::Bilinear => (centre.max(0.0), 1),
        Filter::Bicubic => (centre, 2),
    };
    let floor = centre.floor() as i64;
    for neighbour in floor - reach + 1..=floor + reach {
        let weight = match filter {
            Filter::Bilinear => triangle(neighbour as f64 - centre),
            Filter::Bicubic => cubic(neighbour as f64 - centre, -0.75),
        };
        row[neighbour.clamp(0, last) as usize] += weight as f32;
    }
}

/// A weighted mean over all pixels that fall into the widened filter.
fn averaged_row(row: &mut [f32], index: usize, step: f64, filter: Filter) {
    let widening = step.max(1.0);
    let support = widening
        * match filter {
            Filter::Bilinear => 1.0,
            Filter::Bicubic => 2.0,
        };
    let centre = (index as f64 + 0.5) * step;
    let begin = (centre - support + 0.5).max(0.0) as usize;
    let end = ((centre + support + 0.5) as usize).min(row.len());
    let weight = |pixel: usize| {
        let distance = (pixel as f64 - centre + 0.5) / widening;
        match filter {
            Filter::Bilinear => triangle(distance),
            Filter::Bicubic => cubic(distance, -0.5),
        }
    };
    let total: f64 = (begin..end).map(weight).sum();
    for (pixel, value) in (begin..end).zip(&mut row[begin..end]) {
        *value = (weight(pixel) / total) as f32;
    }
}

fn triangle(distance: f64) -> f64 {
    (1.0 - distance.abs()).max(0.0)
}

fn cubic(distance: f64, a: f64) -> f64 {
    let d = distance.abs();
    if d <= 1.0 {
        ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0
    } else if d < 2.0 {
        ((a * d - 5.0 * a) * d + 8.0 * a) * d - 4.0 * a
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Distribution;

    use super::*;

    #[test]
    fn every_row_of_weights_sums_to_one() {
        for filter in [Filter::Bilinear, Filter::Bicubic] {
            for (from, to, antialias) in [(7, 3, false), (7, 3, true), (5, 16, false), (5, 16, true)] {
                let ones = Tensor::<4>::ones([1, 1, from, from], &Device::flex());
                let flat = resize(ones, [to, to], filter, antialias);
                let widest: f32 = (flat - 1.0).abs().max().into_scalar();
                assert!(widest < 1e-6, "{filter:?} {from} to {to}: {widest}");
            }
        }
    }

    #[test]
    fn the_same_size_is_the_same_picture() {
        let x = Tensor::<4>::random([1, 2, 5, 6], Distribution::Default, &Device::flex());
        let same = resize(x.clone(), [5, 6], Filter::Bicubic, true);
        assert_eq!(same.into_data(), x.into_data());
    }

    #[test]
    fn halving_bilinearly_is_the_mean_of_four() {
        let x = Tensor::<4>::from_data([[[[1.0, 3.0], [5.0, 7.0]]]], &Device::flex());
        assert_eq!(resize(x, [1, 1], Filter::Bilinear, false).into_scalar::<f32>(), 4.0);
    }

    #[test]
    fn gradients_flow_back_in_full() {
        let device = Device::flex().autodiff();
        let x = Tensor::<4>::ones([1, 1, 4, 6], &device).require_grad();
        let gradients = resize(x.clone(), [8, 12], Filter::Bilinear, false).sum().backward();
        let total: f32 = x.grad(&gradients).unwrap().sum().into_scalar();
        assert!((total - 96.0).abs() < 1e-3, "{total}");
    }
}
