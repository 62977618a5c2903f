//! `C = A B` with rows of B that run along the columns of C: single numbers of A meet registers of B.

#![allow(
    clippy::needless_range_loop,
    reason = "counted loops over arrays of registers unroll"
)]

use super::super::{
    dispatch::{Level, Simd},
    registers::{Portable, Register},
};
use super::{Onto, Operand, PANEL, Target};

/// A panel of B has at most so many rows, to stay in the second cache.
pub(super) const DEPTH: usize = 1536;

/// Columns of the widest panel.
const MOST_WIDTH: usize = 64;

/// Rows of the highest tile.
const MOST_ROWS: usize = 6;

/// `target = onto + a b`, summed over `depth`. `b.column` is 1.
///
/// # Safety
/// `a` is `[target.rows, depth]`, `b` is `[depth, target.columns]`, all of it and of `onto` readable, and nobody else uses
/// the target.
pub(in super::super) unsafe fn broadcast(simd: Simd, target: Target, depth: usize, a: Operand, b: Operand, onto: Onto) {
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
                let onto = if done > 0 { Onto::Matrix(target.first) } else { onto };
                match simd.level() {
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx512 => x86::broadcast_avx512(target, part, a, b, onto, panel),
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx2 => x86::broadcast_avx2(target, part, a, b, onto, panel),
                    _ => broadcast_body::<Portable, 4, 3>(target, part, a, b, onto, panel),
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
    use super::{Onto, Operand, Target, broadcast_body};

    // SAFETY of both: what their names say was detected, and the rest by the caller's word.

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    pub unsafe fn broadcast_avx512(target: Target, depth: usize, a: Operand, b: Operand, onto: Onto, panel: *mut f32) {
        // SAFETY: see above.
        unsafe { broadcast_body::<Avx512, 6, 4>(target, depth, a, b, onto, panel) }
    }

    #[target_feature(enable = "avx2,fma")]
    pub unsafe fn broadcast_avx2(target: Target, depth: usize, a: Operand, b: Operand, onto: Onto, panel: *mut f32) {
        // SAFETY: see above.
        unsafe { broadcast_body::<Avx2, 4, 3>(target, depth, a, b, onto, panel) }
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
    onto: Onto,
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
                let next = if row == 0 && column + width < target.columns {
                    b.first.add(column + width)
                } else {
                    std::ptr::null()
                };
                let tile = Tile {
                    next,
                    next_row: b.row,
                    to: target.first.add(row * target.row + column),
                    row: target.row,
                    columns,
                    a: Operand {
                        first: a.first.add(row * a.row),
                        ..a
                    },
                    panel,
                    depth,
                    onto: onto.part(target.row, row, column),
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
            for v in 0..V {
                let (first, to) = (v * G::LANES, to.add(v * G::LANES));
                if first + G::LANES <= columns {
                    G::load(from.add(first)).store(to);
                } else {
                    for lane in 0..G::LANES {
                        let inside = first + lane < columns;
                        *to.add(lane) = if inside { *from.add(first + lane) } else { 0.0 };
                    }
                }
            }
        }
    }
}

/// Some rows of A times a panel.
#[derive(Clone, Copy)]
struct Tile {
    /// Of B: the first number of the panel to come, to be brought nearer meanwhile; null where others do that.
    next: *const f32,
    next_row: usize,
    to: *mut f32,
    /// From one row of the target to the next.
    row: usize,
    columns: usize,
    a: Operand,
    panel: *const f32,
    depth: usize,
    onto: Onto,
}

impl Tile {
    #[inline(always)]
    unsafe fn multiply<G: Register, const R: usize, const V: usize>(self) {
        let width = V * G::LANES;
        let mut sums = [[G::splat(0.0); V]; R];
        let (mut a, mut panel, mut next) = (self.a.first, self.panel, self.next);
        for _ in 0..self.depth {
            if !self.next.is_null() {
                for v in 0..V {
                    G::prefetch(next.wrapping_add(v * G::LANES));
                }
                next = next.wrapping_add(self.next_row);
            }
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
        // SAFETY: the tile lies within the target and what it is added to.
        unsafe {
            if self.columns == width {
                Self::write(sums, self.to, self.row, self.onto, self.row);
                return;
            }
            // At the right edge, by way of a whole tile.
            let mut whole = [0.0_f32; MOST_ROWS * MOST_WIDTH];
            Self::write(sums, whole.as_mut_ptr(), width, Onto::Nothing, 0);
            for r in 0..R {
                let (to, from) = (self.to.add(r * self.row), &whole[r * width..][..self.columns]);
                match self.onto.part(self.row, r, 0) {
                    Onto::Nothing => from.iter().enumerate().for_each(|(c, sum)| *to.add(c) = *sum),
                    Onto::Column(number) => from.iter().enumerate().for_each(|(c, sum)| *to.add(c) = *number + sum),
                    Onto::Matrix(onto) => from
                        .iter()
                        .enumerate()
                        .for_each(|(c, sum)| *to.add(c) = *onto.add(c) + sum),
                }
            }
        }
    }

    /// Writes whole registers. Each loop is counted and simple, for the sums to stay in registers.
    #[inline(always)]
    unsafe fn write<G: Register, const R: usize, const V: usize>(
        sums: [[G; V]; R],
        to: *mut f32,
        row: usize,
        onto: Onto,
        onto_row: usize,
    ) {
        // SAFETY: R rows of V registers lie at both places, by the caller's word.
        unsafe {
            match onto {
                Onto::Nothing => {
                    for r in 0..R {
                        for v in 0..V {
                            sums[r][v].store(to.add(r * row + v * G::LANES));
                        }
                    }
                }
                Onto::Column(first) => {
                    for r in 0..R {
                        let number = G::splat(*first.add(r));
                        for v in 0..V {
                            number.add(sums[r][v]).store(to.add(r * row + v * G::LANES));
                        }
                    }
                }
                Onto::Matrix(first) => {
                    for r in 0..R {
                        for v in 0..V {
                            let onto = G::load(first.add(r * onto_row + v * G::LANES));
                            onto.add(sums[r][v]).store(to.add(r * row + v * G::LANES));
                        }
                    }
                }
            }
        }
    }
}
