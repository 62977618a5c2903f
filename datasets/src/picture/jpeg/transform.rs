//! The inverse discrete cosine transform of 8x8, to the last bit as libjpeg's accurate integer method has it.
//!
//! Loeffler, Ligtenberg and Moschytz, "Practical fast 1-D DCT algorithms with 11 multiplications" (ICASSP 1989), first down the
//! columns, then along the rows; factors of 13 bits behind the point, two bits kept between the passes.

use std::num::Wrapping;

/// Bits behind the point of a factor.
const FRACTION: usize = 13;

/// Bits kept between the passes.
const KEPT: usize = 2;

/// Coefficients of a broken file may be anything, so sums go round.
type Number = Wrapping<i32>;

type Square = [[Number; 8]; 8];

/// The samples of a block, 0 to 255, from its coefficients by rows; eight rows of eight, `stride` apart.
#[inline(always)]
pub fn inverse(coefficients: &[i32; 64], samples: &mut [u8], stride: usize) {
    let mut rows = [[Wrapping(0); 8]; 8];
    for (row, values) in rows.iter_mut().zip(coefficients.chunks_exact(8)) {
        *row = std::array::from_fn(|column| Wrapping(values[column]));
    }
    let rows = turned(&each_column(&rows, FRACTION - KEPT));
    // Three bits more: the transform's own factor of 8.
    let rows = turned(&each_column(&rows, FRACTION + KEPT + 3));
    for (row, values) in rows.iter().enumerate() {
        let samples = &mut samples[row * stride..row * stride + 8];
        for (sample, value) in samples.iter_mut().zip(values) {
            *sample = level(*value);
        }
    }
}

/// As [`inverse`], of a block whose only coefficient is the first.
#[inline(always)]
pub fn inverse_flat(first: i32, samples: &mut [u8], stride: usize) {
    let level = level(rounded(Wrapping(first), 3));
    for row in 0..8 {
        samples[row * stride..row * stride + 8].fill(level);
    }
}

/// Samples lie around 128.
#[inline(always)]
fn level(value: Number) -> u8 {
    (value + Wrapping(128)).0.clamp(0, 255) as u8
}

#[inline(always)]
fn rounded(value: Number, bits: usize) -> Number {
    (value + Wrapping(1 << (bits - 1))) >> bits
}

#[inline(always)]
fn turned(square: &Square) -> Square {
    let mut turned = *square;
    for (row, values) in square.iter().enumerate() {
        for (column, value) in values.iter().enumerate() {
            turned[column][row] = *value;
        }
    }
    turned
}

/// The transform of every column, `bits` of it rounded away.
#[inline(always)]
fn each_column(square: &Square, bits: usize) -> Square {
    let mut out = *square;
    // The compiler takes eight columns at once.
    for column in 0..8 {
        let samples = transform(std::array::from_fn(|row| square[row][column]));
        for (row, sample) in samples.into_iter().enumerate() {
            out[row][column] = rounded(sample, bits);
        }
    }
    out
}

/// Eight coefficients to eight samples, scaled by 2^[`FRACTION`].
#[inline(always)]
fn transform([x0, x1, x2, x3, x4, x5, x6, x7]: [Number; 8]) -> [Number; 8] {
    // The even half: a butterfly of 0 and 4, and a rotation of 2 and 6.
    let (sum, difference) = ((x0 + x4) << FRACTION, (x0 - x4) << FRACTION);
    let turn = (x2 + x6) * factor(0.541196100);
    let (high, low) = (turn + x2 * factor(0.765366865), turn - x6 * factor(1.847759065));
    let even = [sum + high, difference + low, difference - low, sum - high];

    // The odd half.
    let turn = (x1 + x3 + x5 + x7) * factor(1.175875602);
    let (near, far) = (
        turn - (x3 + x7) * factor(1.961570560),
        turn - (x1 + x5) * factor(0.390180644),
    );
    let (outer, inner) = ((x1 + x7) * factor(0.899976223), (x3 + x5) * factor(2.562915447));
    let odd = [
        x1 * factor(1.501321110) - outer + far,
        x3 * factor(3.072711026) - inner + near,
        x5 * factor(2.053119869) - inner + far,
        x7 * factor(0.298631336) - outer + near,
    ];
    [
        even[0] + odd[0],
        even[1] + odd[1],
        even[2] + odd[2],
        even[3] + odd[3],
        even[3] - odd[3],
        even[2] - odd[2],
        even[1] - odd[1],
        even[0] - odd[0],
    ]
}

#[inline(always)]
const fn factor(value: f64) -> Number {
    Wrapping((value * (1 << FRACTION) as f64 + 0.5) as i32)
}
