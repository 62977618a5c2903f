//! Mean absolute error on RGB.

use super::{Better, Measure, Metric, MetricError, Planes};

pub const METRIC: Metric = Metric {
    name: "mae_rgb",
    label: "MAE",
    unit: "",
    better: Better::Lower,
    how: Measure::Against(mae_rgb),
};

/// Mean absolute difference over all pixels and channels of RGB in \[0, 1\]; nothing is rounded, cut or clamped.
fn mae_rgb(restored: &Planes, clean: &Planes) -> Result<f64, MetricError> {
    restored.of_one_size(clean)?;
    let pairs = restored.values().iter().zip(clean.values());
    let sum: f64 = pairs.map(|(&a, &b)| f64::from((a - b).abs())).sum();
    Ok(sum / restored.values().len() as f64)
}

#[cfg(test)]
mod tests {
    use super::{super::testing::flat, *};

    #[test]
    fn channels_and_signs_count_alike() {
        let (a, b) = (flat([0.5, 0.5, 0.5], 4, 5), flat([0.6, 0.2, 0.5], 4, 5));
        let error = mae_rgb(&a, &b).unwrap();
        assert!((error - 0.4 / 3.0).abs() < 1e-7, "{error}");
    }
}
