//! What the nine taps of a deformable 3x3 convolution (DCNv2) see: each wanders by an offset of its own at every pixel,
//! reads between four pixels, and is weighed by a mask. A 1x1 convolution of it is the deformable convolution.
//!
//! Pixels outside of the picture are zero. Where a tap reads is worked out once for all channels of a picture.

use burn::tensor::{FloatDType, Shape, Tensor};
use rayon::prelude::*;

use crate::layer::{in_f32, is_half};

use super::{
    operation::{Kernel, fits, run2},
    plain,
    threads::Share,
};

/// Of a 3x3 kernel.
const TAPS: usize = 9;

/// # Shapes
/// - x `[B, C, H, W]`
/// - taps `[B, 27, H, W]`: of each tap how far down and how far right it wanders, in pixels, then of each its mask
/// - output `[B, 9 C, H, W]`: the taps of the first channel, of the second, …
pub fn deformable_columns(x: Tensor<4>, taps: Tensor<4>) -> Tensor<4> {
    if is_half(&x) {
        let taps = taps.cast(FloatDType::F32);
        return in_f32(x, |x| deformable_columns(x, taps));
    }
    if !fits(&x) {
        return plain::deformable_columns(x, taps);
    }
    let [batch, channels, height, width] = x.dims();
    assert_eq!(
        taps.dims(),
        [batch, 3 * TAPS, height, width],
        "deformable_columns: taps are [B, 27, H, W]"
    );
    let kernel = DeformableColumns {
        batch,
        channels,
        height,
        width,
    };
    run2(kernel, x, taps)
}

#[derive(Clone, Debug)]
struct DeformableColumns {
    batch: usize,
    channels: usize,
    height: usize,
    width: usize,
}

/// Between which four pixels (above left, above right, below left, below right) a tap reads, and where between them.
#[derive(Clone, Copy)]
struct Place {
    /// [`OUTSIDE`] where there is no pixel.
    corners: [u32; 4],
    /// From the upper pixels to the lower, and from the left to the right, 0 to 1.
    down: f32,
    right: f32,
}

const OUTSIDE: u32 = u32::MAX;

impl Place {
    fn weights(self) -> [f32; 4] {
        let (up, left) = (1.0 - self.down, 1.0 - self.right);
        [up * left, up * self.right, self.down * left, self.down * self.right]
    }

    fn values(self, plane: &[f32]) -> [f32; 4] {
        self.corners
            .map(|corner| plane.get(corner as usize).copied().unwrap_or(0.0))
    }

    fn read(self, plane: &[f32]) -> f32 {
        let [a, b, c, d] = self.values(plane);
        let [wa, wb, wc, wd] = self.weights();
        a * wa + b * wb + c * wc + d * wd
    }
}

impl DeformableColumns {
    fn pixels(&self) -> usize {
        self.height * self.width
    }

    /// Of every tap at every pixel of a picture.
    fn places(&self, taps: &[f32]) -> Vec<Place> {
        let pixels = self.pixels();
        let (height, width) = (self.height as i64, self.width as i64);
        let place = |index: usize| {
            let (tap, pixel) = (index / pixels, index % pixels);
            let (row, column) = ((pixel / self.width) as i64, (pixel % self.width) as i64);
            let wander = |direction: usize| taps[(2 * tap + direction) * pixels + pixel];
            let y = (row + (tap / 3) as i64 - 1) as f32 + wander(0);
            let x = (column + (tap % 3) as i64 - 1) as f32 + wander(1);
            let (top, left) = (y.floor(), x.floor());
            let corner = |row: i64, column: i64| {
                let inside = (0..height).contains(&row) && (0..width).contains(&column);
                if inside { (row * width + column) as u32 } else { OUTSIDE }
            };
            let (row, column) = (top as i64, left as i64);
            let (below, beside) = (row.saturating_add(1), column.saturating_add(1));
            Place {
                corners: [
                    corner(row, column),
                    corner(row, beside),
                    corner(below, column),
                    corner(below, beside),
                ],
                down: y - top,
                right: x - left,
            }
        };
        (0..TAPS * pixels).into_par_iter().map(place).collect()
    }

    fn masks<'a>(&self, taps: &'a [f32]) -> &'a [f32] {
        &taps[2 * TAPS * self.pixels()..]
    }
}

impl Kernel<2> for DeformableColumns {
    type Saved = ();

    fn output_shape(&self) -> Shape {
        Shape::new([self.batch, TAPS * self.channels, self.height, self.width])
    }

    fn reads(&self, wanted: [bool; 2]) -> [bool; 2] {
        [wanted[1], wanted.contains(&true)]
    }

    fn forward(&self, [x, taps]: [&[f32]; 2]) -> (Vec<f32>, ()) {
        let pixels = self.pixels();
        let mut output = vec![0.0; TAPS * x.len()];
        let pictures = output.chunks_exact_mut(TAPS * self.channels * pixels);
        for ((output, x), taps) in pictures
            .zip(x.chunks_exact(self.channels * pixels))
            .zip(taps.chunks_exact(3 * TAPS * pixels))
        {
            let (places, masks) = (self.places(taps), self.masks(taps));
            let planes = output.chunks_exact_mut(TAPS * pixels).zip(x.chunks_exact(pixels));
            planes.share(|(output, plane)| {
                for ((output, place), mask) in output.iter_mut().zip(&places).zip(masks) {
                    *output = mask * place.read(plane);
                }
            });
        }
        (output, ())
    }

    fn backward(&self, [x, taps]: [&[f32]; 2], (): (), gradient: &[f32], wanted: [bool; 2]) -> [Option<Vec<f32>>; 2] {
        let pixels = self.pixels();
        let (of_picture, of_taps) = (self.channels * pixels, 3 * TAPS * pixels);
        let mut x_gradient = wanted[0].then(|| vec![0.0; self.batch * of_picture]);
        let mut taps_gradient = wanted[1].then(|| vec![0.0; taps.len()]);
        for (item, gradient) in gradient.chunks_exact(TAPS * of_picture).enumerate() {
            let taps = &taps[item * of_taps..][..of_taps];
            let (places, masks) = (self.places(taps), self.masks(taps));
            if let Some(all) = &mut x_gradient {
                let planes = all[item * of_picture..][..of_picture].chunks_exact_mut(pixels);
                planes
                    .zip(gradient.chunks_exact(TAPS * pixels))
                    .share(|(output, gradient)| scatter(output, gradient, &places, masks));
            }
            if let Some(all) = &mut taps_gradient {
                let x = &x[item * of_picture..][..of_picture];
                let (wanders, of_masks) = all[item * of_taps..][..of_taps].split_at_mut(2 * TAPS * pixels);
                let each = wanders
                    .chunks_exact_mut(2 * pixels)
                    .zip(of_masks.chunks_exact_mut(pixels));
                each.enumerate().share(|(tap, (wander, of_mask))| {
                    let own = tap * pixels..(tap + 1) * pixels;
                    for (plane, gradient) in x.chunks_exact(pixels).zip(gradient.chunks_exact(TAPS * pixels)) {
                        let gradient = &gradient[own.clone()];
                        add_to_tap(
                            wander,
                            of_mask,
                            plane,
                            gradient,
                            &places[own.clone()],
                            &masks[own.clone()],
                        );
                    }
                });
            }
        }
        [x_gradient, taps_gradient]
    }
}

/// Back to the four pixels that each tap read.
fn scatter(output: &mut [f32], gradient: &[f32], places: &[Place], masks: &[f32]) {
    for ((gradient, place), mask) in gradient.iter().zip(places).zip(masks) {
        for (corner, weight) in place.corners.into_iter().zip(place.weights()) {
            if let Some(pixel) = output.get_mut(corner as usize) {
                *pixel += gradient * mask * weight;
            }
        }
    }
}

/// What one channel says of one tap's wandering (down, then right) and of its mask.
fn add_to_tap(
    wander: &mut [f32],
    of_mask: &mut [f32],
    plane: &[f32],
    gradient: &[f32],
    places: &[Place],
    masks: &[f32],
) {
    let (of_down, of_right) = wander.split_at_mut(gradient.len());
    for pixel in 0..gradient.len() {
        let (place, flow) = (places[pixel], gradient[pixel]);
        let [a, b, c, d] = place.values(plane);
        of_mask[pixel] += flow * place.read(plane);
        let flow = flow * masks[pixel];
        of_down[pixel] += flow * ((c - a) * (1.0 - place.right) + (d - b) * place.right);
        of_right[pixel] += flow * ((b - a) * (1.0 - place.down) + (d - c) * place.down);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::agreement::{assert_agrees, assert_independent_of_threads};

    type Operation = fn(Tensor<4>, Tensor<4>) -> Tensor<4>;

    fn shaped([b, c, h, w]: [usize; 4], operation: Operation) -> impl Fn(&[Tensor<1>]) -> Tensor<4> + Sync {
        move |leaves| {
            let [x, taps] = [0, 1].map(|leaf| leaves[leaf].clone());
            operation(x.reshape([b, c, h, w]), taps.reshape([b, 3 * TAPS, h, w]))
        }
    }

    fn lengths([b, c, h, w]: [usize; 4]) -> [usize; 2] {
        [b * c * h * w, b * 3 * TAPS * h * w]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]

        #[test]
        fn equals_plain(b in 1_usize..3, c in 1_usize..4, h in 1_usize..9, w in 1_usize..9, seed: u64) {
            let size = [b, c, h, w];
            let (own, plain) = (shaped(size, deformable_columns), shaped(size, plain::deformable_columns));
            assert_agrees(&lengths(size), seed >> 1, &own, &plain);
        }
    }

    #[test]
    fn threads_do_not_change_bits() {
        let size = [2, 3, 21, 17];
        assert_independent_of_threads(&lengths(size), &shaped(size, deformable_columns));
    }
}
