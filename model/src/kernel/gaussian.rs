//! The normal distribution in registers: what the exact GELU and its derivative are made of.
//!
//! The tail `Q(z) = 1 - Phi(z)`, z >= 0, is `exp(-z^2 / 2) t P(t)` with `t = 1 / (1 + 0.26 z)`; P is the Chebyshev
//! interpolation of degree 8 on 0 <= z <= 13, 5e-8 off at most. As the tail itself is approximated and not its
//! difference from 1, GELU keeps its relative precision far into the negatives. Beyond 13 the tail is 6e-39 and taken as that at 13.

use super::dispatch::Arithmetic;

const TAIL: [f32; 9] = [
    0.103_773_68,
    0.102_770_305,
    0.104_777_464,
    0.044_217_374,
    0.176_933_3,
    -0.174_131_06,
    0.271_819_7,
    -0.162_706_63,
    0.032_545_857,
];

/// `(Phi(x), phi(x))`: the distribution and its density.
#[inline(always)]
pub(super) fn normal<A: Arithmetic>(x: f32) -> (f32, f32) {
    const FRACTION_1_SQRT_TAU: f32 = 0.398_942_3;
    let z = x.abs().min(13.0);
    let bell = exp::<A>(-0.5 * z * z);
    let t = 1.0 / A::mul_add(0.26, z, 1.0);
    let mut polynomial = TAIL[8];
    let mut power = 8;
    while power > 0 {
        power -= 1;
        polynomial = A::mul_add(polynomial, t, TAIL[power]);
    }
    let tail = bell * t * polynomial;
    (if x < 0.0 { tail } else { 1.0 - tail }, bell * FRACTION_1_SQRT_TAU)
}

/// `e^x` for -87 <= x <= 0: `2^n e^r` with |r| <= ln 2 / 2, Cephes' polynomial for `e^r`.
#[inline(always)]
pub(super) fn exp<A: Arithmetic>(x: f32) -> f32 {
    /// Adding it rounds to an integer and leaves that integer in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let shifted = A::mul_add(x, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = A::mul_add(n, 2.121_944_4e-4, A::mul_add(n, -0.693_359_4, x));
    let mut series = 1.987_569_1e-4;
    for coefficient in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_65, 0.5] {
        series = A::mul_add(series, r, coefficient);
    }
    let scale = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    A::mul_add(series, r * r, r + 1.0) * scale
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::dispatch::{Fused, Separate};

    /// Phi by its series in f64, Phi(x) = 1/2 + phi(x) (x + x^3/3 + x^5/15 + ...).
    fn reference(x: f64) -> f64 {
        let (mut term, mut sum) = (x, x);
        for k in 1..400 {
            term *= x * x / f64::from(2 * k + 1);
            sum += term;
        }
        0.5 + sum * (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt()
    }

    #[test]
    fn gelu_is_within_a_millionth() {
        for step in -80_000..=80_000 {
            let x = step as f32 * 1e-4;
            let exact = f64::from(x) * reference(f64::from(x));
            for phi in [normal::<Fused>(x).0, normal::<Separate>(x).0] {
                let error = (f64::from(x * phi) - exact).abs();
                assert!(error <= 1e-6_f64.max(1e-7 * exact.abs()), "gelu({x}) is off by {error}");
            }
        }
    }

    #[test]
    fn density_is_the_bell() {
        for step in -1000..=1000 {
            let x = step as f32 * 0.01;
            let exact = (-0.5 * f64::from(x) * f64::from(x)).exp() / std::f64::consts::TAU.sqrt();
            assert!((f64::from(normal::<Fused>(x).1) - exact).abs() <= 1e-7);
        }
    }

    #[test]
    fn far_tails_vanish_and_not_a_number_stays() {
        assert_eq!(normal::<Fused>(f32::INFINITY).0, 1.0);
        assert!(normal::<Fused>(-1e30).0 < 1e-37);
        assert!((f32::NAN * normal::<Fused>(f32::NAN).0).is_nan());
    }
}
