//! What the nine taps of a 3x3 kernel see of a picture.

use std::ops::Range;

use super::super::{matrix::Matrix, rectangle::copy_row};

/// A picture as the taps see it.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct View {
    pub channels: usize,
    pub height: usize,
    pub width: usize,
    pub stride: usize,
}

impl View {
    /// Height and width of the output.
    pub fn output(&self) -> [usize; 2] {
        [self.height, self.width].map(|size| size.div_ceil(self.stride))
    }

    /// Of the output.
    pub fn pixels(&self) -> usize {
        self.output().iter().product()
    }

    /// Numbers in a column of all channels.
    pub fn depth(&self) -> usize {
        self.channels * 9
    }

    /// One picture of a batch.
    pub fn picture<'a>(&self, x: &'a [f32], item: usize) -> &'a [f32] {
        let length = self.channels * self.height * self.width;
        &x[item * length..][..length]
    }

    /// The matrix `[9 channels, run]` of what each tap of these channels sees at a run of output pixels.
    pub fn gather<'a>(
        &self,
        columns: &'a mut Vec<f32>,
        picture: &[f32],
        channels: Range<usize>,
        run: &Range<usize>,
    ) -> Matrix<'a> {
        let size = channels.len() * 9 * run.len();
        columns.resize(columns.len().max(size), 0.0);
        let width = self.output()[1];
        let rows = run.start / width..(run.end - 1) / width + 1;
        let mut targets = columns[..size].chunks_exact_mut(run.len());
        let pixels = self.height * self.width;
        for plane in picture[channels.start * pixels..channels.end * pixels].chunks_exact(pixels) {
            for tap in 0..9 {
                let mut target = targets.next().unwrap_or_default();
                for row in rows.clone() {
                    let start = run.start.max(row * width) - row * width;
                    let end = run.end.min((row + 1) * width) - row * width;
                    let (part, rest) = target.split_at_mut(end - start);
                    let seen = (row * self.stride + tap / 3)
                        .checked_sub(1)
                        .filter(|seen| *seen < self.height);
                    match seen.map(|seen| &plane[seen * self.width..][..self.width]) {
                        Some(seen) => self.shift(part, seen, start, tap % 3),
                        None => part.fill(0.0),
                    }
                    target = rest;
                }
            }
        }
        Matrix::new(&columns[..size], [channels.len() * 9, run.len()], run.len())
    }

    /// `part[j] = seen[(start + j) * stride + tap - 1]`, zero outside.
    fn shift(&self, part: &mut [f32], seen: &[f32], start: usize, tap: usize) {
        let first = start * self.stride + tap;
        let (edge, part) = part.split_at_mut(usize::from(first == 0));
        edge.fill(0.0);
        let first = (first + edge.len() * self.stride) - 1;
        let seen = seen.get(first..).unwrap_or_default();
        let inside = seen.len().div_ceil(self.stride).min(part.len());
        let (part, edge) = part.split_at_mut(inside);
        if self.stride == 1 {
            copy_row(part, &seen[..inside]);
        } else {
            part.iter_mut()
                .zip(seen.iter().step_by(self.stride))
                .for_each(|(target, number)| *target = *number);
        }
        edge.fill(0.0);
    }
}
