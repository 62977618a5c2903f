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

#![allow(
    clippy::needless_range_loop,
    reason = "counted loops over arrays of registers unroll"
)]

use std::cell::RefCell;

use super::dispatch::{Level, Simd};
use super::registers::{Portable, Register};

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

/// A panel of B has at most so many rows, to stay in the second cache.
const DEPTH: usize = 1536;

/// And the rows of B that an inner product reads hold about so many numbers.
const ROWS: usize = 131_072;

/// Most rows of A in a tile of an inner product.
const MOST_ROWS: usize = 5;

/// Lanes of the widest register.
const MOST_LANES: usize = 16;

/// `target (+)= a b`, summed over `depth`. `b.column` is 1.
///
/// # Safety
/// `a` is `[target.rows, depth]`, `b` is `[depth, target.columns]`, all of it readable, and nobody else uses the target.
/// If `add` is set, it holds numbers.
pub(super) unsafe fn broadcast(simd: Simd, target: Target, depth: usize, a: Operand, b: Operand, add: bool) {
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

/// `target (+)= a b^T`, summed over `depth`. `a.column` and `b.column` are 1.
///
/// # Safety
/// `a` is `[target.rows, depth]`, `b` is `[target.columns, depth]`, all of it readable, and nobody else uses the target.
/// If `add` is set, it holds numbers.
pub(super) unsafe fn inner(simd: Simd, target: Target, depth: usize, a: Operand, b: Operand, add: bool) {
    debug_assert!(a.column == 1 && b.column == 1);
    let longest = (ROWS / target.columns.max(1)).clamp(256, 1024) / MOST_LANES * MOST_LANES;
    PANEL.with_borrow_mut(|panel| {
        let stride = depth.min(longest).next_multiple_of(MOST_LANES) + MOST_LANES;
        panel.resize(panel.len().max((target.columns + MOST_ROWS) * stride), 0.0);
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
                    _ => inner_body::<Portable, 3>(target, part, a, b, add, panel),
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
    use super::super::registers::{Avx2, Avx512};
    use super::{Operand, Panel, Target, broadcast_body, inner_body};

    // SAFETY of all four: what their names say was detected, and the rest by the caller's word.

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

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    pub unsafe fn inner_avx512(target: Target, depth: usize, a: Operand, b: Operand, add: bool, panel: Panel) {
        // SAFETY: see above.
        unsafe { inner_body::<Avx512, 5>(target, depth, a, b, add, panel) }
    }

    #[target_feature(enable = "avx2,fma")]
    pub unsafe fn inner_avx2(target: Target, depth: usize, a: Operand, b: Operand, add: bool, panel: Panel) {
        // SAFETY: see above.
        unsafe { inner_body::<Avx2, 3>(target, depth, a, b, add, panel) }
    }
}

thread_local! {
    static PANEL: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
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

/// Columns of the widest panel.
const MOST_WIDTH: usize = 64;

/// Tiles of `R` rows of A and `R` rows of B.
#[inline(always)]
unsafe fn inner_body<G: Register, const R: usize>(
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
                let columns = if target.columns - column < R {
                    target.columns - column
                } else {
                    R
                };
                let tile = InnerTile {
                    to: target.first.add(row * target.row + column),
                    row: target.row,
                    a: panel.first,
                    b: rows_of_b.add(column * stride),
                    stride,
                    depth,
                    add,
                };
                let whole = rows == R && columns == R;
                if whole {
                    tile.multiply::<G, R, R>();
                }
                // At the edges one by one.
                let mut at = if whole { rows * columns } else { 0 };
                while at < rows * columns {
                    let (r, c) = (at / columns, at % columns);
                    let single = InnerTile {
                        to: tile.to.add(r * tile.row + c),
                        a: tile.a.add(r * stride),
                        b: tile.b.add(c * stride),
                        ..tile
                    };
                    single.multiply::<G, 1, 1>();
                    at += 1;
                }
                column += R;
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
        for r in 0..R {
            for c in 0..C {
                let sum = sums[r][c].sum();
                // SAFETY: the tile lies within the target.
                unsafe {
                    let to = self.to.add(r * self.row + c);
                    *to = if self.add { *to + sum } else { sum };
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbers(length: usize, seed: usize) -> Vec<f32> {
        (0..length)
            .map(|i| ((i * 7919 + seed * 104_729) % 2003) as f32 / 1000.0 - 1.0)
            .collect()
    }

    fn operand(numbers: &[f32], row: usize, column: usize) -> Operand {
        Operand {
            first: numbers.as_ptr(),
            row,
            column,
        }
    }

    /// What `start + a b` is in f64, for `[m, k]` and `[k, n]`.
    fn expected([m, k, n]: [usize; 3], a: impl Fn(usize, usize) -> f32, b: impl Fn(usize, usize) -> f32) -> Vec<f64> {
        let sum = |i: usize, j: usize| (0..k).map(|k| f64::from(a(i, k)) * f64::from(b(k, j))).sum();
        (0..m * n).map(|at| sum(at / n, at % n)).collect()
    }

    fn assert_equal(target: &[f32], row: usize, [m, n]: [usize; 2], start: f64, expected: &[f64]) {
        for i in 0..m {
            for j in 0..n {
                let (got, want) = (f64::from(target[i * row + j]), expected[i * n + j] + start);
                assert!(
                    (got - want).abs() < 1e-4 * (1.0 + want.abs()),
                    "{got} for {want} at {i}, {j}"
                );
            }
            assert!(target[i * row + n..(i + 1) * row].iter().all(|number| *number == 9.0));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn a_broadcast_product_is_the_product(
            m in 1_usize..15, k in 0_usize..70, n in 1_usize..140, turned: bool, add: bool, slack in 0_usize..3
        ) {
            let (a, b) = (numbers(m * k, 1), numbers(k * (n + slack), 2));
            let (row, column) = if turned { (1, m) } else { (k, 1) };
            let expected = expected([m, k, n], |i, p| a[i * row + p * column], |p, j| b[p * (n + slack) + j]);
            for simd in Simd::available() {
                let mut target = vec![9.0; m * (n + slack)];
                if add {
                    (0..m).for_each(|i| target[i * (n + slack)..][..n].fill(2.0));
                }
                let to = Target { first: target.as_mut_ptr(), row: n + slack, rows: m, columns: n };
                // SAFETY: the shapes are those of the vectors.
                unsafe { broadcast(simd, to, k, operand(&a, row, column), operand(&b, n + slack, 1), add) };
                assert_equal(&target, n + slack, [m, n], if add { 2.0 } else { 0.0 }, &expected);
            }
        }

        #[test]
        fn an_inner_product_is_the_product(
            m in 1_usize..15, k in 0_usize..140, n in 1_usize..15, add: bool, slack in 0_usize..3
        ) {
            let (a, b) = (numbers(m * (k + slack), 1), numbers(n * (k + slack), 2));
            let expected = expected([m, k, n], |i, p| a[i * (k + slack) + p], |p, j| b[j * (k + slack) + p]);
            for simd in Simd::available() {
                let mut target = vec![9.0; m * (n + slack)];
                if add {
                    (0..m).for_each(|i| target[i * (n + slack)..][..n].fill(2.0));
                }
                let to = Target { first: target.as_mut_ptr(), row: n + slack, rows: m, columns: n };
                // SAFETY: the shapes are those of the vectors.
                unsafe { inner(simd, to, k, operand(&a, k + slack, 1), operand(&b, k + slack, 1), add) };
                assert_equal(&target, n + slack, [m, n], if add { 2.0 } else { 0.0 }, &expected);
            }
        }
    }

    #[test]
    fn long_sums_are_cut_and_added() {
        let [m, k, n] = [3, 2 * DEPTH + 5, 20];
        let (a, b) = (numbers(m * k, 1), numbers(k * n, 2));
        let expected = expected([m, k, n], |i, p| a[i * k + p], |p, j| b[p * n + j]);
        for simd in Simd::available() {
            let mut target = vec![9.0; m * n];
            let to = Target {
                first: target.as_mut_ptr(),
                row: n,
                rows: m,
                columns: n,
            };
            // SAFETY: the shapes are those of the vectors.
            unsafe { broadcast(simd, to, k, operand(&a, k, 1), operand(&b, n, 1), false) };
            assert_equal(&target, n, [m, n], 0.0, &expected);
        }
    }
}
