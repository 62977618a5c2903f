//! The best and the second best of a column of numbers, judged as they are printed.

use perceive_model::metric::{self, Better};

use super::sheet::Mark;

/// A mark for each value: [`Mark::Best`] and [`Mark::Second`], equal ones alike; none where there is nothing to compare.
pub fn marks(metric: &str, values: &[Option<f64>], decimals: usize) -> Vec<Mark> {
    let smaller_is_better = metric::find(metric).is_some_and(|metric| metric.better == Better::Lower);
    let sign = if smaller_is_better { -1.0 } else { 1.0 };
    // What prints alike is alike.
    let unit = 10f64.powi(decimals as i32);
    let printed: Vec<Option<f64>> = values
        .iter()
        .map(|value| {
            value
                .filter(|value| !value.is_nan())
                .map(|value| (sign * value * unit).round())
        })
        .collect();
    let mut ranks: Vec<f64> = printed.iter().copied().flatten().collect();
    if ranks.len() < 2 {
        return vec![Mark::None; values.len()];
    }
    ranks.sort_by(|a, b| b.total_cmp(a));
    ranks.dedup();
    let mark = |value: &Option<f64>| match value.and_then(|value| ranks.iter().position(|rank| *rank == value)) {
        Some(0) => Mark::Best,
        Some(1) => Mark::Second,
        _ => Mark::None,
    };
    printed.iter().map(mark).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_two_are_marked_and_what_prints_alike_is_alike() {
        use Mark::{Best, None as Plain, Second};
        let of = |values: &[f64]| marks("psnr_rgb", &values.iter().copied().map(Some).collect::<Vec<_>>(), 2);
        assert_eq!(of(&[30.0, 31.0, 29.0]), [Second, Best, Plain]);
        assert_eq!(of(&[30.001, 30.002, 29.0]), [Best, Best, Second]);
        assert_eq!(of(&[30.0]), [Plain]);
        assert_eq!(marks("psnr_rgb", &[Some(1.0), None, Some(f64::NAN)], 2), [Plain; 3]);
        assert_eq!(
            marks("psnr_rgb", &[Some(1.0), None, Some(2.0)], 2),
            [Second, Plain, Best]
        );
    }
}
