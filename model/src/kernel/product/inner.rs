//! `C = A B^T` with rows of A and B that both run along the sum: registers of A meet registers of B.

#![allow(
    clippy::needless_range_loop,
    reason = "counted loops over arrays of registers unroll"
)]

use super::super::{
    dispatch::{Level, Simd},
    registers::{Portable, Register},
};
use super::{Operand, PANEL, Target};

/// The rows of B that an inner product reads hold about so many numbers.
const ROWS: usize = 131_072;

/// Most rows of A in a tile of an inner product.
const MOST_ROWS: usize = 6;

/// Most rows of B in such a tile.
const MOST_COLUMNS: usize = 4;

/// Lanes of the widest register.
const MOST_LANES: usize = 16;

/// `target (+)= a b^T`, summed over `depth`. `a.column` and `b.column` are 1.
///
/// # Safety
/// `a` is `[target.rows, depth]`, `b` is `[target.columns, depth]`, all of it readable, and nobody else uses the target.
/// If `add` is set, it holds numbers.
pub(in super::super) unsafe fn inner(simd: Simd, target: Target, depth: usize, a: Operand, b: Operand, add: bool) {
    debug_assert!(a.column == 1 && b.column == 1);
    let longest = (ROWS / target.columns.max(1)).clamp(256, 1024) / MOST_LANES * MOST_LANES;
    PANEL.with_borrow_mut(|panel| {
        let stride = depth.min(longest).next_multiple_of(MOST_LANES) + MOST_LANES;
        panel.resize(
            panel.len().max((MOST_ROWS + target.columns + MOST_COLUMNS) * stride),
            0.0,
        );
        let panel = Panel {
            first: panel.as_mut_ptr(),
            stride,
        };
        let mut done = 0;
        loop {
            let part = (depth - done).min(longest);
            // SAFETY: the part lies within the operands; the levels come from detection.
            unsafe {
                let a = Operand {
                    first: a.first.add(done),
                    ..a
                };
                let b = Operand {
                    first: b.first.add(done),
                    ..b
                };
                let add = add || done > 0;
                match simd.level() {
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx512 => x86::inner_avx512(target, part, a, b, add, panel),
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx2 => x86::inner_avx2(target, part, a, b, add, panel),
                    _ => inner_body::<Portable, 3, 3>(target, part, a, b, add, panel),
                }
            }
            done += part;
            if done >= depth {
                return;
            }
        }
    });
}

/// Where the rows of an inner product are copied together, so far apart that they do not fight for the same lines of the
/// cache, and filled up with zeros to whole registers.
#[derive(Clone, Copy)]
struct Panel {
    first: *mut f32,
    stride: usize,
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::super::super::registers::{Avx2, Avx512};
    use super::{Operand, Panel, Target, inner_body};

    // SAFETY of both: what their names say was detected, and the rest by the caller's word.

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    pub unsafe fn inner_avx512(target: Target, depth: usize, a: Operand, b: Operand, add: bool, panel: Panel) {
        // SAFETY: see above.
        unsafe { inner_body::<Avx512, 6, 4>(target, depth, a, b, add, panel) }
    }

    #[target_feature(enable = "avx2,fma")]
    pub unsafe fn inner_avx2(target: Target, depth: usize, a: Operand, b: Operand, add: bool, panel: Panel) {
        // SAFETY: see above.
        unsafe { inner_body::<Avx2, 3, 3>(target, depth, a, b, add, panel) }
    }
}

/// Like the bodies of [`broadcast`](super::broadcast()), without closures.
///
/// Tiles of `R` rows of A and `C` rows of B. At the edges, tiles are as large: whatever lies in the panel there is multiplied
/// as well, and not written.
#[inline(always)]
unsafe fn inner_body<G: Register, const R: usize, const C: usize>(
    target: Target,
    depth: usize,
    a: Operand,
    b: Operand,
    add: bool,
    panel: Panel,
) {
    let stride = panel.stride;
    // SAFETY: the panel has room for all rows of B and `MOST_ROWS` of A; the tiles lie within the target.
    unsafe {
        let rows_of_b = panel.first.add(MOST_ROWS * stride);
        copy_rows::<G>(rows_of_b, stride, b, target.columns, depth);
        let mut row = 0;
        while row < target.rows {
            let rows = if target.rows - row < R { target.rows - row } else { R };
            let own = Operand {
                first: a.first.add(row * a.row),
                ..a
            };
            copy_rows::<G>(panel.first, stride, own, rows, depth);
            let mut column = 0;
            while column < target.columns {
                let tile = InnerTile {
                    to: target.first.add(row * target.row + column),
                    row: target.row,
                    rows,
                    columns: if target.columns - column < C {
                        target.columns - column
                    } else {
                        C
                    },
                    a: panel.first,
                    b: rows_of_b.add(column * stride),
                    stride,
                    depth,
                    add,
                };
                tile.multiply::<G, R, C>();
                column += C;
            }
            row += R;
        }
    }
}

/// Copies `rows` rows of `depth` numbers together, each filled up with zeros to whole registers.
#[inline(always)]
unsafe fn copy_rows<G: Register>(to: *mut f32, stride: usize, from: Operand, rows: usize, depth: usize) {
    let mut row = 0;
    while row < rows {
        // SAFETY: the row is readable, and the panel has room for it and the zeros.
        unsafe {
            let (from, to) = (from.first.add(row * from.row), to.add(row * stride));
            let mut k = 0;
            while k + G::LANES <= depth {
                G::load(from.add(k)).store(to.add(k));
                k += G::LANES;
            }
            if k < depth {
                let end = k + G::LANES;
                while k < end {
                    *to.add(k) = if k < depth { *from.add(k) } else { 0.0 };
                    k += 1;
                }
            }
        }
        row += 1;
    }
}

/// Some rows of A times some rows of B, both in the panel.
#[derive(Clone, Copy)]
struct InnerTile {
    to: *mut f32,
    /// From one row of the target to the next.
    row: usize,
    /// To be written.
    rows: usize,
    columns: usize,
    a: *const f32,
    b: *const f32,
    stride: usize,
    depth: usize,
    add: bool,
}

impl InnerTile {
    #[inline(always)]
    unsafe fn multiply<G: Register, const R: usize, const C: usize>(self) {
        let mut sums = [[G::splat(0.0); C]; R];
        let mut k = 0;
        while k < self.depth {
            // SAFETY: the panel's rows are filled up to whole registers.
            unsafe {
                let mut b = [G::splat(0.0); C];
                for c in 0..C {
                    b[c] = G::load(self.b.add(c * self.stride + k));
                }
                for r in 0..R {
                    let a = G::load(self.a.add(r * self.stride + k));
                    for c in 0..C {
                        sums[r][c] = sums[r][c].add_product(a, b[c]);
                    }
                }
            }
            k += G::LANES;
        }
        let mut numbers = [[0.0; C]; R];
        for r in 0..R {
            numbers[r] = G::sum_each(sums[r]);
        }
        for r in 0..self.rows {
            for c in 0..self.columns {
                let sum = numbers[r][c];
                // SAFETY: the tile lies within the target.
                unsafe {
                    let to = self.to.add(r * self.row + c);
                    *to = if self.add { *to + sum } else { sum };
                }
            }
        }
    }
}
