//! Depthwise 3x3 convolution and gate in one: `gelu(w1 * x1) * (w2 * x2)`, the middle of Restormer's feed-forward
//! network, and `(w1 * x1) (w2 * x2)`, the middle of NAFNet's block.
//!
//! The filtered planes are the largest activations of these networks. Here they live only in bands of rows: the
//! backward pass filters once more, two rows further than the band each way, instead of reading them from memory, and
//! nothing but x is kept for it.

use std::fmt::Debug;

use burn::tensor::{Shape, Tensor};

use super::{
    bands::{Bands, correlate, correlation, taps},
    dispatch::Simd,
    gelu_gate::{gate_gradient_in_place, gate_in_place},
    operation::{Kernel, fits, run_convolution},
    plain,
    rectangle::{unwritten, written},
    simple_gate::{simple_gate_gradient_in_place, simple_gate_in_place},
    sums::{sum, sum_parts},
    threads::Share,
};

/// `gelu_gate(depthwise3x3(x, weight, bias))`
///
/// # Shapes
/// - x `[B, 2C, H, W]`, weight `[2C, 1, 3, 3]`, bias `[2C]`
/// - output `[B, C, H, W]`
pub fn gated_depthwise3x3(x: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>) -> Tensor<4> {
    gated(Gelu, x, weight, bias)
}

/// `simple_gate(depthwise3x3(x, weight, bias))`, with the shapes of [`gated_depthwise3x3`]
pub fn simple_gated_depthwise3x3(x: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>) -> Tensor<4> {
    gated(Simple, x, weight, bias)
}

fn gated<G: Gate>(gate: G, x: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>) -> Tensor<4> {
    let [batch, channels, height, width] = x.dims();
    if !fits(&x) || channels % 2 != 0 {
        return gate.plain(plain::depthwise3x3(x, weight, bias));
    }
    assert_eq!(
        weight.dims(),
        [channels, 1, 3, 3],
        "gated depthwise 3x3: weight is [2C, 1, 3, 3]"
    );
    let kernel = GatedDepthwise3x3 {
        gate,
        batch,
        channels: channels / 2,
        bands: Bands { height, width },
    };
    run_convolution(kernel, x, weight, bias)
}

/// How two filtered planes become one.
trait Gate: Copy + Debug + Send + Sync + 'static {
    fn plain(self, x: Tensor<4>) -> Tensor<4>;

    /// Leaves the output in `x1`.
    fn in_place(self, simd: Simd, x1: &mut [f32], x2: &[f32]);

    /// From x1, x2 and the output's gradient to the gradients of x1 and x2.
    fn gradient_in_place(self, simd: Simd, x1: &mut [f32], x2: &mut [f32], gradient: &[f32]);
}

#[derive(Clone, Copy, Debug)]
struct Gelu;

impl Gate for Gelu {
    fn plain(self, x: Tensor<4>) -> Tensor<4> {
        plain::gelu_gate(x)
    }

    fn in_place(self, simd: Simd, x1: &mut [f32], x2: &[f32]) {
        gate_in_place(simd, x1, x2);
    }

    fn gradient_in_place(self, simd: Simd, x1: &mut [f32], x2: &mut [f32], gradient: &[f32]) {
        gate_gradient_in_place(simd, x1, x2, gradient);
    }
}

#[derive(Clone, Copy, Debug)]
struct Simple;

impl Gate for Simple {
    fn plain(self, x: Tensor<4>) -> Tensor<4> {
        plain::simple_gate(x)
    }

    fn in_place(self, simd: Simd, x1: &mut [f32], x2: &[f32]) {
        simple_gate_in_place(simd, x1, x2);
    }

    fn gradient_in_place(self, simd: Simd, x1: &mut [f32], x2: &mut [f32], gradient: &[f32]) {
        simple_gate_gradient_in_place(simd, x1, x2, gradient);
    }
}

#[derive(Clone, Debug)]
struct GatedDepthwise3x3<G> {
    gate: G,
    batch: usize,
    /// Of the output.
    channels: usize,
    bands: Bands,
}

/// Gradients of nine taps and the bias, of the two channels that make one.
type TapGradients = [[f32; 10]; 2];

impl<G: Gate, const N: usize> Kernel<N> for GatedDepthwise3x3<G> {
    type Saved = ();

    fn output_shape(&self) -> Shape {
        Shape::new([self.batch, self.channels, self.bands.height, self.bands.width])
    }

    fn reads(&self, _: [bool; N]) -> [bool; N] {
        [true; N]
    }

    fn forward(&self, inputs: [&[f32]; N]) -> (Vec<f32>, ()) {
        let (simd, bands) = (Simd::current(), self.bands);
        let mut output = unwritten(inputs[0].len() / 2);
        output.chunks_exact_mut(bands.pixels()).enumerate().share_with(
            || [bands.buffer(1), bands.buffer(0), bands.buffer(0)],
            |[padded, sums1, sums2], (plane, output)| {
                let halves = self.halves(&inputs, plane);
                for band in bands.rows() {
                    let run = bands.run(band.len());
                    for (sums, (x, taps, bias)) in [&mut *sums1, &mut *sums2].into_iter().zip(halves) {
                        bands.load(padded, x, &band, 1);
                        correlate(simd, &mut sums[..run], padded, bands.stride(), taps, bias);
                    }
                    self.gate.in_place(simd, &mut sums1[..run], &sums2[..run]);
                    bands.store(output, sums1, &band);
                }
            },
        );
        // SAFETY: the bands cover every plane.
        (unsafe { written(output) }, ())
    }

    fn backward(&self, inputs: [&[f32]; N], (): (), gradient: &[f32], wanted: [bool; N]) -> [Option<Vec<f32>>; N] {
        let (simd, bands) = (Simd::current(), self.bands);
        let (stride, pixels) = (bands.stride(), bands.pixels());
        let mut x_gradient = unwritten(inputs[0].len());
        let half = self.channels * pixels;
        let items = x_gradient
            .chunks_exact_mut(2 * half)
            .zip(gradient.chunks_exact(half))
            .enumerate();
        let planes = items.flat_map(|(item, (output, gradient))| {
            let (first, second) = output.split_at_mut(half);
            let outputs = first.chunks_exact_mut(pixels).zip(second.chunks_exact_mut(pixels));
            let planes = outputs.zip(gradient.chunks_exact(pixels)).enumerate();
            planes.map(move |(channel, planes)| (item * self.channels + channel, planes))
        });
        let tap_gradients = planes.share_map_with(
            || ([(); 3].map(|()| bands.buffer(2)), [(); 3].map(|()| bands.buffer(1))),
            |([padded1, padded2, sums], [gradient1, gradient2, padded]), (plane, ((first, second), gradient))| {
                let mut tap_gradients = TapGradients::default();
                let halves = self.halves(&inputs, plane);
                for band in bands.rows() {
                    // The filtered rows, the row before and the row after them; then, in their place, the gradients.
                    // They begin one number late, so that they come to lie as a loaded band does.
                    let run = 1..1 + bands.run(band.len() + 2);
                    let filtered = [(&mut *padded1, &mut *gradient1), (&mut *padded2, &mut *gradient2)];
                    for ((x_band, filtered), (x, taps, bias)) in filtered.into_iter().zip(halves) {
                        bands.load(x_band, x, &band, 2);
                        correlate(simd, &mut filtered[run.clone()], x_band, stride, taps, bias);
                    }
                    bands.load(padded, gradient, &band, 1);
                    let (own1, own2) = (&mut gradient1[run.clone()], &mut gradient2[run.clone()]);
                    self.gate.gradient_in_place(simd, own1, own2, &padded[run]);

                    let sides = [
                        (&*gradient1, &*padded1, &mut *first),
                        (&*gradient2, &*padded2, &mut *second),
                    ];
                    for (side, (gradient, x_band, output)) in sides.into_iter().enumerate() {
                        if wanted[0] {
                            let mut taps = halves[side].1;
                            taps.reverse();
                            let sums = &mut sums[..bands.run(band.len())];
                            correlate(simd, sums, gradient, stride, taps, 0.0);
                            bands.store(output, sums, &band);
                        }
                        let own = &gradient[stride + 1..][..band.len() * stride];
                        let [taps @ .., bias] = &mut tap_gradients[side];
                        if wanted[1] {
                            correlation(simd, own, &x_band[stride..], stride, taps);
                        }
                        if N > 2 && wanted[2] {
                            *bias += sum(simd, own);
                        }
                    }
                }
                tap_gradients
            },
        );

        let mut gradients = [const { None }; N];
        if wanted[0] {
            // SAFETY: the bands cover every plane.
            gradients[0] = Some(unsafe { written(x_gradient) });
        }
        let sums = sum_parts(tap_gradients.as_flattened().as_flattened(), self.channels * 20);
        let channels = || (0..2).flat_map(|side| sums.chunks_exact(10).skip(side).step_by(2));
        gradients[1] = wanted[1].then(|| {
            let mut taps = Vec::with_capacity(self.channels * 18);
            channels().for_each(|sums| taps.extend_from_slice(&sums[..9]));
            taps
        });
        if N > 2 && wanted[2] {
            gradients[2] = Some(channels().map(|sums| sums[9]).collect());
        }
        gradients
    }
}

impl<G> GatedDepthwise3x3<G> {
    /// Of the two channels that make a plane of the output: x, taps and bias.
    fn halves<'a>(&self, inputs: &[&'a [f32]], plane: usize) -> [(&'a [f32], [f32; 9], f32); 2] {
        let (item, channel) = (plane / self.channels, plane % self.channels);
        [channel, self.channels + channel].map(|channel| {
            let plane = (item * 2 * self.channels + channel) * self.bands.pixels();
            let bias = inputs.get(2).map_or(0.0, |bias| bias[channel]);
            (
                &inputs[0][plane..][..self.bands.pixels()],
                taps(inputs[1], channel),
                bias,
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::agreement::{assert_agrees, assert_independent_of_threads};

    type Operation = fn(Tensor<4>, Tensor<4>, Option<Tensor<1>>) -> Tensor<4>;

    /// Own and plain, with each gate.
    const GATES: [[Operation; 2]; 2] = [
        [gated_depthwise3x3, |x, weight, bias| {
            plain::gelu_gate(plain::depthwise3x3(x, weight, bias))
        }],
        [simple_gated_depthwise3x3, |x, weight, bias| {
            plain::simple_gate(plain::depthwise3x3(x, weight, bias))
        }],
    ];

    /// Channels are the output's.
    fn shaped([b, c, h, w]: [usize; 4], bias: bool, operation: Operation) -> impl Fn(&[Tensor<1>]) -> Tensor<4> + Sync {
        move |leaves| {
            let [x, weight, offset] = [0, 1, 2].map(|leaf| leaves[leaf].clone());
            operation(
                x.reshape([b, 2 * c, h, w]),
                weight.reshape([2 * c, 1, 3, 3]),
                bias.then_some(offset),
            )
        }
    }

    fn lengths([b, c, h, w]: [usize; 4]) -> [usize; 3] {
        [2 * b * c * h * w, 18 * c, 2 * c]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn equals_plain(b in 1_usize..3, c in 1_usize..4, h in 1_usize..40, w in 1_usize..70, bias: bool, seed: u64) {
            let size = [b, c, h, w];
            for gate in GATES {
                let [own, plain] = gate.map(|operation| shaped(size, bias, operation));
                assert_agrees(&lengths(size), seed >> 1, &own, &plain);
            }
        }
    }

    #[test]
    fn one_pixel_equals_plain() {
        let size = [1, 1, 1, 1];
        for gate in GATES {
            let [own, plain] = gate.map(|operation| shaped(size, true, operation));
            assert_agrees(&lengths(size), 8, &own, &plain);
        }
    }

    #[test]
    fn threads_do_not_change_bits() {
        let size = [2, 5, 33, 21];
        for [own, _] in GATES {
            assert_independent_of_threads(&lengths(size), &shaped(size, true, own));
        }
    }
}
