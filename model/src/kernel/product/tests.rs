//! Each product beside a sum in f64.

use proptest::prelude::*;

use super::super::dispatch::Simd;
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
    fn a_product_is_the_product(
        m in 1_usize..20, k in 0_usize..70, n in 1_usize..500, turned: bool, b_lies in 0_usize..3, added in 0..4, slack in 0_usize..3
    ) {
        let (b_row, b_column) = [(n + slack, 1), (1, k + slack), (2, 2 * k + slack)][b_lies];
        let (a, b) = (numbers(m * k, 1), numbers((k + 1) * b_row + n * b_column, 2));
        let (column_of, matrix_of) = (vec![2.0; m], vec![2.0; m * (n + slack)]);
        let (row, column) = if turned { (1, m) } else { (k, 1) };
        let expected = expected([m, k, n], |i, p| a[i * row + p * column], |p, j| b[p * b_row + j * b_column]);
        for simd in Simd::available() {
            let mut target = vec![9.0; m * (n + slack)];
            let to = Target { first: target.as_mut_ptr(), row: n + slack, rows: m, columns: n };
            let (onto, start) = match added {
                0 => (Onto::Nothing, 0.0),
                1 => (Onto::Column(column_of.as_ptr()), 2.0),
                2 => (Onto::Matrix(matrix_of.as_ptr()), 2.0),
                _ => (Onto::Matrix(to.first), 9.0),
            };
            // SAFETY: the shapes are those of the vectors.
            unsafe { product(simd, to, k, operand(&a, row, column), operand(&b, b_row, b_column), onto) };
            assert_equal(&target, n + slack, [m, n], start, &expected);
        }
    }
}

#[test]
fn deeper_panels_go_in_smaller_groups() {
    for k in [1, 190, 400, 900] {
        assert_dense([7, k, 1000]);
    }
}

#[test]
fn long_sums_are_cut_and_added() {
    assert_dense([3, 2 * DEPTH + 5, 20]);
}

/// Both operands without gaps, B as it is and turned.
fn assert_dense([m, k, n]: [usize; 3]) {
    let (a, b) = (numbers(m * k, 1), numbers(k * n, 2));
    for (b_row, b_column) in [(n, 1), (1, k)] {
        let expected = expected([m, k, n], |i, p| a[i * k + p], |p, j| b[p * b_row + j * b_column]);
        for simd in Simd::available() {
            let mut target = vec![9.0; m * n];
            let to = Target {
                first: target.as_mut_ptr(),
                row: n,
                rows: m,
                columns: n,
            };
            let b = operand(&b, b_row, b_column);
            // SAFETY: the shapes are those of the vectors.
            unsafe { product(simd, to, k, operand(&a, k, 1), b, Onto::Nothing) };
            assert_equal(&target, n, [m, n], 0.0, &expected);
        }
    }
}
