//! Structural similarity through MATLAB's window: a Gaussian of 11 with a deviation of 1.5, levels 0 to 255.
//!
//! Published codes differ in what they do at the border and over the channels; that is each metric's own.

use rayon::prelude::*;

/// Width and height of the window.
pub const WINDOW: usize = 11;
const REACH: usize = WINDOW / 2;
const C1: f64 = (0.01 * 255.0) * (0.01 * 255.0);
const C2: f64 = (0.03 * 255.0) * (0.03 * 255.0);

/// What is done where the window would leave the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Border {
    /// Nothing is computed there: the result is 10 rows and columns smaller.
    Cut,
    /// The outermost row or column is repeated.
    Repeated,
}

/// The weights along one axis; their sum is 1.
pub fn weights() -> [f64; WINDOW] {
    let weights: [f64; WINDOW] = std::array::from_fn(|index| {
        let distance = index as f64 - REACH as f64;
        (-distance * distance / (2.0 * 1.5 * 1.5)).exp()
    });
    let sum: f64 = weights.iter().sum();
    weights.map(|weight| weight / sum)
}

/// The weighted sum of `count` rows, each of `length` numbers, along the rows' index.
///
/// `row(index)` gives a row; the result has a row for each place where the window stands.
pub fn blurred<'a>(count: usize, length: usize, border: Border, row: impl Fn(usize) -> &'a [f64] + Sync) -> Vec<f64> {
    let weights = weights();
    let places = if border == Border::Cut {
        count + 1 - WINDOW
    } else {
        count
    };
    let mut output = vec![0.0; places * length];
    output
        .par_chunks_mut(length.max(1))
        .enumerate()
        .for_each(|(place, output)| {
            for (tap, weight) in weights.iter().enumerate() {
                let index = match border {
                    Border::Cut => place + tap,
                    Border::Repeated => (place + tap).saturating_sub(REACH).min(count - 1),
                };
                for (sum, value) in output.iter_mut().zip(row(index)) {
                    *sum += weight * value;
                }
            }
        });
    output
}

/// A plane of `width` columns, seen through the window.
pub fn blurred_plane(plane: &[f64], width: usize, border: Border) -> Vec<f64> {
    let height = plane.len() / width;
    let down = blurred(height, width, border, |index| &plane[index * width..][..width]);
    let turned = transposed(&down, width);
    let rows = down.len() / width;
    transposed(
        &blurred(width, rows, border, |index| &turned[index * rows..][..rows]),
        rows,
    )
}

/// Rows of `width` become columns.
fn transposed(plane: &[f64], width: usize) -> Vec<f64> {
    (0..width)
        .flat_map(|column| plane.iter().skip(column).step_by(width).copied())
        .collect()
}

/// The mean similarity of two pictures; `blur` is how a picture is seen through the window.
pub fn mean_similarity(x: &[f64], y: &[f64], blur: impl Fn(&[f64]) -> Vec<f64>) -> f64 {
    let product = |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a * b).collect() };
    let (mean_x, mean_y) = (blur(x), blur(y));
    let (xx, yy, xy) = (blur(&product(x, x)), blur(&product(y, y)), blur(&product(x, y)));
    let similarity = |at: usize| {
        let (mx, my) = (mean_x[at], mean_y[at]);
        let variances = xx[at] - mx * mx + yy[at] - my * my;
        let covariance = xy[at] - mx * my;
        (2.0 * mx * my + C1) * (2.0 * covariance + C2) / ((mx * mx + my * my + C1) * (variances + C2))
    };
    let count = mean_x.len();
    (0..count).map(similarity).sum::<f64>() / count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_weighs_a_point_by_its_distance() {
        let mut plane = vec![0.0; 15 * 13];
        plane[7 * 13 + 6] = 1.0;
        let seen = blurred_plane(&plane, 13, Border::Repeated);
        let weights = weights();
        assert!((seen[7 * 13 + 6] - weights[5] * weights[5]).abs() < 1e-12);
        assert!((seen[4 * 13 + 8] - weights[2] * weights[7]).abs() < 1e-12);
        let cut = blurred_plane(&plane, 13, Border::Cut);
        assert_eq!(cut.len(), 5 * 3);
        assert!((cut[2 * 3 + 1] - weights[5] * weights[5]).abs() < 1e-12);
    }

    #[test]
    fn a_flat_picture_stays_flat_at_its_border() {
        for value in blurred_plane(&[3.5; 4 * 6], 6, Border::Repeated) {
            assert!((value - 3.5).abs() < 1e-12);
        }
    }
}
