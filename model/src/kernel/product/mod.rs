//! Matrix products of two shapes, on one thread, each with an inner loop that reads its operands as they lie:
//!
//! - [`broadcast`]: `C = A B` with rows of B that run along the columns of C, as a 1x1 convolution has them (`W X`,
//!   `W^T dY`). Single numbers of A meet registers of B. Of B, a panel as wide as a few registers is copied together, so
//!   that its rows do not fight for the same lines of the cache.
//! - [`inner`]: `C = A B^T` with rows of A and B that both run along the sum, as the gradients of weights (`dY X^T`) and
//!   the scores of channel attention have it. Registers of A meet registers of B, and lanes are summed at the end.
//!
//! A general product packs both operands to one layout first, which takes longer than multiplying where a side of C has
//! only some dozens of numbers, as in restoration networks.

mod broadcast;
mod inner;
#[cfg(test)]
mod tests;

use std::cell::RefCell;

pub(super) use broadcast::broadcast;
pub(super) use inner::inner;

/// A matrix behind a pointer: where its first element is, and how far it is to the next row and the next column.
#[derive(Clone, Copy)]
pub(super) struct Operand {
    pub first: *const f32,
    pub row: usize,
    pub column: usize,
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
    /// Where a product copies parts of its operands together.
    static PANEL: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}
