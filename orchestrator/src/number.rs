//! Numbers that survive being written down: a job goes through JSON on its way to a worker, and its key must not change.

/// `value` with at most 15 significant digits. Such a number is read back from its text to the last bit by every reader;
/// one of 17 digits is not (`serde_json` reads some of them to the neighbouring number).
pub fn plain(value: f64) -> f64 {
    format!("{value:.14e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_plain_number_comes_back_from_json_as_it_was(value in -1e9..1e9_f64, exponent in -12..12_i32) {
            let number = plain(value * 10_f64.powi(exponent));
            let text = serde_json::to_string(&number).unwrap();
            prop_assert_eq!(serde_json::from_str::<f64>(&text).unwrap().to_bits(), number.to_bits());
            prop_assert!((number - value * 10_f64.powi(exponent)).abs() <= number.abs() * 1e-14);
        }
    }

    #[test]
    fn what_people_write_stays_and_what_machines_compute_is_shortened() {
        for number in [0.0, 0.1, 2e-4, 1e39, -7.25, f64::INFINITY] {
            assert_eq!(plain(number), number);
        }
        assert_eq!(plain(0.1 + 0.2), 0.3);
        assert!(plain(f64::NAN).is_nan());
    }
}
