//! Copying a panel of B together: its rows side by side, each as long as a few registers.
//!
//! What lies behind a panel's last column is whatever was there before: it is multiplied as well, and never written.

use super::{super::registers::Register, Operand};

/// Rows ahead that a copy asks for.
const AHEAD: usize = 8;

/// Registers ahead that a turned copy asks for.
const AHEAD_TURNED: usize = 2;

/// Copies `depth` rows of `columns` numbers to panels one after the other, with rows of `width`.
///
/// # Safety
/// `b` is readable, and `panels` has room for `depth` rows of as many panels as it takes.
#[inline(always)]
pub(super) unsafe fn copy<G: Register>(panels: *mut f32, b: Operand, depth: usize, columns: usize, width: usize) {
    // SAFETY: all rows and columns lie within the operand and the panels.
    unsafe {
        if b.column == 1 {
            for k in 0..depth {
                for first in (0..columns).step_by(width) {
                    let (from, to) = (b.from(k, first).first, panels.add(first * depth + k * width));
                    copy_row::<G>(to, from, (columns - first).min(width));
                }
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
                turn::<G>(panels.add(first), width, b.from(0, first), depth);
                first += G::LANES;
            }
        } else {
            for k in 0..depth {
                for column in 0..columns {
                    *panels.add(k * width + column) = *b.first.add(k * b.row + column * b.column);
                }
            }
        }
    }
}

/// Copies so many numbers of a row.
#[inline(always)]
unsafe fn copy_row<G: Register>(to: *mut f32, from: *const f32, count: usize) {
    // SAFETY: by the word of `copy`'s caller.
    unsafe {
        let mut first = 0;
        while first + G::LANES <= count {
            G::load(from.add(first)).store(to.add(first));
            first += G::LANES;
        }
        while first < count {
            *to.add(first) = *from.add(first);
            first += 1;
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

/// Rows of panels to come, to be copied while others are multiplied: the first row of each panel, then the second.
#[derive(Clone, Copy)]
pub(super) struct Rows {
    /// How many rows are still to be copied, a panel's each.
    pub left: usize,
    from: *const f32,
    to: *mut f32,
    /// From one row of B to the next, and from one panel to the next.
    strides: [usize; 2],
    panel: usize,
    panels: usize,
}

impl Rows {
    /// All rows of so many whole panels, whose columns lie side by side in B.
    pub fn new(to: *mut f32, b: Operand, depth: usize, panels: usize, width: usize) -> Self {
        Self {
            left: depth * panels,
            from: b.first,
            to,
            strides: [b.row, depth * width],
            panel: 0,
            panels,
        }
    }

    /// Copies the first of these rows, `V` registers.
    ///
    /// # Safety
    /// There is one, it is readable, and there is room for it.
    #[inline(always)]
    pub unsafe fn copy_one<G: Register, const V: usize>(&mut self) {
        let width = V * G::LANES;
        let [row, panel] = self.strides;
        let from = self.from.wrapping_add(self.panel * width);
        let to = self.to.wrapping_add(self.panel * panel);
        for v in 0..V {
            let first = v * G::LANES;
            G::prefetch(from.wrapping_add(AHEAD * row + first));
            // SAFETY: by the caller's word.
            unsafe { G::load(from.add(first)).store(to.add(first)) }
        }
        self.left -= 1;
        self.panel += 1;
        if self.panel == self.panels {
            self.panel = 0;
            self.from = self.from.wrapping_add(row);
            self.to = self.to.wrapping_add(width);
        }
    }
}
