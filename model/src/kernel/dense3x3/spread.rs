//! The gradient of x for stride 2: what each pixel of dY sends to four pixels of dX.
//!
//! An even row of x meets the middle row of taps alone, and an odd one the last row, at the row of dY that it lies under, and
//! the first row, at the next; columns likewise. So the four phases of dX are sums of one, two, two and four products.

use std::{cell::RefCell, ops::Range};

use super::{
    super::{
        matrix::{Matrix, add_product},
        rectangle::{Rectangle, Unwritten, rectangles, unwritten, written},
        threads::Share,
    },
    Dense3x3, RUN,
};

/// Of each phase, which tap meets dY at which shift.
const PHASES: [&[(usize, usize)]; 2] = [&[(1, 0)], &[(2, 0), (0, 1)]];

thread_local! {
    /// dY at its four shifts, and one phase of dX.
    static BUFFERS: RefCell<[Vec<f32>; 2]> = const { RefCell::new([Vec::new(), Vec::new()]) };
}

pub(super) fn x_gradient(convolution: &Dense3x3, weight: &[f32], gradient: &[f32]) -> Vec<f32> {
    let Dense3x3 { batch, outputs, view } = *convolution;
    let inputs = view.channels;
    let [height, width] = view.output();
    let taps = taps(weight, [outputs, inputs]);
    let mut x_gradient = unwritten(batch * inputs * view.height * view.width);
    // A task takes whole rows of dY, and the two rows of dX under each.
    let rows = RUN.div_ceil(width);
    let tasks = rectangles(
        &mut x_gradient,
        [inputs, view.height * view.width],
        [inputs, 2 * rows * view.width],
    );
    tasks.into_iter().share(|mut target| {
        let first = target.columns.start / (2 * view.width);
        let rows = first..(first + rows).min(height);
        let run = rows.len() * width;
        let own = &gradient[target.item * outputs * height * width..][..outputs * height * width];
        BUFFERS.with_borrow_mut(|[shifts, phase]| {
            let size = outputs * run;
            shifts.resize(shifts.len().max(4 * size), 0.0);
            phase.resize(phase.len().max(inputs * run), 0.0);
            let phase = &mut phase[..inputs * run];
            for (index, shifted) in shifts[..4 * size].chunks_exact_mut(size).enumerate() {
                shift(shifted, own, [height, width], &rows, [index / 2, index % 2]);
            }
            for (down, right) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                phase.fill(0.0);
                for (tap_row, row_shift) in PHASES[down] {
                    for (tap_column, column_shift) in PHASES[right] {
                        let taps = &taps[(tap_row * 3 + tap_column) * inputs * outputs..];
                        let taps = Matrix::new(taps, [inputs, outputs], outputs);
                        let shifted = &shifts[(row_shift * 2 + column_shift) * size..][..size];
                        let shifted = Matrix::new(shifted, [outputs, run], run);
                        add_product(&mut Rectangle::whole(phase, [inputs, run]), taps, shifted);
                    }
                }
                for (input, phase) in phase.chunks_exact(run).enumerate() {
                    place(target.row(input), view.width, phase, width, [down, right]);
                }
            }
        });
    });
    // SAFETY: the tasks cover dX, and the phases every pixel of a task.
    unsafe { written(x_gradient) }
}

/// The weight as `[9, I, O]`.
fn taps(weight: &[f32], [outputs, inputs]: [usize; 2]) -> Vec<f32> {
    let mut taps = vec![0.0; weight.len()];
    for (index, number) in weight.iter().enumerate() {
        let (output, input, tap) = (index / 9 / inputs, index / 9 % inputs, index % 9);
        taps[(tap * inputs + input) * outputs + output] = *number;
    }
    taps
}

/// Some rows of every plane, seen from so many pixels down and to the right; zero outside.
fn shift(shifted: &mut [f32], planes: &[f32], [height, width]: [usize; 2], rows: &Range<usize>, by: [usize; 2]) {
    let planes = planes.chunks_exact(height * width);
    for (shifted, plane) in shifted.chunks_exact_mut(rows.len() * width).zip(planes) {
        for (row, shifted) in rows.clone().zip(shifted.chunks_exact_mut(width)) {
            let seen = if row + by[0] < height {
                &plane[(row + by[0]) * width + by[1]..][..width - by[1]]
            } else {
                &[]
            };
            let (inside, outside) = shifted.split_at_mut(seen.len());
            inside.copy_from_slice(seen);
            outside.fill(0.0);
        }
    }
}

/// Writes a phase to every second pixel of every second row.
fn place(target: &mut [Unwritten], target_width: usize, phase: &[f32], width: usize, [down, right]: [usize; 2]) {
    let rows = target.chunks_exact_mut(target_width).skip(down).step_by(2);
    for (target, phase) in rows.zip(phase.chunks_exact(width)) {
        for (target, number) in target.iter_mut().skip(right).step_by(2).zip(phase) {
            target.write(*number);
        }
    }
}
