//! Peak signal-to-noise ratio, as scikit-image computes it on f32 pictures (PromptIR's and AirNet's protocol).

use super::{Better, Measure, Metric, MetricError, Planes};

pub const METRIC: Metric = Metric {
    name: "psnr_rgb",
    label: "PSNR",
    unit: "dB",
    better: Better::Higher,
    how: Measure::Against(psnr_rgb),
};

/// `-10 log10(mean squared difference)` in dB, over all pixels and channels of RGB in \[0, 1\]; nothing is rounded, cut
/// or clamped. Two identical pictures have `f64::INFINITY`.
pub fn psnr_rgb(restored: &Planes, clean: &Planes) -> Result<f64, MetricError> {
    restored.of_one_size(clean)?;
    let squares = restored.values().iter().zip(clean.values()).map(|(&a, &b)| {
        let difference = a - b;
        f64::from(difference * difference)
    });
    let mean = squares.sum::<f64>() / restored.values().len() as f64;
    Ok(if mean == 0.0 {
        f64::INFINITY
    } else {
        -10.0 * mean.log10()
    })
}

#[cfg(test)]
mod tests {
    use super::{super::testing::waves, *};

    #[test]
    fn a_tenth_everywhere_is_20_db() {
        let clean = Planes::new(vec![0.5; 3 * 8 * 9], 8, 9).unwrap();
        let restored = Planes::new(vec![0.6; 3 * 8 * 9], 8, 9).unwrap();
        assert!((psnr_rgb(&restored, &clean).unwrap() - 20.0).abs() < 1e-5);
    }

    #[test]
    fn identical_pictures_are_infinitely_good() {
        let picture = waves(9, 7, 0.0);
        assert_eq!(psnr_rgb(&picture, &picture), Ok(f64::INFINITY));
    }
}
