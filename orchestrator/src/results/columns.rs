//! The columns of a table of results: what a row is about, then the numbers.

use std::collections::HashSet;

use polars::prelude::*;

use super::measurement::Measurement;

/// The states of a picture in the order in which a table shows them.
pub const TIERS: [&str; 3] = ["degraded", "medium", "restored"];

/// What a row of averages has in its column `test`.
pub const AVERAGE: &str = "average";

/// The columns that say what a row is about; a column for each metric and tier follows them. A row of one picture has
/// `picture` in the place of `pictures`.
pub const KEYS: [&str; 8] = [
    "case",
    "scale",
    "towers",
    "test",
    "degradation",
    "picture",
    "pictures",
    "seeds",
];

/// The name of a column of numbers, such as `psnr_rgb_restored`.
pub fn column_of(metric: &str, tier: &str) -> String {
    format!("{metric}_{tier}")
}

/// The column of the deviation that belongs to a column of means.
pub fn std_of(column: &str) -> String {
    format!("{column}_std")
}

/// What a row of a table is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Row<'a> {
    /// Case, scale and towers.
    pub case: [&'a str; 3],
    pub test: &'a str,
    pub degradation: &'a str,
}

/// What each row of a table is about.
pub fn rows_of(frame: &DataFrame) -> PolarsResult<Vec<Row<'_>>> {
    let strings = |name: &str| Ok::<_, PolarsError>(frame.column(name)?.str()?.iter().map(Option::unwrap_or_default));
    let cases = strings("case")?.zip(strings("scale")?).zip(strings("towers")?);
    let rows = cases.zip(strings("test")?).zip(strings("degradation")?);
    Ok(rows
        .map(|((((case, scale), towers), test), degradation)| Row {
            case: [case, scale, towers],
            test,
            degradation,
        })
        .collect())
}

/// A metric in one state of the pictures.
pub struct Shown<'a> {
    pub metric: &'a str,
    pub tier: &'static str,
}

impl Shown<'_> {
    pub fn name(&self) -> String {
        column_of(self.metric, self.tier)
    }

    /// Of the one value that a seed has, or of several artefacts with the same test set.
    pub fn mean(&self) -> Expr {
        let this = col("metric").eq(lit(self.metric)).and(col("tier").eq(lit(self.tier)));
        col("value").filter(this).mean().alias(self.name())
    }
}

/// The metrics and tiers that were measured at all, in the order of the table.
pub fn shown_columns<'a>(measurements: &[Measurement], metrics: &[&'a str]) -> Vec<Shown<'a>> {
    let measured: HashSet<(&str, &str)> = measurements
        .iter()
        .map(|m| (m.metric.as_str(), m.tier.as_str()))
        .collect();
    let pairs = metrics
        .iter()
        .flat_map(|metric| TIERS.map(|tier| Shown { metric, tier }));
    pairs
        .filter(|shown| measured.contains(&(shown.metric, shown.tier)))
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

/// Restored - degraded, of the metrics of which both were measured.
pub fn gains(shown: &[Shown<'_>]) -> Vec<Expr> {
    with_gain(shown)
        .map(|metric| {
            let gain = col(column_of(metric, "restored")) - col(column_of(metric, "degraded"));
            gain.alias(column_of(metric, "gain"))
        })
        .collect()
}

/// Every column of numbers: the tiers of a metric, then its gain, then the next metric.
pub fn ordered_names(shown: &[Shown<'_>], metrics: &[&str]) -> Vec<String> {
    metrics
        .iter()
        .flat_map(|metric| {
            let tiers = shown.iter().filter(|s| s.metric == *metric).map(Shown::name);
            let gain = with_gain(shown).find(|m| m == metric).map(|m| column_of(m, "gain"));
            tiers.chain(gain).collect::<Vec<_>>()
        })
        .collect()
}
