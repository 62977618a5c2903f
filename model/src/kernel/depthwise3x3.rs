//! Depthwise 3x3 convolution, zero padding of 1, stride 1, by [`Bands`] of rows.
//!
//! The backward pass reads each band once for both gradients.

use burn::tensor::{Shape, Tensor};

use super::{
    bands::{Bands, correlate, correlation, taps},
    dispatch::Simd,
    operation::{Kernel, fits, run_convolution},
    plain,
    rectangle::{unwritten, written},
    sums::{channel_sums, sum_parts},
    threads::Share,
};

/// # Shapes
/// - x `[B, C, H, W]`, weight `[C, 1, 3, 3]`, bias `[C]`
/// - output `[B, C, H, W]`
pub fn depthwise3x3(x: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>) -> Tensor<4> {
    if !fits(&x) {
        return plain::depthwise3x3(x, weight, bias);
    }
    let [batch, channels, height, width] = x.dims();
    assert_eq!(
        weight.dims(),
        [channels, 1, 3, 3],
        "depthwise3x3: weight is [C, 1, 3, 3]"
    );
    let bands = Bands { height, width };
    run_convolution(Depthwise3x3 { batch, channels, bands }, x, weight, bias)
}

#[derive(Clone, Debug)]
struct Depthwise3x3 {
    batch: usize,
    channels: usize,
    bands: Bands,
}

impl<const N: usize> Kernel<N> for Depthwise3x3 {
    type Saved = ();

    fn output_shape(&self) -> Shape {
        Shape::new([self.batch, self.channels, self.bands.height, self.bands.width])
    }

    fn reads(&self, wanted: [bool; N]) -> [bool; N] {
        let mut reads = [false; N];
        reads[..2].copy_from_slice(&[wanted[1], wanted[0]]);
        reads
    }

    fn forward(&self, inputs: [&[f32]; N]) -> (Vec<f32>, ()) {
        let (simd, bands) = (Simd::current(), self.bands);
        let (x, weight, bias) = (inputs[0], inputs[1], inputs.get(2));
        let mut output = unwritten(x.len());
        let planes = output
            .chunks_exact_mut(bands.pixels())
            .zip(x.chunks_exact(bands.pixels()));
        planes.enumerate().share_with(
            || [bands.buffer(1), bands.buffer(0)],
            |[padded, sums], (plane, (output, x))| {
                let channel = plane % self.channels;
                let bias = bias.map_or(0.0, |bias| bias[channel]);
                for band in bands.rows() {
                    bands.load(padded, x, &band, 1);
                    let sums = &mut sums[..bands.run(band.len())];
                    correlate(simd, sums, padded, bands.stride(), taps(weight, channel), bias);
                    bands.store(output, sums, &band);
                }
            },
        );
        // SAFETY: the bands cover every plane.
        (unsafe { written(output) }, ())
    }

    fn backward(&self, inputs: [&[f32]; N], (): (), gradient: &[f32], wanted: [bool; N]) -> [Option<Vec<f32>>; N] {
        let (simd, bands) = (Simd::current(), self.bands);
        let (x, weight) = (inputs[0], inputs[1]);
        let pixels = bands.pixels();
        let mut x_gradient = wanted[0].then(|| unwritten(gradient.len()));
        let outputs: Vec<_> = match &mut x_gradient {
            Some(all) => all.chunks_exact_mut(pixels).map(Some).collect(),
            None => (0..self.batch * self.channels).map(|_| None).collect(),
        };
        let planes = outputs.into_iter().zip(gradient.chunks_exact(pixels)).enumerate();
        let tap_gradients = planes.share_map_with(
            || [bands.buffer(1), bands.buffer(0), bands.buffer(1)],
            |[padded, sums, padded_x], (plane, (mut output, gradient))| {
                let mut tap_sums = [0.0; 9];
                for band in bands.rows() {
                    bands.load(padded, gradient, &band, 1);
                    if let Some(output) = &mut output {
                        let mut taps = taps(weight, plane % self.channels);
                        taps.reverse();
                        let sums = &mut sums[..bands.run(band.len())];
                        correlate(simd, sums, padded, bands.stride(), taps, 0.0);
                        bands.store(output, sums, &band);
                    }
                    if wanted[1] {
                        bands.load(padded_x, &x[plane * pixels..][..pixels], &band, 1);
                        let own = &padded[bands.stride() + 1..][..band.len() * bands.stride()];
                        correlation(simd, own, padded_x, bands.stride(), &mut tap_sums);
                    }
                }
                tap_sums
            },
        );

        let mut gradients = [const { None }; N];
        // SAFETY: the bands cover every plane.
        gradients[0] = x_gradient.map(|all| unsafe { written(all) });
        gradients[1] = wanted[1].then(|| sum_parts(tap_gradients.as_flattened(), self.channels * 9));
        if N > 2 && wanted[2] {
            gradients[2] = Some(channel_sums(simd, gradient, self.channels, pixels));
        }
        gradients
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::agreement::{assert_agrees, assert_independent_of_threads};

    type Operation = fn(Tensor<4>, Tensor<4>, Option<Tensor<1>>) -> Tensor<4>;

    fn shaped([b, c, h, w]: [usize; 4], bias: bool, operation: Operation) -> impl Fn(&[Tensor<1>]) -> Tensor<4> + Sync {
        move |leaves| {
            let [x, weight, offset] = [0, 1, 2].map(|leaf| leaves[leaf].clone());
            operation(
                x.reshape([b, c, h, w]),
                weight.reshape([c, 1, 3, 3]),
                bias.then_some(offset),
            )
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        #[test]
        fn equals_plain(b in 1_usize..3, c in 1_usize..4, h in 1_usize..40, w in 1_usize..70, bias: bool, seed: u64) {
            let size = [b, c, h, w];
            let lengths = [b * c * h * w, c * 9, c];
            let (own, plain) = (shaped(size, bias, depthwise3x3), shaped(size, bias, plain::depthwise3x3));
            assert_agrees(&lengths, seed >> 1, &own, &plain);
        }
    }

    #[test]
    fn one_pixel_equals_plain() {
        let (own, plain) = (
            shaped([1, 1, 1, 1], true, depthwise3x3),
            shaped([1, 1, 1, 1], true, plain::depthwise3x3),
        );
        assert_agrees(&[1, 9, 1], 3, &own, &plain);
    }

    #[test]
    fn transposed_input_equals_plain() {
        let turned = |operation: Operation| {
            move |leaves: &[Tensor<1>]| {
                let x = leaves[0].clone().reshape([2, 7, 5, 3]).permute([0, 3, 2, 1]);
                operation(x, leaves[1].clone().reshape([3, 1, 3, 3]), None)
            }
        };
        assert_agrees(&[210, 27], 5, &turned(depthwise3x3), &turned(plain::depthwise3x3));
    }

    #[test]
    fn threads_do_not_change_bits() {
        let own = shaped([2, 5, 33, 21], true, depthwise3x3);
        assert_independent_of_threads(&[2 * 5 * 33 * 21, 45, 5], &own);
    }

    #[test]
    fn frozen_weight_has_no_gradient_and_x_does() {
        let device = burn::tensor::Device::flex().autodiff();
        let x = Tensor::<4>::ones([1, 2, 3, 3], &device).require_grad();
        let weight = Tensor::<4>::ones([2, 1, 3, 3], &device);
        let gradients = depthwise3x3(x.clone(), weight.clone(), None).sum().backward();
        assert!(weight.grad(&gradients).is_none());
        let expected = [4., 6., 4., 6., 9., 6., 4., 6., 4.].repeat(2);
        assert_eq!(
            x.grad(&gradients).unwrap().into_data().try_to_vec::<f32>().unwrap(),
            expected
        );
    }
}
