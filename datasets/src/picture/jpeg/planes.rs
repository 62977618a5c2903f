//! The samples of each component over a range of units.

use std::ops::Range;

use super::header::{Component, Header};
use super::scan::Block;
use super::transform;

/// The samples of one component over some of its blocks.
pub struct Plane {
    /// The component's column and row that come first here.
    pub from: (usize, usize),
    /// Columns and rows that the component has in the picture.
    pub size: (usize, usize),
    /// Samples from one row to the next.
    stride: usize,
    samples: Vec<u8>,
    /// Blocks of a unit, across and down.
    blocks: (usize, usize),
}

impl Plane {
    /// Room for a component's blocks in these columns and rows of units.
    fn over(header: &Header, component: &Component, columns: &Range<usize>, rows: &Range<usize>) -> Self {
        let (width, height) = header.unit();
        let (across, down) = (8 * component.across, 8 * component.down);
        let stride = columns.len() * across;
        Self {
            from: (columns.start * across, rows.start * down),
            size: (
                (header.width * across).div_ceil(width),
                (header.height * down).div_ceil(height),
            ),
            stride,
            samples: vec![0; stride * rows.len() * down],
            blocks: (component.across, component.down),
        }
    }

    /// Room for all components.
    pub fn of_all(header: &Header, columns: &Range<usize>, rows: &Range<usize>) -> Vec<Self> {
        let planes = header.components.iter();
        planes
            .map(|component| Self::over(header, component, columns, rows))
            .collect()
    }

    /// Transforms this component's blocks of a unit, which stands in this column and row of units here.
    #[inline(always)]
    pub fn put<'a>(&mut self, (column, row): (usize, usize), blocks: &mut impl Iterator<Item = &'a Block>) {
        let (across, down) = self.blocks;
        for (at, block) in blocks.take(across * down).enumerate() {
            let (x, y) = (column * across + at % across, row * down + at / across);
            let samples = &mut self.samples[8 * (y * self.stride + x)..];
            if block.varied {
                transform::inverse(&block.coefficients, samples, self.stride);
            } else {
                transform::inverse_flat(block.coefficients[0], samples, self.stride);
            }
        }
    }

    /// A row of the component; one below the picture repeats the last inside it.
    #[inline(always)]
    pub fn row(&self, row: usize) -> &[u8] {
        let row = row.min(self.size.1 - 1) - self.from.1;
        &self.samples[row * self.stride..(row + 1) * self.stride]
    }
}
