//! Many normals at once, for noise on whole pictures: Marsaglia's polar method in loops that the compiler vectorises.
//!
//! Every operation is the exactly rounded one of [`Stream::normal`] in the same order, so the numbers are the same bit by
//! bit, and so is the place where the stream then stands.

use rand::RngCore;

use super::Stream;

/// Points drawn at once; the buffers stay in the first-level cache.
const ROUND: usize = 256;

/// Points of the unit disc, and the square of their distance from its centre.
struct Points {
    u: [f64; ROUND],
    v: [f64; ROUND],
    square: [f64; ROUND],
}

/// Fills `out` from the stream.
pub fn fill(stream: &mut Stream, out: &mut [f32]) {
    let mut done = 0;
    if !out.is_empty()
        && let Some(spare) = stream.spare.take()
    {
        out[0] = spare;
        done = 1;
    }
    let mut points = Points {
        u: [0.0; ROUND],
        v: [0.0; ROUND],
        square: [0.5; ROUND],
    };
    while done < out.len() {
        let left = &mut out[done..];
        // Each point gives two numbers at most, so none is drawn that single calls would not have drawn.
        let drawn = left.len().div_ceil(2).min(ROUND);
        let found = points.normals(stream, drawn);
        for ((pair, u), v) in left.chunks_exact_mut(2).zip(&points.u[..found]).zip(&points.v) {
            pair[0] = *u as f32;
            pair[1] = *v as f32;
        }
        done += (2 * found).min(left.len());
        if 2 * found > left.len() {
            // Room for one number of the last point.
            left[left.len() - 1] = points.u[found - 1] as f32;
            stream.spare = Some(points.v[found - 1] as f32);
        }
    }
}

impl Points {
    /// Draws points and turns those inside the disc into pairs of normals, in front. Says how many they are.
    fn normals(&mut self, stream: &mut Stream, drawn: usize) -> usize {
        #[cfg(target_arch = "x86_64")]
        {
            /// The same operations on registers of twice the size, none of them fused: the same bits.
            #[target_feature(enable = "avx2")]
            fn avx2(points: &mut Points, stream: &mut Stream, drawn: usize) -> usize {
                points.normals_here(stream, drawn)
            }
            if is_x86_feature_detected!("avx2") {
                // SAFETY: the CPU has these instructions.
                return unsafe { avx2(self, stream, drawn) };
            }
        }
        self.normals_here(stream, drawn)
    }

    #[inline(always)]
    fn normals_here(&mut self, stream: &mut Stream, drawn: usize) -> usize {
        let found = self.draw(stream, drawn);
        self.spread(found);
        found
    }

    /// Draws points of the square and moves those inside the disc to the front. Says how many they are.
    #[inline(always)]
    fn draw(&mut self, stream: &mut Stream, drawn: usize) -> usize {
        let mut bytes = [0; 8 * ROUND];
        stream.source.fill_bytes(&mut bytes[..8 * drawn]);
        let coordinate = |bits: u32| f64::from(bits as i32) * (1.0 / 2_147_483_648.0);
        let places = self.u.iter_mut().zip(&mut self.v).zip(&mut self.square);
        for (bits, ((u, v), square)) in bytes[..8 * drawn].chunks_exact(8).zip(places) {
            *u = coordinate(u32::from_le_bytes([bits[0], bits[1], bits[2], bits[3]]));
            *v = coordinate(u32::from_le_bytes([bits[4], bits[5], bits[6], bits[7]]));
            *square = *u * *u + *v * *v;
        }
        let mut found = 0;
        for at in 0..drawn {
            let square = self.square[at];
            // Written whether it is inside or not: a branch here would be guessed wrong at every fifth point.
            self.u[found] = self.u[at];
            self.v[found] = self.v[at];
            self.square[found] = square;
            found += usize::from(square > 0.0 && square < 1.0);
        }
        found
    }

    /// Turns the first `found` points into pairs of normals.
    #[inline(always)]
    fn spread(&mut self, found: usize) {
        let places = self.u.iter_mut().zip(&mut self.v).zip(&self.square);
        for ((u, v), square) in places.take(found) {
            let scale = (-2.0 * ln(*square) / *square).sqrt();
            *u *= scale;
            *v *= scale;
        }
    }
}

/// `libm::log` without its branches, for numbers above 2⁻¹⁰²² and below 1: fdlibm's own steps in their order (Sun
/// Microsystems 1993), so the same bits.
#[inline(always)]
fn ln(x: f64) -> f64 {
    const LN2_HI: f64 = 6.93147180369123816490e-01;
    const LN2_LO: f64 = 1.90821492927058770002e-10;
    const LG1: f64 = 6.666666666666735130e-01;
    const LG2: f64 = 3.999999999940941908e-01;
    const LG3: f64 = 2.857142874366239149e-01;
    const LG4: f64 = 2.222219843214978396e-01;
    const LG5: f64 = 1.818357216161805012e-01;
    const LG6: f64 = 1.531383769920937332e-01;
    const LG7: f64 = 1.479819860511658591e-01;

    let bits = x.to_bits();
    let high = ((bits >> 32) as u32).wrapping_add(0x3ff0_0000 - 0x3fe6_a09e);
    let k = f64::from((high >> 20) as i32 - 0x3ff);
    let high = (high & 0x000f_ffff) + 0x3fe6_a09e;
    let x = f64::from_bits(u64::from(high) << 32 | (bits & 0xffff_ffff));

    let f = x - 1.0;
    let half = 0.5 * f * f;
    let s = f / (2.0 + f);
    let z = s * s;
    let w = z * z;
    let t1 = w * (LG2 + w * (LG4 + w * LG6));
    let t2 = z * (LG1 + w * (LG3 + w * (LG5 + w * LG7)));
    s * (half + (t2 + t1)) + k * LN2_LO - half + f + k * LN2_HI
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Key;

    #[test]
    fn many_at_once_are_those_one_by_one_and_leave_the_stream_at_the_same_place() {
        for (before, count) in [(0, 0), (0, 1), (0, 2), (1, 1), (1, 0), (0, 513), (1, 1023), (3, 50_001)] {
            let mut single = Key::new("test", 5).number(count).stream();
            let mut many = single.clone();
            for _ in 0..before {
                assert_eq!(single.normal(), many.normal());
            }
            let mut out = vec![0.0_f32; count as usize];
            many.normals(&mut out);
            for (at, value) in out.iter().enumerate() {
                assert_eq!(
                    value.to_bits(),
                    single.normal().to_bits(),
                    "{before} before, {at} of {count}"
                );
            }
            assert_eq!(single.normal().to_bits(), many.normal().to_bits());
            assert_eq!(single.bits(), many.bits());
        }
    }

    #[test]
    fn the_logarithm_is_that_of_the_library_bit_by_bit() {
        let mut stream = Key::new("test", 6).stream();
        let smallest = 2.0_f64.powi(-62);
        for x in [smallest, 0.5, 1.0 - f64::EPSILON, std::f64::consts::FRAC_1_SQRT_2] {
            assert_eq!(ln(x).to_bits(), libm::log(x).to_bits(), "{x}");
        }
        for _ in 0..200_000 {
            let x = stream.unit() * 2.0_f64.powi(-(stream.below(60) as i32));
            if x > 0.0 {
                assert_eq!(ln(x).to_bits(), libm::log(x).to_bits(), "{x}");
            }
        }
    }
}
