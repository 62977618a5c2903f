//! Structural similarity as Restormer's evaluation has it on luma: MATLAB's window over the whole picture.

use super::{
    Better, Measure, Metric, MetricError, Planes,
    gaussian_window::{Border, blurred_plane, mean_similarity},
    luma::luma,
};

pub const METRIC: Metric = Metric {
    name: "ssim_restormer_y",
    label: "SSIM (Y, whole)",
    unit: "",
    better: Better::Higher,
    how: Measure::Against(ssim_restormer_y),
};

/// Of Y of both pictures rounded to 8 bits, whole pictures with repeated borders.
fn ssim_restormer_y(restored: &Planes, clean: &Planes) -> Result<f64, MetricError> {
    restored.of_one_size(clean)?;
    restored.at_least(1, "SSIM")?;
    let width = restored.width();
    Ok(mean_similarity(&luma(restored), &luma(clean), |plane| {
        blurred_plane(plane, width, Border::Repeated)
    }))
}

#[cfg(test)]
mod tests {
    use super::{super::testing::waves, *};

    #[test]
    fn pictures_below_the_window_are_measured() {
        let (a, b) = (waves(3, 4, 0.0), waves(3, 4, 0.2));
        assert!((ssim_restormer_y(&a, &a).unwrap() - 1.0).abs() < 1e-9);
        assert!(ssim_restormer_y(&a, &b).unwrap() < 1.0);
    }
}
