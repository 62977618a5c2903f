//! What was measured, one value at a time, and where a test set stands among the others.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use polars::prelude::*;

use super::read::Case;

/// The kinds of degradation in the order of the paper's tables.
const KINDS: [&str; 6] = ["noise", "haze", "rain", "blur", "low-light", "underwater"];

/// What has a row of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Per {
    /// Each test set: means over its pictures, and an average of the test sets.
    #[default]
    Test,
    /// Each picture.
    Picture,
}

/// One number of a case under one seed: a mean over the pictures of a test set, or one picture's.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// The place of its case among the cases.
    pub case: usize,
    /// The test set, such as `CBSD68 noise25` or `CBSD68`.
    pub test: String,
    /// The degradation's label, such as `noise25`.
    pub degradation: String,
    /// Empty for a mean.
    pub picture: String,
    /// One of [`TIERS`](super::columns::TIERS).
    pub tier: String,
    /// Metric and protocol, such as `psnr_rgb`.
    pub metric: String,
    pub value: f64,
    /// How many pictures the value is the mean of.
    pub pictures: u32,
}

impl Measurement {
    fn set(&self) -> (&str, &str) {
        (&self.test, &self.degradation)
    }
}

/// A test set's own name: `CBSD68 noise25` under `noise25` is `CBSD68`.
pub fn test_name<'a>(test: &'a str, degradation: &str) -> &'a str {
    test.strip_suffix(degradation)
        .map(str::trim_end)
        .filter(|name| !name.is_empty())
        .unwrap_or(test)
}

/// One line a measurement, with the places of its case and its test set and the number of test sets of its case.
pub fn frame(cases: &[Case], measurements: &[Measurement]) -> PolarsResult<DataFrame> {
    let groups = first_appearance(cases.iter().map(|case| (&case.name, &case.scale, &case.towers)));
    let groups: Vec<u32> = measurements.iter().map(|m| groups[m.case]).collect();
    let tests = places(measurements);
    let mut met = HashMap::<u32, HashSet<u32>>::new();
    for (group, test) in groups.iter().zip(&tests) {
        met.entry(*group).or_default().insert(*test);
    }
    let strings = |of: fn(&Measurement) -> &str| measurements.iter().map(of).collect::<Vec<_>>();
    let of_case = |of: fn(&Case) -> &str| measurements.iter().map(|m| of(&cases[m.case])).collect::<Vec<_>>();
    df!(
        "tests" => groups.iter().map(|group| met[group].len() as u32).collect::<Vec<_>>(),
        "case_order" => groups,
        "test_order" => tests,
        "case" => of_case(|case| &case.name),
        "scale" => of_case(|case| &case.scale),
        "towers" => of_case(|case| &case.towers),
        "seed" => measurements.iter().map(|m| cases[m.case].seed).collect::<Vec<_>>(),
        "test" => strings(|m| test_name(&m.test, &m.degradation)),
        "degradation" => strings(|m| &m.degradation),
        "picture" => strings(|m| &m.picture),
        "pictures" => measurements.iter().map(|m| m.pictures).collect::<Vec<_>>(),
        "tier" => strings(|m| &m.tier),
        "metric" => strings(|m| &m.metric),
        "value" => measurements.iter().map(|m| m.value).collect::<Vec<_>>(),
    )
}

/// For each key the number of different keys that appeared before it.
fn first_appearance<K: Eq + Hash>(keys: impl Iterator<Item = K>) -> Vec<u32> {
    let mut seen = HashMap::new();
    keys.map(|key| {
        let next = seen.len() as u32;
        *seen.entry(key).or_insert(next)
    })
    .collect()
}

/// For each measurement the place of its test set among all.
fn places(measurements: &[Measurement]) -> Vec<u32> {
    let sets: HashSet<(&str, &str)> = measurements.iter().map(Measurement::set).collect();
    let mut sets: Vec<(&str, &str)> = sets.into_iter().collect();
    sets.sort_by_cached_key(|(test, degradation)| (order(test, degradation), *test));
    let places: HashMap<_, u32> = sets.into_iter().zip(0..).collect();
    measurements.iter().map(|m| places[&m.set()]).collect()
}

/// Noise before haze, CBSD68 before Kodak24, σ 15 before 25.
pub fn order(test: &str, degradation: &str) -> (usize, String, u32, String) {
    let kind = degradation.trim_end_matches(|c: char| c.is_ascii_digit());
    let place = KINDS.iter().position(|known| *known == kind).unwrap_or(KINDS.len());
    let strength = degradation[kind.len()..].parse().unwrap_or(0);
    (
        place,
        test_name(test, degradation).to_owned(),
        strength,
        degradation.to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_sets_come_in_the_papers_order() {
        let mut tests = [
            ("LOL low-light", "low-light"),
            ("Kodak24 noise15", "noise15"),
            ("CBSD68 noise50", "noise50"),
            ("my own snow", "snow"),
            ("Rain100L rain", "rain"),
            ("CBSD68 noise5", "noise5"),
            ("SOTS-Outdoor haze", "haze"),
        ];
        tests.sort_by_cached_key(|(test, degradation)| order(test, degradation));
        let names = tests.map(|(test, _)| test);
        let expected = [
            "CBSD68 noise5",
            "CBSD68 noise50",
            "Kodak24 noise15",
            "SOTS-Outdoor haze",
            "Rain100L rain",
            "LOL low-light",
            "my own snow",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn the_degradation_is_not_repeated_in_the_test_sets_name() {
        assert_eq!(test_name("CBSD68 noise25", "noise25"), "CBSD68");
        assert_eq!(test_name("CBSD68", "noise25"), "CBSD68");
        assert_eq!(test_name("haze", "haze"), "haze");
    }
}
