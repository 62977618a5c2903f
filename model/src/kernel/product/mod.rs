//! Matrix products on one thread, `C = start + A B`: single numbers of A meet registers of B.
//!
//! A is read as it lies. Of B, panels as wide as a few registers are copied together, so that its rows do not fight for the
//! same lines of the cache; where B lies the other way round, as for the gradients of weights (`dY X^T`) and the scores of
//! channel attention, the copy is turned. Panels are copied in groups, for a row of a picture with many channels is far from the
//! next, and memory gives long pieces faster than short ones. While one group is multiplied, the next is copied, some rows a
//! tile. Sums stay in registers from the first to the last number.
//!
//! A general product packs both operands to one layout first, which takes longer than multiplying where a side of C has
//! only some dozens of numbers, as in restoration networks.

mod panel;
#[cfg(test)]
mod tests;
mod tile;

use std::cell::RefCell;

use super::{
    dispatch::{Level, Simd},
    registers::Portable,
};

/// A panel of B has at most so many rows, for two of them to stay in the second cache.
const DEPTH: usize = 1536;

/// Numbers of panels that are copied together, if one alone has not more.
const GROUP: usize = 1 << 15;

/// Columns of so many panels are copied together at most.
const MOST_COLUMNS: usize = 192;

/// Columns of the widest panel.
const MOST_WIDTH: usize = 64;

/// Rows of the highest tile.
const MOST_ROWS: usize = 8;

/// A matrix behind a pointer: where its first element is, and how far it is to the next row and the next column.
#[derive(Clone, Copy)]
pub(super) struct Operand {
    pub first: *const f32,
    pub row: usize,
    pub column: usize,
}

impl Operand {
    /// From this row and column on, which need not exist.
    fn from(self, row: usize, column: usize) -> Self {
        Self {
            first: self.first.wrapping_add(row * self.row + column * self.column),
            ..self
        }
    }
}

/// A row-major matrix to write to.
#[derive(Clone, Copy)]
pub(super) struct Target {
    pub first: *mut f32,
    pub row: usize,
    pub rows: usize,
    pub columns: usize,
}

/// What a product is added to.
#[derive(Clone, Copy)]
pub(super) enum Onto {
    Nothing,
    /// One number for each row.
    Column(*const f32),
    /// A matrix whose rows are as far apart as the target's; it may be the target.
    Matrix(*const f32),
}

impl Onto {
    /// The part that begins at this row and column.
    ///
    /// # Safety
    /// There is such a part.
    #[inline(always)]
    unsafe fn part(self, stride: usize, row: usize, column: usize) -> Self {
        // SAFETY: by the caller's word.
        unsafe {
            match self {
                Self::Nothing => Self::Nothing,
                Self::Column(first) => Self::Column(first.add(row)),
                Self::Matrix(first) => Self::Matrix(first.add(row * stride + column)),
            }
        }
    }
}

thread_local! {
    /// Where a product copies its panels together: two of them, by turns.
    static PANELS: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// `target = onto + a b`, summed over `depth`.
///
/// # Safety
/// `a` is `[target.rows, depth]`, `b` is `[depth, target.columns]`, all of it and of `onto` readable, and nobody else uses
/// the target.
pub(super) unsafe fn product(simd: Simd, target: Target, depth: usize, a: Operand, b: Operand, onto: Onto) {
    let parts = depth.div_ceil(DEPTH).max(1);
    let longest = depth.div_ceil(parts);
    PANELS.with_borrow_mut(|panels| {
        panels.resize(panels.len().max(2 * GROUP.max(longest * MOST_WIDTH)), 0.0);
        for part in 0..parts {
            let done = part * longest;
            let length = longest.min(depth - done);
            let (a, b) = (a.from(0, done), b.from(done, 0));
            let onto = if part > 0 { Onto::Matrix(target.first) } else { onto };
            // SAFETY: the part lies within the operands; the levels come from detection.
            unsafe {
                match simd.level() {
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx512 if wastes_less(target.columns, 48, 64) => {
                        x86::narrow_avx512(target, length, a, b, onto, panels);
                    }
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx512 => x86::wide_avx512(target, length, a, b, onto, panels),
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx2 if wastes_less(target.columns, 16, 24) => {
                        x86::narrow_avx2(target, length, a, b, onto, panels);
                    }
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx2 => x86::wide_avx2(target, length, a, b, onto, panels),
                    _ => tile::product::<Portable, 4, 3>(target, length, a, b, onto, panels),
                }
            }
        }
    });
}

/// Whether so many columns fill panels of one width better than panels of another, by a sixteenth or more: for less, tiles
/// that have fewer numbers to read for each product are the quicker ones.
fn wastes_less(columns: usize, width: usize, than: usize) -> bool {
    16 * columns.next_multiple_of(width) <= 15 * columns.next_multiple_of(than)
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::super::registers::{Avx2, Avx512};
    use super::{Onto, Operand, Target, tile};

    // SAFETY of all: what their names say was detected, and the rest by the caller's word.

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    pub unsafe fn wide_avx512(target: Target, depth: usize, a: Operand, b: Operand, onto: Onto, panels: &mut [f32]) {
        // SAFETY: see above.
        unsafe { tile::product::<Avx512, 6, 4>(target, depth, a, b, onto, panels) }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    pub unsafe fn narrow_avx512(target: Target, depth: usize, a: Operand, b: Operand, onto: Onto, panels: &mut [f32]) {
        // SAFETY: see above.
        unsafe { tile::product::<Avx512, 8, 3>(target, depth, a, b, onto, panels) }
    }

    #[target_feature(enable = "avx2,fma")]
    pub unsafe fn wide_avx2(target: Target, depth: usize, a: Operand, b: Operand, onto: Onto, panels: &mut [f32]) {
        // SAFETY: see above.
        unsafe { tile::product::<Avx2, 4, 3>(target, depth, a, b, onto, panels) }
    }

    #[target_feature(enable = "avx2,fma")]
    pub unsafe fn narrow_avx2(target: Target, depth: usize, a: Operand, b: Operand, onto: Onto, panels: &mut [f32]) {
        // SAFETY: see above.
        unsafe { tile::product::<Avx2, 6, 2>(target, depth, a, b, onto, panels) }
    }
}
