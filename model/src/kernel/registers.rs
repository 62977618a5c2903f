//! Vector registers, for the inner loops of the matrix products: what the compiler makes of plain loops is good for
//! everything else, but here each accumulator has to stay where it is.

/// A register of f32 lanes. Its functions are only as fast as they should be inside code that is compiled for its
/// instructions.
pub(super) trait Register: Copy {
    const LANES: usize;

    /// One number in every lane.
    fn splat(number: f32) -> Self;

    /// # Safety
    /// [`LANES`](Self::LANES) numbers can be read at `from`.
    unsafe fn load(from: *const f32) -> Self;

    /// # Safety
    /// [`LANES`](Self::LANES) numbers can be written at `to`.
    unsafe fn store(self, to: *mut f32);

    /// `a * b + self`
    fn add_product(self, a: Self, b: Self) -> Self;

    fn add(self, other: Self) -> Self;

    /// Asks for what lies there to be brought nearer; there need not be anything.
    #[inline(always)]
    fn prefetch(_from: *const f32) {}

    /// Writes a square of numbers, as wide as a register, with its rows as columns. Rows are as far apart as the strides say.
    ///
    /// # Safety
    /// The square can be read at `from` and written at `to`.
    #[inline(always)]
    unsafe fn turn(to: *mut f32, to_stride: usize, from: *const f32, stride: usize) {
        for row in 0..Self::LANES {
            for column in 0..Self::LANES {
                // SAFETY: by the caller's word.
                unsafe { *to.add(column * to_stride + row) = *from.add(row * stride + column) }
            }
        }
    }
}

/// Without any assumption about the CPU.
#[derive(Clone, Copy)]
pub(super) struct Portable([f32; 4]);

impl Register for Portable {
    const LANES: usize = 4;

    #[inline(always)]
    fn splat(number: f32) -> Self {
        Self([number; 4])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: four numbers can be read, by the caller's word.
        Self(unsafe { from.cast::<[f32; 4]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: four numbers can be written, by the caller's word.
        unsafe { to.cast::<[f32; 4]>().write_unaligned(self.0) }
    }

    #[inline(always)]
    fn add_product(self, a: Self, b: Self) -> Self {
        use super::dispatch::{Arithmetic, Baseline};
        Self(std::array::from_fn(|lane| {
            Baseline::mul_add(a.0[lane], b.0[lane], self.0[lane])
        }))
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(std::array::from_fn(|lane| self.0[lane] + other.0[lane]))
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m256, __m512, _MM_HINT_T1, _mm_prefetch, _mm256_add_ps, _mm256_castpd_ps, _mm256_castps_pd, _mm256_fmadd_ps,
        _mm256_loadu_ps, _mm256_permute2f128_ps, _mm256_set1_ps, _mm256_storeu_ps, _mm256_unpackhi_pd,
        _mm256_unpackhi_ps, _mm256_unpacklo_pd, _mm256_unpacklo_ps, _mm512_add_ps, _mm512_castpd_ps, _mm512_castps_pd,
        _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_shuffle_f32x4, _mm512_storeu_ps, _mm512_unpackhi_pd,
        _mm512_unpackhi_ps, _mm512_unpacklo_pd, _mm512_unpacklo_ps,
    };

    use super::Register;

    /// AVX2 with FMA. Exists in code only that runs where these were detected.
    #[derive(Clone, Copy)]
    pub struct Avx2(__m256);

    /// AVX-512. Exists in code only that runs where it was detected.
    #[derive(Clone, Copy)]
    pub struct Avx512(__m512);

    // SAFETY of every call below: the products' versions with these types are only called where their instructions were
    // detected (`dispatch`), and the pointers are good by the caller's word.

    impl Register for Avx2 {
        const LANES: usize = 8;

        #[inline(always)]
        fn splat(number: f32) -> Self {
            // SAFETY: see above.
            Self(unsafe { _mm256_set1_ps(number) })
        }

        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: see above.
            Self(unsafe { _mm256_loadu_ps(from) })
        }

        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: see above.
            unsafe { _mm256_storeu_ps(to, self.0) }
        }

        #[inline(always)]
        fn add_product(self, a: Self, b: Self) -> Self {
            // SAFETY: see above.
            Self(unsafe { _mm256_fmadd_ps(a.0, b.0, self.0) })
        }

        #[inline(always)]
        fn add(self, other: Self) -> Self {
            // SAFETY: see above.
            Self(unsafe { _mm256_add_ps(self.0, other.0) })
        }

        #[inline(always)]
        fn prefetch(from: *const f32) {
            // SAFETY: a hint about an address, whatever it is.
            unsafe { _mm_prefetch::<_MM_HINT_T1>(from.cast()) }
        }

        /// By pairs of numbers, pairs of pairs, and halves of registers.
        #[inline(always)]
        #[allow(clippy::needless_range_loop, reason = "counted loops over registers unroll")]
        unsafe fn turn(to: *mut f32, to_stride: usize, from: *const f32, stride: usize) {
            // SAFETY: see above.
            unsafe {
                let mut rows = [_mm256_set1_ps(0.0); 8];
                for r in 0..8 {
                    rows[r] = _mm256_loadu_ps(from.add(r * stride));
                }
                let mut pairs = rows;
                for r in 0..4 {
                    let (a, b) = (rows[2 * r], rows[2 * r + 1]);
                    pairs[2 * r] = _mm256_unpacklo_ps(a, b);
                    pairs[2 * r + 1] = _mm256_unpackhi_ps(a, b);
                }
                for four in 0..2 {
                    for c in 0..2 {
                        let a = _mm256_castps_pd(pairs[4 * four + c]);
                        let b = _mm256_castps_pd(pairs[4 * four + 2 + c]);
                        rows[4 * four + 2 * c] = _mm256_castpd_ps(_mm256_unpacklo_pd(a, b));
                        rows[4 * four + 2 * c + 1] = _mm256_castpd_ps(_mm256_unpackhi_pd(a, b));
                    }
                }
                for c in 0..4 {
                    let (a, b) = (rows[c], rows[4 + c]);
                    _mm256_storeu_ps(to.add(c * to_stride), _mm256_permute2f128_ps::<0x20>(a, b));
                    _mm256_storeu_ps(to.add((4 + c) * to_stride), _mm256_permute2f128_ps::<0x31>(a, b));
                }
            }
        }
    }

    impl Register for Avx512 {
        const LANES: usize = 16;

        #[inline(always)]
        fn splat(number: f32) -> Self {
            // SAFETY: see above.
            Self(unsafe { _mm512_set1_ps(number) })
        }

        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: see above.
            Self(unsafe { _mm512_loadu_ps(from) })
        }

        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: see above.
            unsafe { _mm512_storeu_ps(to, self.0) }
        }

        #[inline(always)]
        fn add_product(self, a: Self, b: Self) -> Self {
            // SAFETY: see above.
            Self(unsafe { _mm512_fmadd_ps(a.0, b.0, self.0) })
        }

        #[inline(always)]
        fn add(self, other: Self) -> Self {
            // SAFETY: see above.
            Self(unsafe { _mm512_add_ps(self.0, other.0) })
        }

        #[inline(always)]
        fn prefetch(from: *const f32) {
            Avx2::prefetch(from);
        }

        /// By pairs of numbers, pairs of pairs, and twice by quarters of registers.
        #[inline(always)]
        #[allow(clippy::needless_range_loop, reason = "counted loops over registers unroll")]
        unsafe fn turn(to: *mut f32, to_stride: usize, from: *const f32, stride: usize) {
            // SAFETY: see above.
            unsafe {
                let mut rows = [_mm512_set1_ps(0.0); 16];
                for r in 0..16 {
                    rows[r] = _mm512_loadu_ps(from.add(r * stride));
                }
                let mut other = rows;
                for r in 0..8 {
                    let (a, b) = (rows[2 * r], rows[2 * r + 1]);
                    other[2 * r] = _mm512_unpacklo_ps(a, b);
                    other[2 * r + 1] = _mm512_unpackhi_ps(a, b);
                }
                for four in 0..4 {
                    for c in 0..2 {
                        let a = _mm512_castps_pd(other[4 * four + c]);
                        let b = _mm512_castps_pd(other[4 * four + 2 + c]);
                        rows[4 * four + 2 * c] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
                        rows[4 * four + 2 * c + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
                    }
                }
                // Quarter q of register 4 f + c has column 4 q + c of the rows from 4 f on.
                for eight in 0..2 {
                    for c in 0..4 {
                        let (a, b) = (rows[8 * eight + c], rows[8 * eight + 4 + c]);
                        other[8 * eight + c] = _mm512_shuffle_f32x4::<0x88>(a, b);
                        other[8 * eight + 4 + c] = _mm512_shuffle_f32x4::<0xdd>(a, b);
                    }
                }
                for c in 0..8 {
                    let (a, b) = (other[c], other[8 + c]);
                    _mm512_storeu_ps(to.add(c * to_stride), _mm512_shuffle_f32x4::<0x88>(a, b));
                    _mm512_storeu_ps(to.add((8 + c) * to_stride), _mm512_shuffle_f32x4::<0xdd>(a, b));
                }
            }
        }
    }
}
