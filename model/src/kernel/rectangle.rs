//! Output buffers, and how parallel tasks share them: as rectangles of a matrix that do not overlap.

use std::{
    marker::PhantomData,
    mem::{ManuallyDrop, MaybeUninit},
    ops::Range,
    slice,
};

/// A number of an output buffer that a kernel has still to write.
pub(super) type Unwritten = MaybeUninit<f32>;

/// A buffer for `length` numbers, without the cost of clearing it.
pub(super) fn unwritten(length: usize) -> Vec<Unwritten> {
    Box::new_uninit_slice(length).into_vec()
}

/// The buffer as numbers.
///
/// # Safety
/// Every element was written.
pub(super) unsafe fn written(buffer: Vec<Unwritten>) -> Vec<f32> {
    let mut buffer = ManuallyDrop::new(buffer);
    // SAFETY: `MaybeUninit<f32>` has the layout of `f32`, the elements are written, and the buffer has one owner.
    unsafe { Vec::from_raw_parts(buffer.as_mut_ptr().cast(), buffer.len(), buffer.capacity()) }
}

/// Some rows and columns of one matrix of a batch of row-major matrices, borrowed for writing.
pub(super) struct Rectangle<'a, T> {
    /// Which matrix of the batch.
    pub item: usize,
    pub rows: Range<usize>,
    pub columns: Range<usize>,
    first: *mut T,
    stride: usize,
    buffer: PhantomData<&'a mut [T]>,
}

// SAFETY: a rectangle is the only access to its elements while it lives, as a `&mut [T]` would be.
unsafe impl<T: Send> Send for Rectangle<'_, T> {}

impl<T> Rectangle<'_, T> {
    /// The rectangle's part of a row; `row` counts from the rectangle's first.
    #[inline(always)]
    pub fn row(&mut self, row: usize) -> &mut [T] {
        assert!(row < self.rows.len());
        // SAFETY: the row lies within the rectangle, and the borrow of `self` keeps it the only one.
        unsafe { slice::from_raw_parts_mut(self.first.add(row * self.stride), self.columns.len()) }
    }

    /// Where the first element is, and how far apart two rows are.
    pub fn origin(&mut self) -> (*mut T, usize) {
        (self.first, self.stride)
    }
}

impl Rectangle<'_, f32> {
    /// A rectangle of two rows.
    pub fn two_rows(&mut self) -> [&[f32]; 2] {
        assert_eq!(self.rows.len(), 2);
        // SAFETY: both rows lie within the rectangle, and the borrow of `self` keeps others out.
        [0, 1].map(|row| unsafe { slice::from_raw_parts(self.first.add(row * self.stride), self.columns.len()) })
    }
}

impl<'a> Rectangle<'a, f32> {
    /// The rectangle as one that has still to be written.
    ///
    /// # Safety
    /// Nothing but numbers is written to it.
    pub unsafe fn into_unwritten(self) -> Rectangle<'a, Unwritten> {
        Rectangle {
            item: self.item,
            rows: self.rows,
            columns: self.columns,
            first: self.first.cast(),
            stride: self.stride,
            buffer: PhantomData,
        }
    }
}

impl<'a> Rectangle<'a, Unwritten> {
    /// Writes one number a row, and gives the rectangle back as numbers. `row` counts from the matrix' first.
    pub fn filled(mut self, number: impl Fn(usize) -> f32) -> Rectangle<'a, f32> {
        for row in 0..self.rows.len() {
            let number = number(self.rows.start + row);
            self.row(row).fill(MaybeUninit::new(number));
        }
        // SAFETY: every row was filled.
        unsafe { self.assume_written() }
    }

    /// The rectangle as numbers.
    ///
    /// # Safety
    /// Every element was written.
    pub unsafe fn assume_written(self) -> Rectangle<'a, f32> {
        let Self {
            item,
            rows,
            columns,
            first,
            stride,
            ..
        } = self;
        Rectangle {
            item,
            rows,
            columns,
            first: first.cast(),
            stride,
            buffer: PhantomData,
        }
    }
}

impl<'a, T> Rectangle<'a, T> {
    /// All of one matrix.
    pub fn whole(buffer: &'a mut [T], [rows, columns]: [usize; 2]) -> Self {
        assert_eq!(buffer.len(), rows * columns);
        Self {
            item: 0,
            rows: 0..rows,
            columns: 0..columns,
            first: buffer.as_mut_ptr(),
            stride: columns,
            buffer: PhantomData,
        }
    }

    /// The part in these columns, which count from the rectangle's first.
    pub fn part(&mut self, columns: Range<usize>) -> Rectangle<'_, T> {
        assert!(columns.end <= self.columns.len());
        let start = self.columns.start;
        Rectangle {
            item: self.item,
            rows: self.rows.clone(),
            // Without a column there may be no element to point to.
            first: self.first.wrapping_add(columns.start),
            columns: start + columns.start..start + columns.end,
            stride: self.stride,
            buffer: PhantomData,
        }
    }

    /// The next `count` rows, which are then no longer part of this one.
    pub fn take_rows(&mut self, count: usize) -> Self {
        assert!(count <= self.rows.len());
        let (first, middle) = (self.first, self.rows.start + count);
        let rows = self.rows.start..middle;
        self.rows.start = middle;
        // Past the last row there may be no element to point to.
        self.first = first.wrapping_add(count * self.stride);
        Self {
            item: self.item,
            rows,
            columns: self.columns.clone(),
            first,
            stride: self.stride,
            buffer: PhantomData,
        }
    }
}

/// Cuts a `[batch, rows, columns]` buffer into rectangles of at most `tile` rows and columns, in the buffer's order.
pub(super) fn rectangles<T>(buffer: &mut [T], [rows, stride]: [usize; 2], tile: [usize; 2]) -> Vec<Rectangle<'_, T>> {
    let mut all = Vec::new();
    for (item, matrix) in buffer.chunks_exact_mut((rows * stride).max(1)).enumerate() {
        let corner = matrix.as_mut_ptr();
        for rows in ranges(rows, tile[0]) {
            for columns in ranges(stride, tile[1]) {
                // SAFETY: the ranges lie within the matrix, and no two rectangles share an element.
                let first = unsafe { corner.add(rows.start * stride + columns.start) };
                all.push(Rectangle {
                    item,
                    rows: rows.clone(),
                    columns,
                    first,
                    stride,
                    buffer: PhantomData,
                });
            }
        }
    }
    all
}

/// Copies a row of numbers. Rows of small pictures are shorter than what a call costs that copies any number of them.
#[inline(always)]
pub(super) fn copy_row<T: Copy>(to: &mut [T], from: &[T]) {
    match to.len() {
        8..=16 => copy_ends::<T, 8>(to, from),
        17..=32 => copy_ends::<T, 16>(to, from),
        33..=64 => copy_ends::<T, 32>(to, from),
        _ => to.copy_from_slice(from),
    }
}

/// The same to a row that has still to be written.
#[inline(always)]
pub(super) fn write_row(to: &mut [Unwritten], from: &[f32]) {
    // SAFETY: `MaybeUninit<f32>` has the layout of `f32` and asks for less.
    copy_row(to, unsafe { slice::from_raw_parts(from.as_ptr().cast(), from.len()) });
}

/// Copies the first `N` and the last `N`, which may overlap.
#[inline(always)]
fn copy_ends<T: Copy, const N: usize>(to: &mut [T], from: &[T]) {
    assert_eq!(to.len(), from.len());
    if let (Some(to), Some(from)) = (to.first_chunk_mut::<N>(), from.first_chunk::<N>()) {
        *to = *from;
    }
    if let (Some(to), Some(from)) = (to.last_chunk_mut::<N>(), from.last_chunk::<N>()) {
        *to = *from;
    }
}

/// `0..end` in pieces of `size`, the last one shorter.
pub(super) fn ranges(end: usize, size: usize) -> impl Iterator<Item = Range<usize>> {
    let size = size.max(1);
    (0..end).step_by(size).map(move |start| start..(start + size).min(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rectangles_cover_every_element_once() {
        for ([batch, rows, columns], tile) in [
            ([2, 5, 7], [2, 3]),
            ([1, 1, 1], [8, 8]),
            ([3, 4, 6], [4, 1]),
            ([2, 0, 3], [1, 1]),
        ] {
            let mut buffer = vec![0; batch * rows * columns];
            for mut rectangle in rectangles(&mut buffer, [rows, columns], tile) {
                for row in 0..rectangle.rows.len() {
                    rectangle.row(row).iter_mut().for_each(|element| *element += 1);
                }
            }
            assert!(
                buffer.iter().all(|&count| count == 1),
                "{batch} x {rows} x {columns} by {tile:?}"
            );
        }
    }

    #[test]
    fn a_copied_row_is_the_row() {
        let from: Vec<f32> = (0..70_u8).map(f32::from).collect();
        for length in 0..from.len() {
            let mut to = vec![-1.0; length];
            copy_row(&mut to, &from[..length]);
            assert_eq!(to, from[..length]);
        }
    }

    #[test]
    fn a_filled_rectangle_has_its_rows_numbers() {
        let mut buffer = unwritten(6);
        for rectangle in rectangles(&mut buffer, [3, 2], [2, 1]) {
            rectangle.filled(|row| row as f32);
        }
        // SAFETY: the rectangles cover the buffer.
        assert_eq!(unsafe { written(buffer) }, [0., 0., 1., 1., 2., 2.]);
    }
}
