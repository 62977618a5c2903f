//! A product by tiles of some rows of A and some registers of B.

#![allow(
    clippy::needless_range_loop,
    reason = "counted loops over arrays of registers unroll"
)]

use super::super::registers::Register;
use super::{
    GROUP, MOST_COLUMNS, MOST_ROWS, MOST_WIDTH, Onto, Operand, Target,
    panel::{self, Rows},
};

/// Tiles of `R` rows and `V` registers; `panels` has room for two groups of panels of `depth` rows.
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
    let most = most_panels(depth, width, b);
    let (mut group, mut other) = panels.split_at_mut(most * depth * width);
    let mut column = 0;
    let mut copied = false;
    while column < target.columns {
        let count = panels_at(target.columns - column, width, most);
        let (first, last) = (column, target.columns.min(column + count * width));
        // SAFETY: the panels' rows and the tiles lie within the operands and the target.
        unsafe {
            if !copied {
                panel::copy::<G>(group.as_mut_ptr(), b.from(0, column), depth, last - first, width);
            }
            copied = b.column == 1 && target.columns - last >= width;
            let ahead = if copied {
                panels_at(target.columns - last, width, most)
            } else {
                0
            };
            let mut next = Rows::new(other.as_mut_ptr(), b.from(0, last), depth, ahead, width);
            let share = next.left.div_ceil(target.rows.div_ceil(R).max(1) * count);
            let every = depth / share.max(1);
            for row in (0..target.rows).step_by(R) {
                for (panel, column) in (first..last).step_by(width).enumerate() {
                    let tile = Tile {
                        to: target.first.add(row * target.row + column),
                        row: target.row,
                        columns: (last - column).min(width),
                        a: a.from(row, 0),
                        panel: group.as_ptr().add(panel * depth * width),
                        depth,
                        onto: onto.part(target.row, row, column),
                        share: share.min(next.left),
                        every,
                    };
                    match target.rows - row {
                        1 => tile.multiply::<G, 1, V>(&mut next),
                        2 => tile.multiply::<G, 2, V>(&mut next),
                        3 => tile.multiply::<G, 3, V>(&mut next),
                        4 if R > 4 => tile.multiply::<G, 4, V>(&mut next),
                        5 if R > 5 => tile.multiply::<G, 5, V>(&mut next),
                        6 if R > 6 => tile.multiply::<G, 6, V>(&mut next),
                        7 if R > 7 => tile.multiply::<G, 7, V>(&mut next),
                        _ => tile.multiply::<G, R, V>(&mut next),
                    }
                }
            }
        }
        if copied {
            (group, other) = (other, group);
        }
        column = last;
    }
}

/// How many panels are copied together at most: the rows of B are far apart in memory, and long pieces of them come faster
/// than short ones. A turned panel is copied in long pieces anyway.
fn most_panels(depth: usize, width: usize, b: Operand) -> usize {
    if b.column == 1 {
        (GROUP / (depth * width).max(1)).clamp(1, MOST_COLUMNS / width)
    } else {
        1
    }
}

/// How many whole panels come next, or one that is not whole.
fn panels_at(columns: usize, width: usize, most: usize) -> usize {
    (columns / width).clamp(1, most)
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
    /// How many rows of the panels to come are copied meanwhile.
    share: usize,
    /// After how many numbers of the sum each of them is.
    every: usize,
}

impl Tile {
    #[inline(always)]
    unsafe fn multiply<G: Register, const R: usize, const V: usize>(self, rows: &mut Rows) {
        let width = V * G::LANES;
        let mut sums = [[G::splat(0.0); V]; R];
        let (mut a, mut panel) = (self.a.first, self.panel);
        let (mut next, mut turn, mut share) = (*rows, 0, self.share);
        for k in 0..self.depth {
            // SAFETY: the panel has `depth` rows of V registers, A `depth` columns of R numbers.
            unsafe {
                if k == turn && share > 0 {
                    next.copy_one::<G, V>();
                    turn += self.every;
                    share -= 1;
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
        if self.share > 0 {
            *rows = next;
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
