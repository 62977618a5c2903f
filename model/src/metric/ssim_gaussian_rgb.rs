//! Structural similarity as MATLAB's `ssim` was first written, channel by channel (InstructIR's and SwinIR's protocol).

use super::{
    Better, Measure, Metric, MetricError, Planes,
    gaussian_window::{Border, WINDOW, blurred_plane, mean_similarity},
};

pub const METRIC: Metric = Metric {
    name: "ssim_gaussian_rgb",
    label: "SSIM (Gaussian)",
    unit: "",
    better: Better::Higher,
    how: Measure::Against(ssim_gaussian_rgb),
};

/// Of both pictures rounded to 8 bits, windows wholly inside the picture; the mean over windows, then over channels.
fn ssim_gaussian_rgb(restored: &Planes, clean: &Planes) -> Result<f64, MetricError> {
    restored.of_one_size(clean)?;
    restored.at_least(WINDOW, "SSIM")?;
    let (pixels, width) = (restored.height() * restored.width(), restored.width());
    let numbers = |picture: &Planes| -> Vec<f64> { picture.levels().into_iter().map(f64::from).collect() };
    let (restored, clean) = (numbers(restored), numbers(clean));
    let channels = restored.chunks(pixels).zip(clean.chunks(pixels));
    let sum: f64 = channels
        .map(|(x, y)| mean_similarity(x, y, |plane| blurred_plane(plane, width, Border::Cut)))
        .sum();
    Ok(sum / 3.0)
}

#[cfg(test)]
mod tests {
    use super::{super::testing::flat, *};

    #[test]
    fn channels_count_alike() {
        let picture = flat([0.2, 0.4, 0.6], 12, 11);
        let red = ssim_gaussian_rgb(&flat([0.3, 0.4, 0.6], 12, 11), &picture).unwrap();
        let (a, b, c1) = (51.0, 77.0, 2.55 * 2.55); // 0.3 of 255 is 76.5, rounded up
        let expected = (2.0 + (2.0 * a * b + c1) / (a * a + b * b + c1)) / 3.0;
        assert!((red - expected).abs() < 1e-6, "{red} {expected}");
    }
}
