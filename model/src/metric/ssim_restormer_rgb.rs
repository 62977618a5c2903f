//! Structural similarity as Restormer's evaluation has it on RGB: a window in three dimensions, the channels being the
//! third, over which it reaches as if the first and the last were repeated.

use super::{
    Better, Measure, Metric, MetricError, Planes,
    gaussian_window::{Border, blurred, blurred_plane, mean_similarity},
};

pub const METRIC: Metric = Metric {
    name: "ssim_restormer_rgb",
    label: "SSIM (3-D)",
    unit: "",
    better: Better::Higher,
    how: Measure::Against(ssim_restormer_rgb),
};

/// Of both pictures rounded to 8 bits, whole pictures with repeated borders.
fn ssim_restormer_rgb(restored: &Planes, clean: &Planes) -> Result<f64, MetricError> {
    restored.of_one_size(clean)?;
    restored.at_least(1, "SSIM")?;
    let (pixels, width) = (restored.height() * restored.width(), restored.width());
    let numbers = |picture: &Planes| -> Vec<f64> { picture.levels().into_iter().map(f64::from).collect() };
    Ok(mean_similarity(&numbers(restored), &numbers(clean), |picture| {
        let planes = picture.chunks(pixels);
        let seen: Vec<f64> = planes
            .flat_map(|plane| blurred_plane(plane, width, Border::Repeated))
            .collect();
        blurred(3, pixels, Border::Repeated, |channel| {
            &seen[channel * pixels..][..pixels]
        })
    }))
}

#[cfg(test)]
mod tests {
    use super::{super::testing::flat, *};

    #[test]
    fn channels_are_seen_together() {
        // One grey and one coloured picture of nearly the same mean over the window's channels.
        let (grey, coloured) = (flat([0.4; 3], 6, 7), flat([0.2, 0.4, 0.6], 6, 7));
        let value = ssim_restormer_rgb(&grey, &coloured).unwrap();
        assert!(value < 0.1, "{value}: the window sees the contrast between channels");
    }
}
