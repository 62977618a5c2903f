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

    /// All lanes, halves by halves.
    fn sum(self) -> f32;

    /// The sum of each register's lanes.
    #[inline(always)]
    fn sum_each<const N: usize>(registers: [Self; N]) -> [f32; N] {
        registers.map(Self::sum)
    }

    /// Asks for what lies there to be brought nearer; there need not be anything.
    #[inline(always)]
    fn prefetch(_from: *const f32) {}
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

    #[inline(always)]
    fn sum(self) -> f32 {
        let [a, b, c, d] = self.0;
        (a + c) + (b + d)
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m256, __m512, _MM_HINT_T1, _mm_add_ps, _mm_add_ss, _mm_cvtss_f32, _mm_movehl_ps, _mm_prefetch,
        _mm_shuffle_ps, _mm_storeu_ps, _mm256_add_ps, _mm256_castps256_ps128, _mm256_extractf128_ps, _mm256_fmadd_ps,
        _mm256_hadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_storeu_ps, _mm512_add_ps, _mm512_castps512_ps256,
        _mm512_extractf32x8_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_storeu_ps,
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
        fn sum(self) -> f32 {
            // SAFETY: see above.
            unsafe {
                let four = _mm_add_ps(_mm256_castps256_ps128(self.0), _mm256_extractf128_ps::<1>(self.0));
                let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
                _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
            }
        }

        #[inline(always)]
        fn prefetch(from: *const f32) {
            // SAFETY: a hint about an address, whatever it is.
            unsafe { _mm_prefetch::<_MM_HINT_T1>(from.cast()) }
        }
    }

    impl Avx512 {
        /// The sum of both halves.
        #[inline(always)]
        fn halves(self) -> __m256 {
            // SAFETY: see above.
            unsafe { _mm256_add_ps(_mm512_castps512_ps256(self.0), _mm512_extractf32x8_ps::<1>(self.0)) }
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
        fn sum(self) -> f32 {
            Avx2(self.halves()).sum()
        }

        /// Four at a time, by sums of neighbours.
        #[inline(always)]
        fn sum_each<const N: usize>(registers: [Self; N]) -> [f32; N] {
            let mut sums = [0.0; N];
            let mut first = 0;
            while first + 4 <= N {
                // SAFETY: see above; there are four numbers to write.
                unsafe {
                    let [a, b, c, d] = [
                        registers[first].halves(),
                        registers[first + 1].halves(),
                        registers[first + 2].halves(),
                        registers[first + 3].halves(),
                    ];
                    let both = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
                    let four = _mm_add_ps(_mm256_castps256_ps128(both), _mm256_extractf128_ps::<1>(both));
                    _mm_storeu_ps(sums.as_mut_ptr().add(first), four);
                }
                first += 4;
            }
            while first < N {
                sums[first] = registers[first].sum();
                first += 1;
            }
            sums
        }

        #[inline(always)]
        fn prefetch(from: *const f32) {
            Avx2::prefetch(from);
        }
    }
}
