//! Structural similarity as MATLAB's `ssim` was first written, on luma (the protocol of deraining and denoising papers).

use super::{
    Better, Measure, Metric, MetricError, Planes,
    gaussian_window::{Border, WINDOW, blurred_plane, mean_similarity},
    luma::luma,
};

pub const METRIC: Metric = Metric {
    name: "ssim_gaussian_y",
    label: "SSIM (Y)",
    unit: "",
    better: Better::Higher,
    how: Measure::Against(ssim_gaussian_y),
};

/// Of Y of both pictures rounded to 8 bits, windows wholly inside the picture.
fn ssim_gaussian_y(restored: &Planes, clean: &Planes) -> Result<f64, MetricError> {
    restored.of_one_size(clean)?;
    restored.at_least(WINDOW, "SSIM")?;
    let width = restored.width();
    Ok(mean_similarity(&luma(restored), &luma(clean), |plane| {
        blurred_plane(plane, width, Border::Cut)
    }))
}

#[cfg(test)]
mod tests {
    use super::{super::testing::waves, *};

    #[test]
    fn the_border_is_outside_of_every_window_centre() {
        let (clean, mut values) = (waves(30, 30, 0.0), waves(30, 30, 0.0).values().to_vec());
        for channel in 0..3 {
            values[channel * 900] = 1.0 - values[channel * 900];
        }
        let corner = ssim_gaussian_y(&Planes::new(values, 30, 30).unwrap(), &clean).unwrap();
        assert!(corner < 1.0 && corner > 0.9999, "{corner}");
    }
}
