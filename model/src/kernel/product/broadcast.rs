//! `C = A B` with rows of B that run along the columns of C: single numbers of A meet registers of B.

#![allow(
    clippy::needless_range_loop,
    reason = "counted loops over arrays of registers unroll"
)]

use super::super::{
    dispatch::{Level, Simd},
    registers::{Portable, Register},
};
use super::{Operand, PANEL, Target};

/// A panel of B has at most so many rows, to stay in the second cache.
pub(super) const DEPTH: usize = 1536;

/// Columns of the widest panel.
const MOST_WIDTH: usize = 64;

/// `target (+)= a b`, summed over `depth`. `b.column` is 1.
///
/// # Safety
/// `a` is `[target.rows, depth]`, `b` is `[depth, target.columns]`, all of it readable, and nobody else uses the target.
/// If `add` is set, it holds numbers.
pub(in super::super) unsafe fn broadcast(simd: Simd, target: Target, depth: usize, a: Operand, b: Operand, add: bool) {
    debug_assert_eq!(b.column, 1);
    PANEL.with_borrow_mut(|panel| {
        panel.resize(panel.len().max(depth.min(DEPTH) * MOST_WIDTH), 0.0);
        let panel = panel.as_mut_ptr();
        let mut done = 0;
        // An empty sum is zero, too.
        loop {
            let part = (depth - done).min(DEPTH);
            // SAFETY: the part lies within the operands; the levels come from detection.
            unsafe {
                let a = Operand {
                    first: a.first.add(done * a.column),
                    ..a
                };
                let b = Operand {
                    first: b.first.add(done * b.row),
                    ..b
                };
                let add = add || done > 0;
                match simd.level() {
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx512 => x86::broadcast_avx512(target, part, a, b, add, panel),
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx2 => x86::broadcast_avx2(target, part, a, b, add, panel),
                    _ => broadcast_body::<Portable, 4, 3>(target, part, a, b, add, panel),
                }
            }
            done += part;
            if done >= depth {
                return;
            }
        }
    });
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::super::super::registers::{Avx2, Avx512};
    use super::{Operand, Target, broadcast_body};

    // SAFETY of both: what their names say was detected, and the rest by the caller's word.

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    pub unsafe fn broadcast_avx512(target: Target, depth: usize, a: Operand, b: Operand, add: bool, panel: *mut f32) {
        // SAFETY: see above.
        unsafe { broadcast_body::<Avx512, 6, 4>(target, depth, a, b, add, panel) }
    }

    #[target_feature(enable = "avx2,fma")]
    pub unsafe fn broadcast_avx2(target: Target, depth: usize, a: Operand, b: Operand, add: bool, panel: *mut f32) {
        // SAFETY: see above.
        unsafe { broadcast_body::<Avx2, 4, 3>(target, depth, a, b, add, panel) }
    }
}

/// Tiles of `R` rows and `V` registers; `panel` has room for `depth` rows of them.
///
/// Here and below nothing is a closure: one would be compiled without the caller's instructions.
#[inline(always)]
unsafe fn broadcast_body<G: Register, const R: usize, const V: usize>(
    target: Target,
    depth: usize,
    a: Operand,
    b: Operand,
    add: bool,
    panel: *mut f32,
) {
    let width = V * G::LANES;
    let mut column = 0;
    while column < target.columns {
        let columns = (target.columns - column).min(width);
        // SAFETY: the panel's rows and the tiles lie within the operands and the target.
        unsafe {
            copy_panel::<G, V>(panel, b.first.add(column), b.row, depth, columns);
            let mut row = 0;
            while row < target.rows {
                let tile = Tile {
                    to: target.first.add(row * target.row + column),
                    row: target.row,
                    columns,
                    a: Operand {
                        first: a.first.add(row * a.row),
                        ..a
                    },
                    panel,
                    depth,
                    add,
                };
                match target.rows - row {
                    1 => tile.multiply::<G, 1, V>(),
                    2 => tile.multiply::<G, 2, V>(),
                    3 => tile.multiply::<G, 3, V>(),
                    4 if R > 4 => tile.multiply::<G, 4, V>(),
                    5 if R > 5 => tile.multiply::<G, 5, V>(),
                    _ => tile.multiply::<G, R, V>(),
                }
                row += R;
            }
        }
        column += width;
    }
}

/// Copies `depth` rows of `columns` numbers together, each row filled up with zeros to `V` registers.
#[inline(always)]
unsafe fn copy_panel<G: Register, const V: usize>(
    panel: *mut f32,
    from: *const f32,
    stride: usize,
    depth: usize,
    columns: usize,
) {
    let width = V * G::LANES;
    for k in 0..depth {
        // SAFETY: the row is readable, and the panel has room for `depth` rows.
        unsafe {
            let (from, to) = (from.add(k * stride), panel.add(k * width));
            if columns == width {
                for v in 0..V {
                    G::load(from.add(v * G::LANES)).store(to.add(v * G::LANES));
                }
            } else {
                for column in 0..width {
                    *to.add(column) = if column < columns { *from.add(column) } else { 0.0 };
                }
            }
        }
    }
}

/// Some rows of A times a panel.
#[derive(Clone, Copy)]
struct Tile {
    to: *mut f32,
    /// From one row of the target to the next.
    row: usize,
    columns: usize,
    a: Operand,
    panel: *const f32,
    depth: usize,
    add: bool,
}

impl Tile {
    #[inline(always)]
    unsafe fn multiply<G: Register, const R: usize, const V: usize>(self) {
        let width = V * G::LANES;
        let mut sums = [[G::splat(0.0); V]; R];
        let (mut a, mut panel) = (self.a.first, self.panel);
        for _ in 0..self.depth {
            // SAFETY: the panel has `depth` rows of V registers, A `depth` columns of R numbers.
            unsafe {
                let mut b = [G::splat(0.0); V];
                for v in 0..V {
                    b[v] = G::load(panel.add(v * G::LANES));
                }
                for r in 0..R {
                    let number = G::splat(*a.add(r * self.a.row));
                    for v in 0..V {
                        sums[r][v] = sums[r][v].add_product(number, b[v]);
                    }
                }
                // The pointers may end up behind the operands, where nobody reads.
                a = a.wrapping_add(self.a.column);
                panel = panel.wrapping_add(width);
            }
        }
        for r in 0..R {
            // SAFETY: the tile lies within the target.
            unsafe {
                let to = self.to.add(r * self.row);
                if self.columns == width {
                    for v in 0..V {
                        let to = to.add(v * G::LANES);
                        let sum = sums[r][v];
                        let sum = if self.add { G::load(to).add(sum) } else { sum };
                        sum.store(to);
                    }
                } else {
                    let mut edge = [0.0_f32; MOST_WIDTH];
                    for v in 0..V {
                        sums[r][v].store(edge.as_mut_ptr().add(v * G::LANES));
                    }
                    for column in 0..self.columns {
                        let to = to.add(column);
                        *to = if self.add { *to + edge[column] } else { edge[column] };
                    }
                }
            }
        }
    }
}
