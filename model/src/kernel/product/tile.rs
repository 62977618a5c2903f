//! A product by tiles of some rows of A and some registers of B.

#![allow(
    clippy::needless_range_loop,
    reason = "counted loops over arrays of registers unroll"
)]

use super::super::registers::Register;
use super::{
    MOST_ROWS, MOST_WIDTH, Onto, Operand, Target,
    panel::{self, Rows},
};

/// Tiles of `R` rows and `V` registers; `panels` has room for two panels of `depth` rows of them.
///
/// Here and below nothing is a closure: one would be compiled without the caller's instructions.
///
/// # Safety
/// As for [`product`](super::product), and this code is compiled for the register's instructions.
#[inline(always)]
pub(super) unsafe fn product<G: Register, const R: usize, const V: usize>(
    target: Target,
    depth: usize,
    a: Operand,
    b: Operand,
    onto: Onto,
    panels: &mut [f32],
) {
    let width = V * G::LANES;
    let (first, second) = panels.split_at_mut(depth * width);
    let (mut panel, mut other) = (first.as_mut_ptr(), second.as_mut_ptr());
    // Each tile of a panel copies its share of the next one.
    let share = depth.div_ceil(target.rows.div_ceil(R).max(1)).max(1);
    let every = depth / share;
    let mut column = 0;
    let mut copied = false;
    while column < target.columns {
        let columns = (target.columns - column).min(width);
        // SAFETY: the panels' rows and the tiles lie within the operands and the target.
        unsafe {
            if !copied {
                panel::copy::<G>(panel, b.from(0, column), depth, columns, width);
            }
            copied = b.column == 1 && target.columns - column >= 2 * width;
            let mut row = 0;
            while row < target.rows {
                let before = row / R * share;
                let tile = Tile {
                    to: target.first.add(row * target.row + column),
                    row: target.row,
                    columns,
                    a: a.from(row, 0),
                    panel,
                    depth,
                    onto: onto.part(target.row, row, column),
                    next: if copied && before < depth {
                        Rows {
                            from: b.from(before, column + width).first,
                            stride: b.row,
                            to: other.add(before * width),
                            count: share.min(depth - before),
                            every,
                        }
                    } else {
                        Rows::NONE
                    },
                };
                match target.rows - row {
                    1 => tile.multiply::<G, 1, V>(),
                    2 => tile.multiply::<G, 2, V>(),
                    3 => tile.multiply::<G, 3, V>(),
                    4 if R > 4 => tile.multiply::<G, 4, V>(),
                    5 if R > 5 => tile.multiply::<G, 5, V>(),
                    6 if R > 6 => tile.multiply::<G, 6, V>(),
                    7 if R > 7 => tile.multiply::<G, 7, V>(),
                    _ => tile.multiply::<G, R, V>(),
                }
                row += R;
            }
        }
        if copied {
            (panel, other) = (other, panel);
        }
        column += width;
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
    onto: Onto,
    /// At most `depth`.
    next: Rows,
}

impl Tile {
    #[inline(always)]
    unsafe fn multiply<G: Register, const R: usize, const V: usize>(self) {
        let width = V * G::LANES;
        let mut sums = [[G::splat(0.0); V]; R];
        let (mut a, mut panel, mut next) = (self.a.first, self.panel, self.next);
        let mut turn = 0;
        for k in 0..self.depth {
            // SAFETY: the panel has `depth` rows of V registers, A `depth` columns of R numbers.
            unsafe {
                if k == turn && next.count > 0 {
                    next.copy_one::<G, V>();
                    turn += next.every;
                }
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
