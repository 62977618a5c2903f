//! Which of the paper's settings an experiment of one's own is closest to.

use super::{Table, find};

/// The table whose setting is nearest, judged by the degradations that were tested: II (noise, haze, rain together), III
/// (five together) or IV (noise alone).
///
/// `None` where the paper has no such table, as for haze alone.
pub fn nearest<'a>(degradations: impl Iterator<Item = &'a str>) -> Option<&'static Table> {
    let kinds: Vec<&str> = degradations
        .map(|label| label.trim_end_matches(|c: char| c.is_ascii_digit()))
        .collect();
    let has = |kind: &str| kinds.contains(&kind);
    if has("blur") || has("low-light") {
        // Blur alone, or low light alone, is not what Table III trained for.
        return (has("noise") || has("haze") || has("rain")).then(|| find("table3"))?;
    }
    match (has("noise"), has("haze"), has("rain")) {
        (true, false, false) => find("table4"),
        (_, true, true) | (true, true, _) | (true, _, true) => find("table2"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setting_follows_from_the_degradations() {
        let of = |labels: &[&str]| nearest(labels.iter().copied()).map(|table| table.experiment);
        assert_eq!(of(&["noise15", "noise25"]), Some("table4"));
        assert_eq!(of(&["noise25", "haze", "rain"]), Some("table2"));
        assert_eq!(of(&["noise25", "haze", "rain", "blur", "low-light"]), Some("table3"));
        assert_eq!(of(&["haze"]), None);
        assert_eq!(of(&["blur"]), None);
        assert_eq!(of(&[]), None);
    }
}
