//! Structural similarity, as scikit-image computes it (PromptIR's and AirNet's protocol): a uniform 7x7 window, sample
//! covariances, the mean over all windows inside the picture, then over the channels.

use rayon::prelude::*;

use super::{Better, Measure, Metric, MetricError, Planes};

pub const METRIC: Metric = Metric {
    name: "ssim_rgb",
    label: "SSIM",
    unit: "",
    better: Better::Higher,
    how: Measure::Against(ssim_rgb),
};

const WINDOW: usize = 7;
const C1: f64 = 0.01 * 0.01;
const C2: f64 = 0.03 * 0.03;

/// SSIM of RGB in \[0, 1\], -1 to 1; identical pictures have 1.
///
/// Pictures smaller than 7x7 are refused.
pub fn ssim_rgb(restored: &Planes, clean: &Planes) -> Result<f64, MetricError> {
    restored.of_one_size(clean)?;
    restored.at_least(WINDOW, "SSIM")?;
    let (height, width) = (restored.height(), restored.width());
    let planes = restored
        .values()
        .par_chunks(height * width)
        .zip(clean.values().par_chunks(height * width));
    let channels: Vec<f64> = planes.map(|(x, y)| plane(x, y, width)).collect();
    Ok(channels.iter().sum::<f64>() / channels.len() as f64)
}

/// Five numbers of each column, side by side: the sums of x, y, x², y² and xy.
struct Sums([Vec<f64>; 5]);

impl Sums {
    fn new(width: usize) -> Self {
        Self([(); 5].map(|()| vec![0.0; width]))
    }

    /// A row enters the sums (sign 1) or leaves them (sign -1).
    fn add(&mut self, x: &[f32], y: &[f32], sign: f64) {
        let [sum_x, sum_y, sum_xx, sum_yy, sum_xy] = &mut self.0;
        let sums = sum_x
            .iter_mut()
            .zip(sum_y)
            .zip(sum_xx.iter_mut().zip(sum_yy))
            .zip(sum_xy);
        for ((((sx, sy), (sxx, syy)), sxy), (&x, &y)) in sums.zip(x.iter().zip(y)) {
            let (x, y) = (f64::from(x), f64::from(y));
            *sx += sign * x;
            *sy += sign * y;
            *sxx += sign * x * x;
            *syy += sign * y * y;
            *sxy += sign * x * y;
        }
    }

    /// Of the 7 columns from each one on. Every window is summed anew, which costs less than a running sum: no addition
    /// waits for the one before it.
    fn windows(&self, output: &mut Self) {
        for (columns, output) in self.0.iter().zip(&mut output.0) {
            let count = output.len();
            let shifted: [&[f64]; WINDOW] = std::array::from_fn(|shift| &columns[shift..][..count]);
            for (place, sum) in output.iter_mut().enumerate() {
                let [a, b, c, d, e, f, g] = shifted.map(|columns| columns[place]);
                *sum = ((a + b) + (c + d)) + ((e + f) + g);
            }
        }
    }

    /// Sum of the similarities of all windows.
    fn similarities(&self) -> f64 {
        /// So many sums grow side by side.
        const LANES: usize = 8;
        let [x, y, xx, yy, xy] = self.0.each_ref().map(|sums| sums.chunks(LANES));
        let mut lanes = [0.0; LANES];
        for ((((x, y), xx), yy), xy) in x.zip(y).zip(xx).zip(yy).zip(xy) {
            for (lane, sum) in lanes.iter_mut().enumerate().take(x.len()) {
                *sum += similarity(&[x[lane], y[lane], xx[lane], yy[lane], xy[lane]]);
            }
        }
        lanes.iter().sum()
    }
}

/// Of one window, from its sums of x, y, x², y² and xy.
fn similarity(sums: &[f64; 5]) -> f64 {
    const COUNT: f64 = (WINDOW * WINDOW) as f64;
    let [mean_x, mean_y, mean_xx, mean_yy, mean_xy] = sums.map(|sum| sum * (1.0 / COUNT));
    let sample = COUNT / (COUNT - 1.0);
    let variances = sample * (mean_xx - mean_x * mean_x + mean_yy - mean_y * mean_y);
    let covariance = sample * (mean_xy - mean_x * mean_y);
    let numerator = (2.0 * mean_x * mean_y + C1) * (2.0 * covariance + C2);
    numerator / ((mean_x * mean_x + mean_y * mean_y + C1) * (variances + C2))
}

/// Mean similarity of one plane's windows.
fn plane(x: &[f32], y: &[f32], width: usize) -> f64 {
    let rows: Vec<(&[f32], &[f32])> = x.chunks(width).zip(y.chunks(width)).collect();
    let mut columns = Sums::new(width);
    let mut windows = Sums::new(width + 1 - WINDOW);
    let mut sum = 0.0;
    for (index, (x, y)) in rows.iter().enumerate() {
        columns.add(x, y, 1.0);
        if index + 1 >= WINDOW {
            columns.windows(&mut windows);
            sum += windows.similarities();
            let (x, y) = rows[index + 1 - WINDOW];
            columns.add(x, y, -1.0);
        }
    }
    sum / ((rows.len() + 1 - WINDOW) * (width + 1 - WINDOW)) as f64
}

#[cfg(test)]
mod tests {
    use super::{super::testing::waves, *};

    #[test]
    fn identical_pictures_have_one() {
        let picture = waves(40, 33, 0.4);
        assert!((ssim_rgb(&picture, &picture).unwrap() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_flat_offset_leaves_only_the_luminance_term() {
        let flat = |value: f32| Planes::new(vec![value; 3 * 8 * 10], 8, 10).unwrap();
        let expected = (2.0 * 0.25 * 0.75 + C1) / (0.25 * 0.25 + 0.75 * 0.75 + C1);
        assert!((ssim_rgb(&flat(0.25), &flat(0.75)).unwrap() - expected).abs() < 1e-6);
    }

    #[test]
    fn rolling_sums_equal_sums_of_each_window() {
        let (height, width) = (19, 23);
        let (x, y) = (waves(height, width, 0.0), waves(height, width, 1.1));
        let mut total = 0.0;
        for (x, y) in x.values().chunks(height * width).zip(y.values().chunks(height * width)) {
            for top in 0..=height - WINDOW {
                for left in 0..=width - WINDOW {
                    let mut sums = [0.0; 5];
                    for index in 0..WINDOW * WINDOW {
                        let at = (top + index / WINDOW) * width + left + index % WINDOW;
                        let (x, y) = (f64::from(x[at]), f64::from(y[at]));
                        for (sum, value) in sums.iter_mut().zip([x, y, x * x, y * y, x * y]) {
                            *sum += value;
                        }
                    }
                    total += similarity(&sums);
                }
            }
        }
        let expected = total / (3 * (height + 1 - WINDOW) * (width + 1 - WINDOW)) as f64;
        assert!((ssim_rgb(&x, &y).unwrap() - expected).abs() < 1e-10);
    }

    #[test]
    fn a_picture_below_the_window_is_refused() {
        let small = waves(6, 20, 0.0);
        let message = ssim_rgb(&small, &small).unwrap_err().to_string();
        assert!(message.contains("20x6") && message.contains("7x7"), "{message}");
    }
}
