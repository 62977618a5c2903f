//! The paper's own numbers beside ours, where test set and degradation coincide.
//!
//! They get columns of their own, named `paper`: the paper does not state its SSIM window, and its network trained on
//! other data, at full size.

use polars::prelude::*;

use super::table::AVERAGE;
use crate::paper::{Score, Setting};

/// The columns that [`beside_paper`] adds: which table, PSNR in dB, SSIM.
pub const COLUMNS: [&str; 3] = ["paper_table", "paper_psnr", "paper_ssim"];

/// Adds [`COLUMNS`] to a table of results: the paper's row for Perceive-IR in the setting closest to each case. A row of
/// averages has the paper's average only where every row above it has a number of the paper.
pub fn beside_paper(frame: &DataFrame) -> PolarsResult<DataFrame> {
    let rows = rows_of(frame)?;
    let mut tables: Vec<Option<&str>> = Vec::with_capacity(rows.len());
    let mut scores: Vec<Option<Score>> = Vec::with_capacity(rows.len());
    for case in rows.chunk_by(|a, b| a.case == b.case) {
        let tests: Vec<&Row> = case.iter().filter(|row| row.test != AVERAGE).collect();
        let setting = Setting::of(tests.iter().map(|row| row.degradation));
        let found: Vec<Option<Score>> = tests
            .iter()
            .map(|row| setting.and_then(|setting| setting.perceive_ir(row.test, row.degradation)))
            .collect();
        let average = found
            .iter()
            .cloned()
            .collect::<Option<Vec<Score>>>()
            .and_then(|scores| mean(&scores));
        let closing = (case.len() > tests.len()).then_some(average);
        for score in found.into_iter().chain(closing) {
            tables.push(score.as_ref().and(setting).map(Setting::table));
            scores.push(score);
        }
    }
    let mut wider = frame.clone();
    wider.with_column(Column::new(COLUMNS[0].into(), tables))?;
    let psnr: Vec<Option<f64>> = scores
        .iter()
        .map(|score| score.as_ref().map(|score| score.psnr))
        .collect();
    wider.with_column(Column::new(COLUMNS[1].into(), psnr))?;
    let ssim: Vec<Option<f64>> = scores
        .iter()
        .map(|score| score.as_ref().and_then(|score| score.ssim))
        .collect();
    wider.with_column(Column::new(COLUMNS[2].into(), ssim))?;
    Ok(wider)
}

struct Row<'a> {
    /// Case, scale and towers.
    case: [&'a str; 3],
    test: &'a str,
    degradation: &'a str,
}

fn rows_of(frame: &DataFrame) -> PolarsResult<Vec<Row<'_>>> {
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

/// The mean of a case's numbers, as the paper's column of averages.
fn mean(scores: &[Score]) -> Option<Score> {
    let (first, count) = (scores.first()?, scores.len() as f64);
    let ssim: Option<f64> = scores.iter().map(|score| score.ssim).sum();
    Some(Score {
        psnr: scores.iter().map(|score| score.psnr).sum::<f64>() / count,
        ssim: ssim.map(|sum| sum / count),
        ..first.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(rows: &[(&str, &str, &str)]) -> DataFrame {
        df!(
            "case" => rows.iter().map(|row| row.0).collect::<Vec<_>>(),
            "scale" => vec!["small"; rows.len()],
            "towers" => vec!["stand-in"; rows.len()],
            "test" => rows.iter().map(|row| row.1).collect::<Vec<_>>(),
            "degradation" => rows.iter().map(|row| row.2).collect::<Vec<_>>(),
        )
        .unwrap()
    }

    fn psnr(frame: &DataFrame) -> Vec<Option<f64>> {
        frame.column("paper_psnr").unwrap().f64().unwrap().iter().collect()
    }

    #[test]
    fn only_what_coincides_has_a_number() {
        let frame = beside_paper(&results(&[
            ("one", "CBSD68", "noise25"),
            ("one", "my own", "noise25"),
            ("one", AVERAGE, ""),
            ("two", "CBSD68", "noise25"),
            ("two", "SOTS-Outdoor", "haze"),
        ]))
        .unwrap();
        // Noise alone is Table IV; noise and haze together are nearest to Table II.
        assert_eq!(psnr(&frame), [Some(31.74), None, None, Some(31.53), Some(30.87)]);
    }

    #[test]
    fn the_average_is_the_papers_own() {
        let frame = beside_paper(&results(&[
            ("five", "CBSD68", "noise25"),
            ("five", "SOTS-Outdoor", "haze"),
            ("five", "Rain100L", "rain"),
            ("five", "GoPro", "blur"),
            ("five", "LOL", "low-light"),
            ("five", AVERAGE, ""),
        ]))
        .unwrap();
        // Printed: 29.84 and 0.909.
        assert!((psnr(&frame)[5].unwrap() - 29.844).abs() < 1e-9);
        let ssim = frame.column("paper_ssim").unwrap().f64().unwrap().get(5).unwrap();
        assert!((ssim - 0.9094).abs() < 1e-9);
    }
}
