//! Planes for the depthwise convolutions, worked through in bands of rows.
//!
//! A band is copied into a buffer that has a zero to the left and to the right of each row, so that the nine taps of a
//! 3x3 kernel become nine shifts of one long run of numbers: no edge is special, and small planes fill the registers as
//! well as large ones. The two numbers that every row gets too many are not copied out.

use std::ops::Range;

use super::{
    dispatch::multiversion,
    rectangle::{Unwritten, copy_row, ranges, write_row},
};

/// Numbers a band's buffer is made for: several of them stay in the first cache.
const BAND: usize = 2048;

/// More than any register has lanes: buffers end with so many zeros, as the last register reads past the last row.
const SLACK: usize = 32;

/// The size of a plane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bands {
    pub height: usize,
    pub width: usize,
}

impl Bands {
    /// Numbers of a plane.
    pub fn pixels(self) -> usize {
        self.height * self.width
    }

    /// The rows of every band.
    pub fn rows(self) -> impl Iterator<Item = Range<usize>> {
        ranges(self.height, self.tallest())
    }

    /// Rows of a band, but for the last.
    fn tallest(self) -> usize {
        (BAND / self.stride()).clamp(4, self.height.max(4))
    }

    /// From one row of a buffer to the next.
    pub fn stride(self) -> usize {
        self.width + 2
    }

    /// How long a run of sums is for so many rows: whole registers.
    pub fn run(self, rows: usize) -> usize {
        (rows * self.stride()).next_multiple_of(16)
    }

    /// Zeros for a band with so many rows before and after it.
    pub fn buffer(self, halo: usize) -> Vec<f32> {
        vec![0.0; (self.tallest() + 2 * halo) * self.stride() + SLACK]
    }

    /// Fills a buffer with a band, `halo` rows before it and as many after it. Zeros stand for what is not in the plane.
    pub fn load(self, buffer: &mut [f32], plane: &[f32], band: &Range<usize>, halo: usize) {
        let targets = buffer.chunks_exact_mut(self.stride()).take(band.len() + 2 * halo);
        for (row, target) in targets.enumerate() {
            match (band.start + row).checked_sub(halo).filter(|row| *row < self.height) {
                Some(row) => {
                    copy_row(&mut target[1..=self.width], &plane[row * self.width..][..self.width]);
                    (target[0], target[self.width + 1]) = (0.0, 0.0);
                }
                None => target.fill(0.0),
            }
        }
    }

    /// Copies a run of sums to a band's rows, without the two columns too many.
    pub fn store(self, plane: &mut [Unwritten], sums: &[f32], band: &Range<usize>) {
        let targets = plane[band.start * self.width..band.end * self.width].chunks_exact_mut(self.width);
        for (target, sums) in targets.zip(sums.chunks(self.stride())) {
            write_row(target, &sums[..self.width]);
        }
    }
}

/// A channel's taps, row by row.
pub(super) fn taps(weight: &[f32], channel: usize) -> [f32; 9] {
    std::array::from_fn(|tap| weight[channel * 9 + tap])
}

multiversion! {
    /// `sums[p] = bias + sum of taps[3 r + c] * padded[p + r * stride + c]`
    pub(super) fn correlate<A, L>(sums: &mut [f32], padded: &[f32], stride: usize, taps: [f32; 9], bias: f32) {
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
    pub(super) fn correlation<A, L>(gradient: &[f32], padded: &[f32], stride: usize, tap_sums: &mut [f32; 9]) {
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
fn shifts(padded: &[f32], start: usize, length: usize) -> [&[f32]; 3] {
    [0, 1, 2].map(|shift| &padded[start + shift..][..length])
}
