//! Peak signal-to-noise ratio on luma (BasicSR's protocol on Y, without a border).

use super::{Better, Measure, Metric, MetricError, Planes, luma::luma, psnr_rgb8::psnr};

pub const METRIC: Metric = Metric {
    name: "psnr_y",
    label: "PSNR (Y)",
    unit: "dB",
    better: Better::Higher,
    how: Measure::Against(psnr_y),
};

/// In dB with a peak of 255, over Y of both pictures rounded to 8 bits.
fn psnr_y(restored: &Planes, clean: &Planes) -> Result<f64, MetricError> {
    restored.of_one_size(clean)?;
    let (restored, clean) = (luma(restored), luma(clean));
    Ok(psnr(restored.into_iter().zip(clean).map(|(a, b)| a - b)))
}

#[cfg(test)]
mod tests {
    use super::{super::testing::flat, *};

    #[test]
    fn a_level_of_green_counts_more_than_one_of_blue() {
        let level = |colour: [f32; 3]| flat(colour.map(|level| level / 255.0), 3, 4);
        let base = level([10.0; 3]);
        let green = psnr_y(&level([10.0, 11.0, 10.0]), &base).unwrap();
        let blue = psnr_y(&level([10.0, 10.0, 11.0]), &base).unwrap();
        assert!((blue - green - 20.0 * (128.553_f64 / 24.966).log10()).abs() < 1e-9);
    }
}
