//! Which vector instructions the kernels use: looked up once, when the first kernel runs.
//!
//! An inner loop is written once, as plain Rust that the compiler vectorises, and [`multiversion!`] builds it for every
//! [`Simd`] there is. `PERCEIVE_SIMD=avx512|avx2|portable` holds the kernels to less than the CPU can do; a name that the
//! CPU does not have changes nothing.

use std::sync::OnceLock;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(target_arch = "x86_64"),
    allow(dead_code, reason = "the x86 levels exist there only")
)]
pub(super) enum Level {
    Avx512,
    Avx2,
    Portable,
}

/// Instructions that this CPU has. Values come from detection only, which is what makes it sound to call the version of
/// a loop that was built for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Simd(Level);

impl Simd {
    /// What the kernels called from this thread use.
    pub fn current() -> Self {
        static CHOSEN: OnceLock<Simd> = OnceLock::new();
        #[cfg(test)]
        if let Some(forced) = FORCED.get() {
            return forced;
        }
        *CHOSEN.get_or_init(|| {
            let available = Self::available();
            let asked = std::env::var("PERCEIVE_SIMD").unwrap_or_default();
            *available
                .iter()
                .find(|simd| simd.name() == asked)
                .unwrap_or(&available[0])
        })
    }

    /// Everything this CPU has, the best first.
    pub fn available() -> Vec<Self> {
        let mut levels = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            let avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl");
            if avx2 && avx512 {
                levels.push(Self(Level::Avx512));
            }
            if avx2 {
                levels.push(Self(Level::Avx2));
            }
        }
        levels.push(Self(Level::Portable));
        levels
    }

    /// The name that `PERCEIVE_SIMD` knows it by.
    pub fn name(self) -> &'static str {
        match self.0 {
            Level::Avx512 => "avx512",
            Level::Avx2 => "avx2",
            Level::Portable => "portable",
        }
    }

    pub fn level(self) -> Level {
        self.0
    }
}

#[cfg(test)]
thread_local! {
    static FORCED: std::cell::Cell<Option<Simd>> = const { std::cell::Cell::new(None) };
}

/// Runs `body` on so many threads of its own, on all of which the kernels are held to `simd`.
#[cfg(test)]
pub(super) fn with_simd<T: Send>(simd: Simd, threads: usize, body: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .start_handler(move |_| FORCED.set(Some(simd)));
    pool.build().unwrap().install(body)
}

/// How `a * b + c` is computed: in one rounding where the CPU has an instruction for it, else in two.
pub(super) trait Arithmetic {
    fn mul_add(a: f32, b: f32, c: f32) -> f32;
}

/// One rounding.
pub(super) struct Fused;

/// Two roundings. Without the instruction, `f32::mul_add` is a call into the mathematics library.
#[cfg_attr(
    target_arch = "aarch64",
    allow(dead_code, reason = "its baseline always has the instruction")
)]
pub(super) struct Separate;

impl Arithmetic for Fused {
    #[inline(always)]
    fn mul_add(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }
}

impl Arithmetic for Separate {
    #[inline(always)]
    fn mul_add(a: f32, b: f32, c: f32) -> f32 {
        a * b + c
    }
}

/// What the portable version computes with.
#[cfg(target_arch = "aarch64")]
pub(super) type Baseline = Fused;
/// What the portable version computes with.
#[cfg(not(target_arch = "aarch64"))]
pub(super) type Baseline = Separate;

/// Defines a function with [`Simd`] as its first argument and one version of the body for each. The body sees two
/// parameters: an [`Arithmetic`] and the number of f32 lanes of a register.
///
/// The lints that it allows are of no use in a kernel: it takes its slices and sizes one by one, walks them by index, and
/// need not use both parameters.
macro_rules! multiversion {
    (
        $(#[$doc:meta])*
        $vis:vis fn $name:ident<$arithmetic:ident, $lanes:ident>($($arg:ident: $type:ty),* $(,)?) $(-> $output:ty)? $body:block
    ) => {
        $(#[$doc])*
        #[allow(clippy::too_many_arguments)]
        $vis fn $name(simd: $crate::kernel::dispatch::Simd, $($arg: $type),*) $(-> $output)? {
            use $crate::kernel::dispatch::{Arithmetic, Baseline, Level};

            #[inline(always)]
            #[allow(clippy::too_many_arguments, clippy::extra_unused_type_parameters)]
            #[allow(clippy::needless_range_loop)]
            fn body<$arithmetic: Arithmetic, const $lanes: usize>($($arg: $type),*) $(-> $output)? $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
            #[allow(clippy::too_many_arguments)]
            fn avx512($($arg: $type),*) $(-> $output)? {
                body::<$crate::kernel::dispatch::Fused, 16>($($arg),*)
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            #[allow(clippy::too_many_arguments)]
            fn avx2($($arg: $type),*) $(-> $output)? {
                body::<$crate::kernel::dispatch::Fused, 8>($($arg),*)
            }

            match simd.level() {
                // SAFETY: a `Simd` of this level exists only where these instructions were detected.
                #[cfg(target_arch = "x86_64")]
                Level::Avx512 => unsafe { avx512($($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                Level::Avx2 => unsafe { avx2($($arg),*) },
                _ => body::<Baseline, 4>($($arg),*),
            }
        }
    };
}

pub(super) use multiversion;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn portable_is_always_there_and_last() {
        assert_eq!(Simd::available().last().map(|simd| simd.name()), Some("portable"));
    }

    #[test]
    fn forcing_ends_with_its_body() {
        let before = Simd::current();
        let portable = Simd(Level::Portable);
        // Work that is handed on is held to it as well.
        let both = || rayon::join(Simd::current, Simd::current);
        assert_eq!(with_simd(portable, 2, both), (portable, portable));
        assert_eq!(Simd::current(), before);
    }
}
