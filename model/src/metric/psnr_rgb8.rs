//! Peak signal-to-noise ratio of stored pictures (BasicSR's protocol on RGB, without a border).

use super::{Better, Measure, Metric, MetricError, Planes};

pub const METRIC: Metric = Metric {
    name: "psnr_rgb8",
    label: "PSNR (8 bits)",
    unit: "dB",
    better: Better::Higher,
    how: Measure::Against(psnr_rgb8),
};

/// In dB, over all pixels and channels of both pictures rounded to 8 bits.
fn psnr_rgb8(restored: &Planes, clean: &Planes) -> Result<f64, MetricError> {
    restored.of_one_size(clean)?;
    let (restored, clean) = (restored.levels(), clean.levels());
    let pairs = restored.into_iter().zip(clean);
    Ok(psnr(pairs.map(|(a, b)| f64::from(a) - f64::from(b))))
}

/// In dB, of differences between levels 0 to 255.
pub(super) fn psnr(differences: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = differences.len() as f64;
    let mean = differences.map(|difference| difference * difference).sum::<f64>() / count;
    if mean == 0.0 {
        f64::INFINITY
    } else {
        10.0 * (255.0 * 255.0 / mean).log10()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::testing::flat, *};

    #[test]
    fn less_than_half_a_level_is_no_difference() {
        let level = |level: f32| flat([level / 255.0; 3], 3, 4);
        assert_eq!(psnr_rgb8(&level(100.4), &level(100.0)), Ok(f64::INFINITY));
        let one = psnr_rgb8(&level(100.6), &level(100.0)).unwrap();
        assert!((one - 48.1308).abs() < 1e-4, "{one}");
    }
}
