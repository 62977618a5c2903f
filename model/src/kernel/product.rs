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

/// `target (+)= a b`, summed over `depth`. `b.column` is 1.
///
/// # Safety
/// `a` is `[target.rows, depth]`, `b` is `[depth, target.columns]`, all of it readable, and nobody else uses the target.
/// If `add` is set, it holds numbers.
pub(super) unsafe fn broadcast(simd: Simd, target: Target, depth: usize, a: Operand, b: Operand, add: bool) {
    debug_assert_eq!(b.column, 1);
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
                Level::Avx512 => x86::broadcast_avx512(target, part, a, b, add),
                #[cfg(target_arch = "x86_64")]
                Level::Avx2 => x86::broadcast_avx2(target, part, a, b, add),
                _ => broadcast_body::<Portable, 4, 3>(target, part, a, b, add),
            }
        }
        done += part;
        if done >= depth {
            return;
        }
    }
}

/// `target (+)= a b^T`, summed over `depth`. `a.column` and `b.column` are 1.
///
/// # Safety
/// `a` is `[target.rows, depth]`, `b` is `[target.columns, depth]`, all of it readable, and nobody else uses the target.
/// If `add` is set, it holds numbers.
pub(super) unsafe fn inner(simd: Simd, target: Target, depth: usize, a: Operand, b: Operand, add: bool) {
    debug_assert!(a.column == 1 && b.column == 1);
    // SAFETY: by the caller's word; the levels come from detection.
    unsafe {
        match simd.level() {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => x86::inner_avx512(target, depth, a, b, add),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => x86::inner_avx2(target, depth, a, b, add),
            _ => inner_body::<Portable, 3>(target, depth, a, b, add),
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::super::registers::{Avx2, Avx512};
    use super::{Operand, Target, broadcast_body, inner_body};

    // SAFETY of all four: what their names say was detected, and the rest by the caller's word.

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    pub unsafe fn broadcast_avx512(target: Target, depth: usize, a: Operand, b: Operand, add: bool) {
        // SAFETY: see above.
        unsafe { broadcast_body::<Avx512, 6, 4>(target, depth, a, b, add) }
    }

    #[target_feature(enable = "avx2,fma")]
    pub unsafe fn broadcast_avx2(target: Target, depth: usize, a: Operand, b: Operand, add: bool) {
        // SAFETY: see above.
        unsafe { broadcast_body::<Avx2, 4, 3>(target, depth, a, b, add) }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    pub unsafe fn inner_avx512(target: Target, depth: usize, a: Operand, b: Operand, add: bool) {
        // SAFETY: see above.
        unsafe { inner_body::<Avx512, 5>(target, depth, a, b, add) }
    }

    #[target_feature(enable = "avx2,fma")]
    pub unsafe fn inner_avx2(target: Target, depth: usize, a: Operand, b: Operand, add: bool) {
        // SAFETY: see above.
        unsafe { inner_body::<Avx2, 3>(target, depth, a, b, add) }
    }
}

thread_local! {
    static PANEL: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Tiles of `R` rows and `V` registers.
#[inline(always)]
unsafe fn broadcast_body<G: Register, const R: usize, const V: usize>(
    target: Target,
    depth: usize,
    a: Operand,
    b: Operand,
    add: bool,
) {
    let width = V * G::LANES;
    PANEL.with_borrow_mut(|panel| {
        panel.resize(panel.len().max(depth * width), 0.0);
        for column in (0..target.columns).step_by(width) {
            let columns = (target.columns - column).min(width);
            // SAFETY: the panel's rows and the tiles lie within the operands and the target.
            unsafe {
                copy_panel::<G, V>(panel.as_mut_ptr(), b.first.add(column), b.row, depth, columns);
                for row in (0..target.rows).step_by(R) {
                    let tile = Tile {
                        to: target.first.add(row * target.row + column),
                        row: target.row,
                        columns,
                        a: Operand {
                            first: a.first.add(row * a.row),
                            ..a
                        },
                        panel: panel.as_ptr(),
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
                }
            }
        }
    });
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
                let b: [G; V] = std::array::from_fn(|v| G::load(panel.add(v * G::LANES)));
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
        for (r, sums) in sums.into_iter().enumerate() {
            // SAFETY: the tile lies within the target.
            unsafe {
                let to = self.to.add(r * self.row);
                if self.columns == width {
                    for (v, sum) in sums.into_iter().enumerate() {
                        let to = to.add(v * G::LANES);
                        let sum = if self.add { G::load(to).add(sum) } else { sum };
                        sum.store(to);
                    }
                } else {
                    let mut edge = [0.0_f32; MOST_LANES];
                    for (v, sum) in sums.into_iter().enumerate() {
                        sum.store(edge.as_mut_ptr());
                        let columns = (v * G::LANES..self.columns).take(G::LANES);
                        for (column, sum) in columns.zip(edge) {
                            let to = to.add(column);
                            *to = if self.add { *to + sum } else { sum };
                        }
                    }
                }
            }
        }
    }
}

/// Lanes of the widest register.
const MOST_LANES: usize = 16;

/// Tiles of `R` rows of A and `R` rows of B.
#[inline(always)]
unsafe fn inner_body<G: Register, const R: usize>(target: Target, depth: usize, a: Operand, b: Operand, add: bool) {
    for row in (0..target.rows).step_by(R) {
        for column in (0..target.columns).step_by(R) {
            // SAFETY: the tile lies within the operands and the target.
            unsafe {
                let tile = InnerTile {
                    to: target.first.add(row * target.row + column),
                    row: target.row,
                    a: Operand {
                        first: a.first.add(row * a.row),
                        ..a
                    },
                    b: Operand {
                        first: b.first.add(column * b.row),
                        ..b
                    },
                    depth,
                    add,
                };
                let (rows, columns) = ((target.rows - row).min(R), (target.columns - column).min(R));
                if (rows, columns) == (R, R) {
                    tile.multiply::<G, R, R>();
                    continue;
                }
                // At the edges row by row.
                for r in 0..rows {
                    for c in 0..columns {
                        InnerTile {
                            to: tile.to.add(r * tile.row + c),
                            a: Operand {
                                first: tile.a.first.add(r * a.row),
                                ..a
                            },
                            b: Operand {
                                first: tile.b.first.add(c * b.row),
                                ..b
                            },
                            ..tile
                        }
                        .multiply::<G, 1, 1>();
                    }
                }
            }
        }
    }
}

/// Some rows of A times some rows of B.
#[derive(Clone, Copy)]
struct InnerTile {
    to: *mut f32,
    /// From one row of the target to the next.
    row: usize,
    a: Operand,
    b: Operand,
    depth: usize,
    add: bool,
}

impl InnerTile {
    #[inline(always)]
    unsafe fn multiply<G: Register, const R: usize, const C: usize>(self) {
        let mut sums = [[G::splat(0.0); C]; R];
        let whole = self.depth / G::LANES * G::LANES;
        for k in (0..whole).step_by(G::LANES) {
            // SAFETY: a whole register of each row is left.
            unsafe {
                let b: [G; C] = std::array::from_fn(|c| G::load(self.b.first.add(c * self.b.row + k)));
                for r in 0..R {
                    let a = G::load(self.a.first.add(r * self.a.row + k));
                    for c in 0..C {
                        sums[r][c] = sums[r][c].add_product(a, b[c]);
                    }
                }
            }
        }
        for (r, sums) in sums.into_iter().enumerate() {
            for (c, sum) in sums.into_iter().enumerate() {
                let mut sum = sum.sum();
                // SAFETY: the rest of the rows, and one number of the target.
                unsafe {
                    for k in whole..self.depth {
                        sum += *self.a.first.add(r * self.a.row + k) * *self.b.first.add(c * self.b.row + k);
                    }
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
                assert!((got - want).abs() < 1e-4 * (1.0 + want.abs()), "{got} for {want} at {i}, {j}");
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
            let to = Target { first: target.as_mut_ptr(), row: n, rows: m, columns: n };
            // SAFETY: the shapes are those of the vectors.
            unsafe { broadcast(simd, to, k, operand(&a, k, 1), operand(&b, n, 1), false) };
            assert_equal(&target, n, [m, n], 0.0, &expected);
        }
    }
}
