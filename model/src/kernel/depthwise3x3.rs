//! Depthwise 3x3 convolution, zero padding of 1, stride 1.
//!
//! A plane is worked through in bands of rows. A band is copied into a buffer that has a zero to the left and to the
//! right of each row, so that the nine taps become nine shifts of one long run of numbers: no edge is special, and small
//! planes fill the registers as well as large ones. The two numbers that every row gets too many are not copied out.
//! The backward pass reads each band once for both gradients.

use burn::tensor::{Shape, Tensor};
use rayon::prelude::*;

use super::{
    dispatch::{Simd, multiversion},
    operation::{Kernel, fits, run_convolution},
    plain,
    rectangle::{Unwritten, ranges, unwritten, written},
    sums::{channel_sums, sum_parts},
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
    run_convolution(
        Depthwise3x3 {
            batch,
            channels,
            height,
            width,
        },
        x,
        weight,
        bias,
    )
}

/// Numbers a band's buffer is made for: three of them stay in the first cache.
const BAND: usize = 2048;

/// More than any register has lanes: buffers end with so many zeros, as the last register reads past the last row.
const SLACK: usize = 32;

#[derive(Clone, Debug)]
struct Depthwise3x3 {
    batch: usize,
    channels: usize,
    height: usize,
    width: usize,
}

impl<const N: usize> Kernel<N> for Depthwise3x3 {
    type Saved = ();

    fn output_shape(&self) -> Shape {
        Shape::new([self.batch, self.channels, self.height, self.width])
    }

    fn reads(&self, wanted: [bool; N]) -> [bool; N] {
        let mut reads = [false; N];
        reads[..2].copy_from_slice(&[wanted[1], wanted[0]]);
        reads
    }

    fn forward(&self, inputs: [&[f32]; N]) -> (Vec<f32>, ()) {
        let simd = Simd::current();
        let (x, weight, bias) = (inputs[0], inputs[1], inputs.get(2));
        let pixels = self.height * self.width;
        let mut output = unwritten(x.len());
        let planes = output
            .par_chunks_exact_mut(pixels)
            .zip(x.par_chunks_exact(pixels))
            .enumerate();
        planes.for_each_init(
            || self.scratch(),
            |[padded, sums, _], (plane, (output, x))| {
                let channel = plane % self.channels;
                let bias = bias.map_or(0.0, |bias| bias[channel]);
                for rows in ranges(self.height, self.band()) {
                    self.load(padded, x, rows.start, rows.len());
                    let length = self.run(rows.len());
                    correlate(
                        simd,
                        &mut sums[..length],
                        padded,
                        self.stride(),
                        taps(weight, channel),
                        bias,
                    );
                    self.store(output, sums, rows.start, rows.len());
                }
            },
        );
        // SAFETY: the bands of rows cover every plane.
        (unsafe { written(output) }, ())
    }

    fn backward(&self, inputs: [&[f32]; N], (): (), gradient: &[f32], wanted: [bool; N]) -> [Option<Vec<f32>>; N] {
        let simd = Simd::current();
        let (x, weight) = (inputs[0], inputs[1]);
        let pixels = self.height * self.width;
        let planes = self.batch * self.channels;

        let mut x_gradient = wanted[0].then(|| unwritten(gradient.len()));
        let outputs: Vec<Option<&mut [Unwritten]>> = match &mut x_gradient {
            Some(all) => all.chunks_exact_mut(pixels).map(Some).collect(),
            None => (0..planes).map(|_| None).collect(),
        };
        let tap_gradients: Vec<[f32; 9]> = outputs
            .into_par_iter()
            .zip(gradient.par_chunks_exact(pixels))
            .enumerate()
            .map_init(
                || self.scratch(),
                |[padded, sums, padded_x], (plane, (mut output, gradient))| {
                    let mut tap_sums = [0.0; 9];
                    for rows in ranges(self.height, self.band()) {
                        self.load(padded, gradient, rows.start, rows.len());
                        if let Some(output) = &mut output {
                            let mut taps = taps(weight, plane % self.channels);
                            taps.reverse();
                            let length = self.run(rows.len());
                            correlate(simd, &mut sums[..length], padded, self.stride(), taps, 0.0);
                            self.store(output, sums, rows.start, rows.len());
                        }
                        if wanted[1] {
                            self.load(padded_x, &x[plane * pixels..][..pixels], rows.start, rows.len());
                            let own = &padded[self.stride() + 1..][..rows.len() * self.stride()];
                            correlation(simd, own, padded_x, self.stride(), &mut tap_sums);
                        }
                    }
                    tap_sums
                },
            )
            .collect();

        let mut gradients = [const { None }; N];
        // SAFETY: the bands of rows cover every plane.
        gradients[0] = x_gradient.map(|all| unsafe { written(all) });
        gradients[1] = wanted[1].then(|| sum_parts(tap_gradients.as_flattened(), self.channels * 9));
        if N > 2 && wanted[2] {
            gradients[2] = Some(channel_sums(simd, gradient, self.channels, pixels));
        }
        gradients
    }
}

impl Depthwise3x3 {
    /// Rows of a band.
    fn band(&self) -> usize {
        (BAND / self.stride()).clamp(4, self.height.max(4))
    }

    /// From one row of a buffer to the next.
    fn stride(&self) -> usize {
        self.width + 2
    }

    /// How long a run of sums is for so many rows: whole registers.
    fn run(&self, rows: usize) -> usize {
        (rows * self.stride()).next_multiple_of(16)
    }

    fn scratch(&self) -> [Vec<f32>; 3] {
        [(); 3].map(|()| vec![0.0; (self.band() + 2) * self.stride() + SLACK])
    }

    /// Fills a buffer with `rows` rows from `first` on, the row before and the row after them. Zeros stand for what is
    /// not in the plane.
    fn load(&self, padded: &mut [f32], plane: &[f32], first: usize, rows: usize) {
        for (row, target) in padded.chunks_exact_mut(self.stride()).take(rows + 2).enumerate() {
            match (first + row).checked_sub(1).filter(|row| *row < self.height) {
                Some(row) => {
                    target[1..=self.width].copy_from_slice(&plane[row * self.width..][..self.width]);
                    (target[0], target[self.width + 1]) = (0.0, 0.0);
                }
                None => target.fill(0.0),
            }
        }
    }

    /// Copies a run of sums to its rows, without the two columns too many.
    fn store(&self, plane: &mut [Unwritten], sums: &[f32], first: usize, rows: usize) {
        let targets = plane[first * self.width..][..rows * self.width].chunks_exact_mut(self.width);
        for (target, sums) in targets.zip(sums.chunks(self.stride())) {
            target.write_copy_of_slice(&sums[..self.width]);
        }
    }
}

fn taps(weight: &[f32], channel: usize) -> [f32; 9] {
    std::array::from_fn(|tap| weight[channel * 9 + tap])
}

multiversion! {
    /// `sums[p] = bias + sum of taps[3 r + c] * padded[p + r * stride + c]`
    fn correlate<A, L>(sums: &mut [f32], padded: &[f32], stride: usize, taps: [f32; 9], bias: f32) {
        let length = sums.len();
        let [a0, a1, a2] = shifts(padded, 0, length);
        let [b0, b1, b2] = shifts(padded, stride, length);
        let [c0, c1, c2] = shifts(padded, 2 * stride, length);
        for p in 0..length {
            let first = A::mul_add(taps[0], a0[p], A::mul_add(taps[1], a1[p], A::mul_add(taps[2], a2[p], bias)));
            let middle = A::mul_add(taps[3], b0[p], A::mul_add(taps[4], b1[p], taps[5] * b2[p]));
            let last = A::mul_add(taps[6], c0[p], A::mul_add(taps[7], c1[p], taps[8] * c2[p]));
            sums[p] = first + middle + last;
        }
    }
}

multiversion! {
    /// `tap_sums[3 r + c] += sum of gradient[p] * padded[p + r * stride + c]`, sixteen or fewer partial sums a tap.
    fn correlation<A, L>(gradient: &[f32], padded: &[f32], stride: usize, tap_sums: &mut [f32; 9]) {
        let length = gradient.len();
        let mut lanes = [[0.0_f32; L]; 9];
        let whole = length / L * L;
        for p in (0..whole).step_by(L) {
            let own: &[f32; L] = gradient[p..].first_chunk().expect("a whole register");
            for tap in 0..9 {
                let start = p + tap / 3 * stride + tap % 3;
                let x: &[f32; L] = padded[start..].first_chunk().expect("a whole register");
                for lane in 0..L {
                    lanes[tap][lane] = A::mul_add(own[lane], x[lane], lanes[tap][lane]);
                }
            }
        }
        for (tap, lanes) in lanes.iter().enumerate() {
            let start = whole + tap / 3 * stride + tap % 3;
            let rest = gradient[whole..].iter().zip(&padded[start..]).map(|(own, x)| own * x).sum::<f32>();
            tap_sums[tap] += lanes.iter().sum::<f32>() + rest;
        }
    }
}

/// The run that begins at `start`, and the same one and two numbers on.
#[inline(always)]
#[allow(clippy::inline_always)]
fn shifts(padded: &[f32], start: usize, length: usize) -> [&[f32]; 3] {
    [0, 1, 2].map(|shift| &padded[start + shift..][..length])
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
