//! Copying a panel of B together: its rows side by side, each as long as a few registers.
//!
//! What lies behind a panel's last column is whatever was there before: it is multiplied as well, and never written.

use super::{super::registers::Register, Operand};

/// Rows ahead that a copy asks for.
const AHEAD: usize = 8;

/// Registers ahead that a turned copy asks for.
const AHEAD_TURNED: usize = 2;

/// Copies `depth` rows of `columns` numbers to rows of `width`.
///
/// # Safety
/// `b` is readable, and `panel` has room for `depth` rows.
#[inline(always)]
pub(super) unsafe fn copy<G: Register>(panel: *mut f32, b: Operand, depth: usize, columns: usize, width: usize) {
    // SAFETY: all rows and columns lie within the operand and the panel.
    unsafe {
        if b.column == 1 {
            let mut k = 0;
            while k < depth {
                let (from, to) = (b.first.add(k * b.row), panel.add(k * width));
                let mut first = 0;
                while first + G::LANES <= columns {
                    G::load(from.add(first)).store(to.add(first));
                    first += G::LANES;
                }
                while first < columns {
                    *to.add(first) = *from.add(first);
                    first += 1;
                }
                k += 1;
            }
        } else if b.row == 1 && columns >= G::LANES {
            let mut first = 0;
            while first < columns {
                // The last block of columns begins so much earlier that it is whole.
                first = if columns - first < G::LANES {
                    columns - G::LANES
                } else {
                    first
                };
                turn::<G>(panel.add(first), width, b.from(0, first), depth);
                first += G::LANES;
            }
        } else {
            for k in 0..depth {
                for column in 0..columns {
                    *panel.add(k * width + column) = *b.first.add(k * b.row + column * b.column);
                }
            }
        }
    }
}

/// Copies one register of columns, which run along the sum in B.
#[inline(always)]
unsafe fn turn<G: Register>(panel: *mut f32, width: usize, b: Operand, depth: usize) {
    // SAFETY: by the word of `copy`'s caller.
    unsafe {
        let mut k = 0;
        while k + G::LANES <= depth {
            let from = b.first.add(k);
            for column in 0..G::LANES {
                G::prefetch(from.wrapping_add(column * b.column + AHEAD_TURNED * G::LANES));
            }
            G::turn(panel.add(k * width), width, from, b.column);
            k += G::LANES;
        }
        while k < depth {
            for column in 0..G::LANES {
                *panel.add(k * width + column) = *b.first.add(k + column * b.column);
            }
            k += 1;
        }
    }
}

/// Rows of a panel to come, to be copied while another is multiplied.
#[derive(Clone, Copy)]
pub(super) struct Rows {
    pub from: *const f32,
    /// From one row to the next.
    pub stride: usize,
    pub to: *mut f32,
    pub count: usize,
    /// A row is to be copied every so many numbers of the sum.
    pub every: usize,
}

impl Rows {
    pub const NONE: Self = Self {
        from: std::ptr::null(),
        stride: 0,
        to: std::ptr::null_mut(),
        count: 0,
        every: 0,
    };

    /// Copies the first of these rows, `V` registers.
    ///
    /// # Safety
    /// There is one, it is readable, and there is room for it.
    #[inline(always)]
    pub unsafe fn copy_one<G: Register, const V: usize>(&mut self) {
        for v in 0..V {
            let first = v * G::LANES;
            G::prefetch(self.from.wrapping_add(AHEAD * self.stride + first));
            // SAFETY: by the caller's word.
            unsafe { G::load(self.from.add(first)).store(self.to.add(first)) }
        }
        self.from = self.from.wrapping_add(self.stride);
        self.to = self.to.wrapping_add(V * G::LANES);
        self.count -= 1;
    }
}
