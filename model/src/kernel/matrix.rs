//! [Matrix products](super::product) behind checked views, one thread a product.
//!
//! Parallelism is the caller's: it cuts its output into rectangles whose sizes do not depend on the number of threads,
//! so that neither do the results.

use std::ops::Range;

use super::{
    dispatch::Simd,
    product::{Onto, Operand, Target, product},
    rectangle::{Rectangle, Unwritten},
};

/// Multiplications that are worth a task of their own.
pub(super) const TASK: usize = 1 << 20;

/// Most tasks.
const TASKS: usize = 64;

/// A task's columns: enough to copy the next panels while some are multiplied, and few enough to stay in a cache.
const COLUMNS: [usize; 2] = [256, 1024];

/// Fewer rows are not worth copying the panels once more.
const FEWEST_ROWS: usize = 36;

/// Into how large rectangles to cut a batch of products `[rows, depth] x [depth, columns]`, so that what a task reads
/// stays in its cache and many cores have something to do; in whole panels of all registers. A power of two of tasks, where the
/// sizes allow it: few or many threads divide them evenly. Depends on the sizes alone.
pub(super) fn product_tile(batch: usize, [rows, depth, columns]: [usize; 3]) -> [usize; 2] {
    let tasks = (batch * rows * depth * columns / TASK)
        .clamp(1, TASKS)
        .next_power_of_two();
    let [fewest, most] = COLUMNS;
    let column_parts = tasks
        .div_ceil(batch)
        .min(at_most(columns, fewest))
        .max(columns.div_ceil(most).next_power_of_two());
    let row_parts = tasks.div_ceil(batch * column_parts).min(at_most(rows, FEWEST_ROWS));
    [
        rows.div_ceil(row_parts).next_multiple_of(4),
        columns.div_ceil(column_parts).next_multiple_of(64),
    ]
}

/// Into how many parts of `size` or more `whole` can be cut: a power of two.
fn at_most(whole: usize, size: usize) -> usize {
    1 << (whole / size).max(1).ilog2()
}

/// A matrix in a slice, its rows and columns as far apart as one likes.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    numbers: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// The first `rows` x `columns` elements of a row-major matrix whose rows are `stride` apart.
    pub fn new(numbers: &'a [f32], [rows, columns]: [usize; 2], stride: usize) -> Self {
        assert!(rows == 0 || columns == 0 || (rows - 1) * stride + columns <= numbers.len());
        Self {
            numbers,
            rows,
            columns,
            row_stride: stride,
            column_stride: 1,
        }
    }

    /// From the first element on.
    pub fn numbers(self) -> &'a [f32] {
        self.numbers
    }

    pub fn shape(self) -> [usize; 2] {
        [self.rows, self.columns]
    }

    /// The part in these rows and columns.
    pub fn part(self, rows: Range<usize>, columns: Range<usize>) -> Self {
        assert!(rows.end <= self.rows && columns.end <= self.columns);
        let first = rows.start * self.row_stride + columns.start * self.column_stride;
        let numbers = self.numbers.get(first..).unwrap_or_default();
        Self {
            numbers,
            rows: rows.len(),
            columns: columns.len(),
            ..self
        }
    }

    fn operand(self) -> Operand {
        Operand {
            first: self.numbers.as_ptr(),
            row: self.row_stride,
            column: self.column_stride,
        }
    }

    pub fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }
}

/// `target = a b`, and gives the target back as numbers.
pub(super) fn set_product<'a>(mut target: Rectangle<'a, Unwritten>, a: Matrix, b: Matrix) -> Rectangle<'a, f32> {
    let (origin, stride) = target.origin();
    // SAFETY: the rectangle is borrowed for writing; its old elements are not read, and all of them are written.
    unsafe {
        multiply(
            origin.cast(),
            stride,
            [target.rows.len(), target.columns.len()],
            false,
            a,
            b,
        );
        target.assume_written()
    }
}

/// What a product is added to, all of it at the target's rows and columns of a `[batch, rows, columns]` tensor.
#[derive(Clone, Copy)]
pub(super) enum Start<'a> {
    Nothing,
    /// One number a row.
    Bias(&'a [f32]),
    /// A tensor like the target's, whose matrices have so many rows.
    Onto(&'a [f32], usize),
}

/// `target = start + a b`, and gives the target back as numbers.
pub(super) fn set_product_onto<'a>(
    mut target: Rectangle<'a, Unwritten>,
    start: Start,
    a: Matrix,
    b: Matrix,
) -> Rectangle<'a, f32> {
    let [rows, columns] = [target.rows.len(), target.columns.len()];
    assert_eq!([a.rows, a.columns, b.columns], [rows, b.rows, columns]);
    let (origin, stride) = target.origin();
    let onto = match start {
        Start::Nothing => Onto::Nothing,
        Start::Bias(bias) => Onto::Column(bias[target.rows.clone()].as_ptr()),
        Start::Onto(onto, height) => {
            let first = (target.item * height + target.rows.start) * stride + target.columns.start;
            let part = Matrix::new(&onto[first..], [rows, columns], stride);
            Onto::Matrix(part.numbers.as_ptr())
        }
    };
    let to = Target {
        first: origin.cast(),
        row: stride,
        rows,
        columns,
    };
    // SAFETY: the shapes agree, `Matrix::new` checked that all operands lie in their slices; the rectangle is borrowed for
    // writing, its old elements are not read, and all of them are written.
    unsafe {
        product(Simd::current(), to, a.columns, a.operand(), b.operand(), onto);
        target.assume_written()
    }
}

/// `target = a b`, in the place of other numbers.
pub(super) fn put_product(target: &mut Rectangle<f32>, a: Matrix, b: Matrix) {
    let (origin, stride) = target.origin();
    // SAFETY: the rectangle is borrowed for writing.
    unsafe { multiply(origin, stride, [target.rows.len(), target.columns.len()], false, a, b) }
}

/// `target = target + a b`.
pub(super) fn add_product(target: &mut Rectangle<f32>, a: Matrix, b: Matrix) {
    let (origin, stride) = target.origin();
    // SAFETY: the rectangle is borrowed for writing, and holds numbers.
    unsafe { multiply(origin, stride, [target.rows.len(), target.columns.len()], true, a, b) }
}

/// A sum of products in a rectangle that has still to be written.
pub(super) struct Sum<'a> {
    target: Rectangle<'a, Unwritten>,
    is_begun: bool,
}

impl<'a> Sum<'a> {
    pub fn new(target: Rectangle<'a, Unwritten>) -> Self {
        Self {
            target,
            is_begun: false,
        }
    }

    pub fn rows(&self) -> Range<usize> {
        self.target.rows.clone()
    }

    pub fn columns(&self) -> Range<usize> {
        self.target.columns.clone()
    }

    /// Adds `a b`, which has the rectangle's size.
    pub fn add_product(&mut self, a: Matrix, b: Matrix) {
        let (origin, stride) = self.target.origin();
        let size = [self.target.rows.len(), self.target.columns.len()];
        // SAFETY: the rectangle is borrowed for writing, and the first product writes all of it.
        unsafe { multiply(origin.cast(), stride, size, self.is_begun, a, b) };
        self.is_begun = true;
    }

    /// The sum, which is 0 if nothing was added.
    pub fn finish(self) -> Rectangle<'a, f32> {
        if self.is_begun {
            // SAFETY: the first product wrote all of it.
            unsafe { self.target.assume_written() }
        } else {
            self.target.filled(|_| 0.0)
        }
    }
}

/// # Safety
/// `target` is a `rows` x `columns` matrix that nobody else uses; if `add` is set, all of it was written.
unsafe fn multiply(target: *mut f32, stride: usize, [rows, columns]: [usize; 2], add: bool, a: Matrix, b: Matrix) {
    assert_eq!([a.rows, a.columns, b.columns], [rows, b.rows, columns]);
    let (simd, depth) = (Simd::current(), a.columns);
    let to = Target {
        first: target,
        row: stride,
        rows,
        columns,
    };
    let onto = if add { Onto::Matrix(target) } else { Onto::Nothing };
    // SAFETY: the shapes agree, `Matrix::new` checked that its elements lie in its slice, and the caller answers for
    // the target.
    unsafe { product(simd, to, depth, a.operand(), b.operand(), onto) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_threads_divide_the_tasks_of_a_product_evenly() {
        // What a restoration network of 64x64 multiplies, from its largest pictures to its smallest.
        for [rows, depth, columns] in [
            [144, 48, 4096],
            [48, 127, 4096],
            [96, 32, 1024],
            [192, 64, 256],
            [340, 64, 256],
            [384, 128, 64],
            [680, 128, 64],
        ] {
            let [height, width] = product_tile(1, [rows, depth, columns]);
            let parts = |whole: usize, part: usize| (0..whole).step_by(part).map(move |first| part.min(whole - first));
            let tasks: Vec<usize> = parts(rows, height)
                .flat_map(|height| parts(columns, width).map(move |width| height * width))
                .collect();
            let (one, other) = tasks.split_at(tasks.len() / 2);
            let (one, other) = (one.iter().sum::<usize>(), other.iter().sum::<usize>());
            assert!(
                10 * one.abs_diff(other) <= rows * columns,
                "{tasks:?} of {rows} x {columns}"
            );
        }
        assert_eq!(product_tile(1, [3, 3, 3]), [4, 64]);
    }
}
