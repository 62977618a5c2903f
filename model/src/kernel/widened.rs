//! Norm, 1x1 and depthwise 3x3 convolution of a picture in steps of some rows, for inference: how attention and
//! feed-forward network of a transformer block begin.
//!
//! The 1x1 convolution makes several times as many channels as it gets. Of these a task holds the rows that the next few
//! rows of the depthwise convolution look at, and hands on the last two of them from step to step; the others are never in
//! memory. Each number is computed as the kernels that keep everything compute it, to the last bit.

use std::{cell::RefCell, ops::Range};

use super::{
    bands::{correlate, taps},
    dispatch::Simd,
    layer_norm::{BLOCK, Rows, Statistics, measure, normalise},
    matrix::{Matrix, put_product},
    rectangle::{Rectangle, Unwritten, ranges, rectangles, write_row},
};

/// Most rows of a step.
const STEP: usize = 4;

/// Fewest rows of a task, which computes two rows more than it gives.
const FEWEST_ROWS: usize = 32;

/// Pictures of fewer rows stay in the caches anyway.
const FEW_ROWS: usize = 128;

/// As the last register of a run reads past the last row.
const SLACK: usize = 32;

/// What is done to each picture `[channels, height, width]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Widening<'a> {
    pub height: usize,
    pub width: usize,
    /// `[channels]`
    pub norm: &'a [f32],
    /// `[channels]`; without it the mean is not taken away.
    pub norm_bias: Option<&'a [f32]>,
    pub eps: f32,
    /// `[widened, channels]`
    pub weight: &'a [f32],
    /// `[widened, 9]`
    pub taps: &'a [f32],
}

/// Whether going in steps is worth it for pictures of such a height.
pub(super) fn is_worth_it(height: usize) -> bool {
    height >= FEW_ROWS
}

/// What a thread computes in: rows with a zero to the left and to the right.
#[derive(Default)]
struct Scratch {
    normed: Vec<f32>,
    widened: Vec<f32>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl Widening<'_> {
    fn channels(&self) -> usize {
        self.norm.len()
    }

    fn widened(&self) -> usize {
        self.weight.len() / self.channels()
    }

    /// Most pixels of a step.
    pub fn most_pixels(&self) -> usize {
        STEP * self.width
    }

    /// From one row of the scratch to the next, in whole registers.
    fn stride(&self) -> usize {
        (self.width + 2).next_multiple_of(16)
    }

    /// From one widened channel to the next.
    fn plane(&self) -> usize {
        (STEP + 2) * self.stride() + SLACK
    }

    /// A buffer for the filtered rows of a channel.
    pub fn buffer(&self) -> Vec<f32> {
        vec![0.0; STEP * self.stride()]
    }

    /// Cuts `output`, `[pictures, channels, height * width]`, into tasks: steps one below the other in the same picture.
    pub fn tasks<'a, T>(&self, output: &'a mut [T], channels: usize) -> Vec<Vec<Rectangle<'a, T>>> {
        let (height, width) = (self.height, self.width);
        let steps = height.div_ceil(STEP);
        // A power of two of tasks, which few or many threads divide evenly.
        let run = steps.div_ceil(1 << (height / FEWEST_ROWS).max(1).ilog2());
        let pictures = output.len() / (channels * height * width).max(1);
        let mut all = rectangles(output, [channels, height * width], [channels, STEP * width]).into_iter();
        let runs = (0..pictures).flat_map(|_| ranges(steps, run));
        runs.map(|run| all.by_ref().take(run.len()).collect()).collect()
    }

    /// Goes through the steps of a task. `each` gets a step's part of the output, and what was widened for it.
    pub fn run<T>(&self, pictures: &[f32], task: Vec<Rectangle<T>>, mut each: impl FnMut(Rectangle<T>, Widened)) {
        SCRATCH.with_borrow_mut(|scratch| {
            let grow = |buffer: &mut Vec<f32>, length| buffer.resize(buffer.len().max(length), 0.0);
            grow(&mut scratch.normed, self.channels() * self.plane());
            grow(&mut scratch.widened, self.widened() * self.plane());
            let size = self.channels() * self.height * self.width;
            let mut before = None;
            for target in task {
                let picture = &pictures[target.item * size..][..size];
                let rows = target.columns.start / self.width..target.columns.end / self.width;
                let ready = before.map_or(0, |before| self.hand_on(scratch, before));
                self.widen(scratch, picture, &rows, ready);
                before = Some(rows.len());
                let widened = Widened {
                    widening: self,
                    numbers: &scratch.widened,
                    rows: rows.len(),
                };
                each(target, widened);
            }
        });
    }

    /// Makes the last two rows of the step before, which had so many, the first two. Gives how many are ready then.
    fn hand_on(&self, scratch: &mut Scratch, rows: usize) -> usize {
        let stride = self.stride();
        for channel in scratch.widened.chunks_exact_mut(self.plane()).take(self.widened()) {
            channel.copy_within(rows * stride..(rows + 2) * stride, 0);
        }
        2
    }

    /// Fills the scratch with the row before `rows`, these, and the row after them, but for the first `ready`. Above and
    /// below the picture there are zeros.
    fn widen(&self, scratch: &mut Scratch, picture: &[f32], rows: &Range<usize>, ready: usize) {
        let (widened, channels) = (self.widened(), self.channels());
        let (stride, plane) = (self.stride(), self.plane());
        // Where in the scratch the picture's rows begin and end.
        let above = usize::from(rows.start == 0);
        let below = (self.height + 1 - rows.start).min(rows.len() + 2);
        let first = above.max(ready);
        let whole = &mut scratch.widened[..widened * plane];
        for channel in whole.chunks_exact_mut(plane) {
            channel[ready * stride..first * stride].fill(0.0);
            channel[below * stride..(rows.len() + 2) * stride].fill(0.0);
        }
        let missing = rows.start + first - 1..rows.start + below - 1;
        let normed = self.normed(&mut scratch.normed, picture, missing);
        let weight = Matrix::new(self.weight, [widened, channels], channels);
        let mut whole = Rectangle::whole(whole, [widened, plane]);
        put_product(&mut whole.part(first * stride..below * stride), weight, normed);
    }

    /// Normalised rows of the picture.
    fn normed<'a>(&self, scratch: &'a mut [f32], picture: &[f32], rows: Range<usize>) -> Matrix<'a> {
        let simd = Simd::current();
        let (stride, channels) = (self.stride(), self.channels());
        let length = rows.len() * stride;
        let scratch = &mut scratch[..channels * length];
        for row in scratch.chunks_exact_mut(stride) {
            row[0] = 0.0;
            row[self.width + 1..].fill(0.0);
        }
        let mut whole = Rectangle::whole(scratch, [channels, length]);
        for (place, row) in rows.enumerate() {
            for piece in ranges(self.width, BLOCK) {
                let x = Rows {
                    numbers: picture,
                    stride: self.height * self.width,
                    columns: row * self.width + piece.start..row * self.width + piece.end,
                };
                let mut statistics = [const { Unwritten::uninit() }; 2 * BLOCK];
                let mut statistics = Rectangle::whole(&mut statistics[..2 * piece.len()], [2, piece.len()]);
                measure(simd, &mut statistics, x.clone(), channels, self.eps);
                // SAFETY: both rows were just written.
                let mut statistics = unsafe { statistics.assume_written() };
                let [mean, inverse] = statistics.two_rows();
                let statistics = Statistics { mean, inverse };
                let start = place * stride + 1;
                let target = whole.part(start + piece.start..start + piece.end);
                // SAFETY: `normalise` writes numbers and nothing else.
                let mut target = unsafe { target.into_unwritten() };
                normalise(simd, &mut target, x, statistics, self.norm, self.norm_bias);
            }
        }
        Matrix::new(scratch, [channels, length], length)
    }
}

/// What was widened for the rows of a step.
#[derive(Clone, Copy)]
pub(super) struct Widened<'a> {
    widening: &'a Widening<'a>,
    numbers: &'a [f32],
    rows: usize,
}

impl Widened<'_> {
    /// The filtered rows of a channel in such a [buffer](Widening::buffer).
    pub fn filter<'b>(&self, channel: usize, buffer: &'b mut [f32]) -> &'b mut [f32] {
        let (stride, plane) = (self.widening.stride(), self.widening.plane());
        let sums = &mut buffer[..self.rows * stride];
        let padded = &self.numbers[channel * plane..][..plane];
        let taps = taps(self.widening.taps, channel);
        correlate(Simd::current(), sums, padded, stride, taps, 0.0);
        sums
    }

    /// Writes filtered rows one after the other.
    pub fn store(&self, target: &mut [Unwritten], filtered: &[f32]) {
        let width = self.widening.width;
        let rows = filtered.chunks_exact(self.widening.stride());
        for (target, row) in target.chunks_exact_mut(width).zip(rows) {
            write_row(target, &row[..width]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_cover_each_picture_by_itself() {
        for [height, width] in [[1, 1], [31, 5], [64, 2], [129, 3], [328, 4]] {
            let (channels, numbers) = (3, [0.0; 18]);
            let widening = Widening {
                height,
                width,
                norm: &numbers[..2],
                norm_bias: None,
                eps: 0.0,
                weight: &numbers[..4],
                taps: &numbers,
            };
            let mut output = vec![0; 2 * channels * height * width];
            for task in widening.tasks(&mut output, channels) {
                for pair in task.windows(2) {
                    let [first, second] = pair else { panic!("a pair") };
                    assert_eq!((first.item, first.columns.end), (second.item, second.columns.start));
                }
                for mut step in task {
                    (0..channels).for_each(|row| step.row(row).iter_mut().for_each(|element| *element += 1));
                }
            }
            assert!(output.iter().all(|&count| count == 1), "{height} x {width}");
        }
    }
}
