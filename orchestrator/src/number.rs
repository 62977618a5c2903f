//! Numbers that survive being written down: a job goes through JSON on its way to a worker, and its key must not change.

/// `value` with as many significant digits, at most 15, as it takes to be read back from JSON to the last bit. Of 17 digits
/// `serde_json` reads some to the neighbouring number.
pub fn plain(value: f64) -> f64 {
    let survives = |number: &f64| {
        let read = serde_json::to_string(number)
            .ok()
            .and_then(|text| serde_json::from_str(&text).ok());
        read == Some(*number)
    };
    let shortened = (0..15)
        .rev()
        .filter_map(|digits| format!("{value:.digits$e}").parse().ok());
    shortened.into_iter().find(survives).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_plain_number_comes_back_from_json_as_it_was(value in -1e6..1e6_f64, exponent in -9..9_i32) {
            let number = plain(value * 10_f64.powi(exponent));
            let text = serde_json::to_string(&number).unwrap();
            prop_assert_eq!(serde_json::from_str::<f64>(&text).unwrap().to_bits(), number.to_bits());
            prop_assert!((number - value * 10_f64.powi(exponent)).abs() <= number.abs() * 1e-9);
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
