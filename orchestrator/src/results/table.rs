//! Measurements in, a table out: mean over the pictures of a test set, then mean and deviation over seeds.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use polars::prelude::*;

/// The states of a picture in the order in which a table shows them.
pub const TIERS: [&str; 3] = ["degraded", "medium", "restored"];

/// What a row of averages has in its column `test`.
pub const AVERAGE: &str = "average";

/// One number of one picture and where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// The point of the experiment's grid, without the seed.
    pub case: String,
    /// `tiny`, `small` or `paper`.
    pub scale: String,
    /// What stood for CLIP, DINOv2 and VGG-16, such as `stand-in`.
    pub towers: String,
    pub seed: i64,
    /// The test set, such as `CBSD68 noise25` or `CBSD68`.
    pub test: String,
    /// The degradation's label, such as `noise25`.
    pub degradation: String,
    pub picture: String,
    /// One of [`TIERS`].
    pub tier: String,
    /// Metric and protocol, such as `psnr_rgb`.
    pub metric: String,
    pub value: f64,
}

/// The columns that say what a row is about; a column for each metric and tier follows them.
pub const KEYS: [&str; 7] = ["case", "scale", "towers", "test", "degradation", "pictures", "seeds"];

/// What makes two rows belong to one case. The same point at another scale, or with other towers, is another case.
const CASE: [&str; 5] = ["case_order", "case", "scale", "towers", "tests"];

/// The name of a column of numbers, such as `psnr_rgb_restored`.
pub fn column_of(metric: &str, tier: &str) -> String {
    format!("{metric}_{tier}")
}

/// The column of the deviation that belongs to a column of means.
pub fn std_of(column: &str) -> String {
    format!("{column}_std")
}

/// A test set's own name: `CBSD68 noise25` under `noise25` is `CBSD68`.
pub fn test_name<'a>(test: &'a str, degradation: &str) -> &'a str {
    test.strip_suffix(degradation)
        .map(str::trim_end)
        .filter(|name| !name.is_empty())
        .unwrap_or(test)
}

/// One row for each case, test set and degradation, in the order in which they first appear, and one row of averages
/// after each case that has several.
///
/// Columns: [`KEYS`], then for each of `metrics` that was measured: a mean for each tier that was measured, `gain`
/// (restored - degraded), and beside each of them its sample deviation over seeds (null with one seed). Means over
/// pictures weigh every picture the same; averages weigh every test set the same, as the paper's do, and are null
/// where a test set lacks the number.
pub fn table(measurements: &[Measurement], metrics: &[&str]) -> PolarsResult<DataFrame> {
    let shown = shown_columns(measurements, metrics);
    let means: Vec<Expr> = shown.iter().map(Shown::over_pictures).collect();
    let gains: Vec<Expr> = gain_columns(&shown);
    let names: Vec<String> = ordered_names(&shown, metrics);

    let per_seed = frame(measurements)?
        .lazy()
        .group_by_stable(columns_of(&[&CASE, &["seed", "test_order", "test", "degradation"]]))
        .agg(
            [
                vec![col("picture").n_unique().cast(DataType::UInt32).alias("pictures")],
                means,
            ]
            .concat(),
        )
        .with_columns(gains);

    // A seed that has not met every test set of its case yet would average over other test sets than its siblings.
    let averages = per_seed
        .clone()
        .group_by_stable(columns_of(&[&CASE, &["seed"]]))
        .agg(
            names
                .iter()
                .map(|name| {
                    when(col(name).null_count().eq(lit(0)))
                        .then(col(name).mean())
                        .otherwise(lit(NULL))
                        .alias(name)
                })
                .chain([col("pictures").sum(), len().cast(DataType::UInt32).alias("met")])
                .collect::<Vec<_>>(),
        )
        .filter(col("met").eq(col("tests")).and(col("tests").gt(lit(1u32))))
        .with_columns([
            lit(u32::MAX).cast(DataType::UInt32).alias("test_order"),
            lit(AVERAGE).alias("test"),
            lit("").alias("degradation"),
        ]);

    let keys = columns_of(&[&CASE, &["test_order", "test", "degradation"]]);
    let columns: Vec<Expr> = keys
        .iter()
        .cloned()
        .chain([col("seed"), col("pictures")])
        .chain(names.iter().map(|name| col(name).cast(DataType::Float64)))
        .collect();
    let over_seeds = names
        .iter()
        .flat_map(|name| [col(name).mean(), col(name).std(1).alias(std_of(name))])
        .chain([
            col("pictures").max(),
            col("seed").n_unique().cast(DataType::UInt32).alias("seeds"),
        ])
        .collect::<Vec<_>>();
    concat(
        [per_seed.select(&columns), averages.select(&columns)],
        UnionArgs::default(),
    )?
    .group_by_stable(keys)
    .agg(over_seeds)
    .sort(["case_order", "test_order"], SortMultipleOptions::default())
    .select(
        KEYS.into_iter()
            .map(col)
            .chain(names.iter().flat_map(|name| [col(name), col(std_of(name))]))
            .collect::<Vec<_>>(),
    )
    .collect()
}

fn columns_of(names: &[&[&str]]) -> Vec<Expr> {
    names
        .iter()
        .flat_map(|names| names.iter().map(|name| col(*name)))
        .collect()
}

/// A metric in one state of the pictures.
struct Shown<'a> {
    metric: &'a str,
    tier: &'static str,
}

impl Shown<'_> {
    fn name(&self) -> String {
        column_of(self.metric, self.tier)
    }

    fn over_pictures(&self) -> Expr {
        let this = col("metric").eq(lit(self.metric)).and(col("tier").eq(lit(self.tier)));
        col("value").filter(this).mean().alias(self.name())
    }
}

/// The metrics and tiers that were measured at all, in the order of the table.
fn shown_columns<'a>(measurements: &[Measurement], metrics: &[&'a str]) -> Vec<Shown<'a>> {
    let pairs = metrics
        .iter()
        .flat_map(|metric| TIERS.map(|tier| Shown { metric, tier }));
    pairs
        .filter(|shown| {
            measurements
                .iter()
                .any(|m| m.metric == shown.metric && m.tier == shown.tier)
        })
        .collect()
}

/// The metrics of which both ends of a gain were measured.
fn with_gain<'a>(shown: &'a [Shown<'a>]) -> impl Iterator<Item = &'a str> {
    let has = |metric: &str, tier: &str| shown.iter().any(|s| s.metric == metric && s.tier == tier);
    shown
        .iter()
        .filter(move |s| s.tier == "restored" && has(s.metric, "degraded"))
        .map(|s| s.metric)
}

fn gain_columns(shown: &[Shown<'_>]) -> Vec<Expr> {
    with_gain(shown)
        .map(|metric| {
            let gain = col(column_of(metric, "restored")) - col(column_of(metric, "degraded"));
            gain.alias(column_of(metric, "gain"))
        })
        .collect()
}

/// Every column of numbers: the tiers of a metric, then its gain, then the next metric.
fn ordered_names(shown: &[Shown<'_>], metrics: &[&str]) -> Vec<String> {
    metrics
        .iter()
        .flat_map(|metric| {
            let tiers = shown.iter().filter(|s| s.metric == *metric).map(Shown::name);
            let gain = with_gain(shown).find(|m| m == metric).map(|m| column_of(m, "gain"));
            tiers.chain(gain).collect::<Vec<_>>()
        })
        .collect()
}

/// One line a measurement, with the order of first appearance and the number of test sets of its case.
fn frame(measurements: &[Measurement]) -> PolarsResult<DataFrame> {
    let cases = first_appearance(measurements.iter().map(|m| (&m.case, &m.scale, &m.towers)));
    let tests = first_appearance(measurements.iter().map(|m| (&m.test, &m.degradation)));
    let mut met = HashMap::<u32, HashSet<u32>>::new();
    for (case, test) in cases.iter().zip(&tests) {
        met.entry(*case).or_default().insert(*test);
    }
    let strings = |of: fn(&Measurement) -> &str| measurements.iter().map(of).collect::<Vec<_>>();
    df!(
        "tests" => cases.iter().map(|case| met[case].len() as u32).collect::<Vec<_>>(),
        "case_order" => cases,
        "test_order" => tests,
        "case" => strings(|m| &m.case),
        "scale" => strings(|m| &m.scale),
        "towers" => strings(|m| &m.towers),
        "seed" => measurements.iter().map(|m| m.seed).collect::<Vec<_>>(),
        "test" => strings(|m| test_name(&m.test, &m.degradation)),
        "degradation" => strings(|m| &m.degradation),
        "picture" => strings(|m| &m.picture),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn of(case: &str, seed: i64, test: &str, degradation: &str, picture: &str, tier: &str, psnr: f64) -> Measurement {
        Measurement {
            case: case.into(),
            scale: "tiny".into(),
            towers: "stand-in".into(),
            seed,
            test: format!("{test} {degradation}"),
            degradation: degradation.into(),
            picture: picture.into(),
            tier: tier.into(),
            metric: "psnr_rgb".into(),
            value: psnr,
        }
    }

    /// Two pictures a test, degraded at 20 and restored at `restored` and `restored + 2`.
    fn tested(case: &str, seed: i64, test: &str, degradation: &str, restored: f64) -> Vec<Measurement> {
        vec![
            of(case, seed, test, degradation, "a.png", "degraded", 20.0),
            of(case, seed, test, degradation, "b.png", "degraded", 20.0),
            of(case, seed, test, degradation, "a.png", "restored", restored),
            of(case, seed, test, degradation, "b.png", "restored", restored + 2.0),
        ]
    }

    fn numbers(frame: &DataFrame, column: &str) -> Vec<Option<f64>> {
        frame.column(column).unwrap().f64().unwrap().iter().collect()
    }

    fn words(frame: &DataFrame, column: &str) -> Vec<String> {
        let column = frame.column(column).unwrap().str().unwrap();
        column.iter().map(|word| word.unwrap().to_owned()).collect()
    }

    fn counts(frame: &DataFrame, column: &str) -> Vec<Option<u32>> {
        frame.column(column).unwrap().u32().unwrap().iter().collect()
    }

    #[test]
    fn pictures_are_averaged_and_the_gain_is_restored_minus_degraded() {
        let frame = table(&tested("one", 0, "CBSD68", "noise25", 29.0), &["psnr_rgb"]).unwrap();
        assert_eq!(frame.height(), 1);
        assert_eq!(words(&frame, "test"), ["CBSD68"]);
        assert_eq!(counts(&frame, "pictures"), [Some(2)]);
        assert_eq!(numbers(&frame, "psnr_rgb_restored"), [Some(30.0)]);
        assert_eq!(numbers(&frame, "psnr_rgb_gain"), [Some(10.0)]);
        assert_eq!(
            numbers(&frame, "psnr_rgb_gain_std"),
            [None],
            "one seed has no deviation"
        );
    }

    #[test]
    fn an_average_closes_each_case_and_weighs_test_sets_the_same() {
        let mut rows = tested("second", 0, "Rain100L", "rain", 29.0);
        rows.extend(tested("second", 0, "CBSD68", "noise25", 35.0));
        rows.push(of("second", 0, "CBSD68", "noise25", "c.png", "restored", 36.0));
        rows.extend(tested("first", 0, "LOL", "low-light", 21.0));
        let frame = table(&rows, &["psnr_rgb"]).unwrap();
        assert_eq!(words(&frame, "case"), ["second", "second", "second", "first"]);
        assert_eq!(words(&frame, "test"), ["Rain100L", "CBSD68", AVERAGE, "LOL"]);
        let restored = numbers(&frame, "psnr_rgb_restored");
        assert_eq!(restored, [Some(30.0), Some(36.0), Some(33.0), Some(22.0)]);
        assert_eq!(counts(&frame, "pictures"), [Some(2), Some(3), Some(5), Some(2)]);
    }

    #[test]
    fn seeds_become_mean_and_deviation() {
        let mut rows = tested("case", 1, "CBSD68", "noise25", 28.0);
        rows.extend(tested("case", 2, "CBSD68", "noise25", 30.0));
        rows.extend(tested("case", 3, "CBSD68", "noise25", 32.0));
        let frame = table(&rows, &["psnr_rgb"]).unwrap();
        assert_eq!(counts(&frame, "seeds"), [Some(3)]);
        assert_eq!(numbers(&frame, "psnr_rgb_restored"), [Some(31.0)]);
        assert_eq!(numbers(&frame, "psnr_rgb_restored_std"), [Some(2.0)]);
        assert_eq!(numbers(&frame, "psnr_rgb_degraded_std"), [Some(0.0)]);
        assert_eq!(
            counts(&frame, "pictures"),
            [Some(2)],
            "a picture is the same picture under every seed"
        );
    }

    #[test]
    fn a_seed_without_every_test_set_does_not_shift_the_average() {
        let mut rows = tested("case", 1, "CBSD68", "noise25", 28.0);
        rows.extend(tested("case", 1, "LOL", "low-light", 20.0));
        rows.extend(tested("case", 2, "CBSD68", "noise25", 30.0));
        let frame = table(&rows, &["psnr_rgb"]).unwrap();
        assert_eq!(
            numbers(&frame, "psnr_rgb_restored"),
            [Some(30.0), Some(21.0), Some(25.0)]
        );
        assert_eq!(counts(&frame, "seeds"), [Some(2), Some(1), Some(1)]);
    }

    #[test]
    fn an_average_lacks_what_one_of_its_test_sets_lacks() {
        let mut rows = tested("case", 0, "CBSD68", "noise25", 28.0);
        rows.extend(tested("case", 0, "LOL", "low-light", 20.0));
        rows.push(of("case", 0, "LOL", "low-light", "a.png", "medium", 18.0));
        let frame = table(&rows, &["psnr_rgb"]).unwrap();
        assert_eq!(numbers(&frame, "psnr_rgb_medium"), [None, Some(18.0), None]);
    }

    #[test]
    fn the_same_point_at_another_scale_is_another_case() {
        let mut rows = tested("case", 0, "CBSD68", "noise25", 28.0);
        for mut other in tested("case", 0, "CBSD68", "noise25", 30.0) {
            other.scale = "small".into();
            rows.push(other);
        }
        let frame = table(&rows, &["psnr_rgb"]).unwrap();
        assert_eq!(words(&frame, "scale"), ["tiny", "small"]);
        assert_eq!(numbers(&frame, "psnr_rgb_restored"), [Some(29.0), Some(31.0)]);
    }

    #[test]
    fn protocols_never_share_a_column() {
        let mut rows = tested("case", 0, "Rain100L", "rain", 28.0);
        for mut other in tested("case", 0, "Rain100L", "rain", 40.0) {
            other.metric = "psnr_y".into();
            rows.push(other);
        }
        let frame = table(&rows, &["psnr_rgb", "psnr_y"]).unwrap();
        assert_eq!(numbers(&frame, "psnr_rgb_restored"), [Some(29.0)]);
        assert_eq!(numbers(&frame, "psnr_y_restored"), [Some(41.0)]);
        let only = table(&rows, &["psnr_y"]).unwrap();
        assert!(only.column("psnr_rgb_restored").is_err());
    }

    #[test]
    fn tiers_that_nobody_measured_have_no_column() {
        let rows = vec![of("case", 0, "Rain100L", "rain", "a.png", "degraded", 20.0)];
        let frame = table(&rows, &["psnr_rgb", "ssim_rgb"]).unwrap();
        let names: Vec<&str> = frame.get_column_names().into_iter().map(PlSmallStr::as_str).collect();
        assert_eq!(
            names,
            [&KEYS[..], &["psnr_rgb_degraded", "psnr_rgb_degraded_std"]].concat()
        );
    }

    #[test]
    fn no_measurements_make_an_empty_table() {
        let frame = table(&[], &["psnr_rgb"]).unwrap();
        assert_eq!(frame.height(), 0);
    }

    #[test]
    fn the_degradation_is_not_repeated_in_the_test_sets_name() {
        assert_eq!(test_name("CBSD68 noise25", "noise25"), "CBSD68");
        assert_eq!(test_name("CBSD68", "noise25"), "CBSD68");
        assert_eq!(test_name("haze", "haze"), "haze");
    }
}
