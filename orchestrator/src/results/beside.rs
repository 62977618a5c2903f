//! The paper's own numbers beside ours, where test set and degradation coincide.
//!
//! They get columns of their own, named `paper`: the paper does not state its SSIM window, and its network trained on
//! all of its data, at full size. An experiment that repeats a table (`table7`, `fig8`) has each case beside the row of its
//! name; any other has every case beside Perceive-IR in the setting closest to it.

use polars::prelude::*;

use super::columns::{AVERAGE, Row, column_of, rows_of};
use super::printed::Printed;
use crate::paper::{self, PERCEIVE_IR, Table, counterpart};

/// The column that says which table a row's numbers of the paper are from.
pub const TABLE: &str = "paper_table";

/// The column of the paper's numbers of a metric.
pub fn paper_of(metric: &str) -> String {
    column_of(metric, "paper")
}

/// The column of ours (restored) - the paper's.
pub fn difference_of(metric: &str) -> String {
    column_of(metric, "difference")
}

/// Adds [`TABLE`], [`paper_of`] and [`difference_of`] to a table of results, for those of `metrics` that the paper has.
///
/// A row of averages has the paper's printed average where its case has all of the paper's test sets, the mean of the
/// paper's numbers where it has some of them and no others, and else none.
pub fn beside_paper(frame: &DataFrame, experiment: &str, metrics: &[&str]) -> PolarsResult<DataFrame> {
    let rows = rows_of(frame)?;
    let references: Vec<Option<(&'static Table, String)>> = rows
        .chunk_by(|a, b| a.case == b.case)
        .flat_map(|case| vec![reference(experiment, case); case.len()])
        .collect();
    let mut wider = frame.clone();
    let mut has_number = vec![false; rows.len()];
    for metric in metrics {
        let Some(name) = counterpart(metric) else { continue };
        let Ok(ours) = frame.column(&column_of(metric, "restored")) else {
            continue;
        };
        let mut values = Vec::with_capacity(rows.len());
        for case in rows.chunk_by(|a, b| a.case == b.case) {
            let reference = references[values.len()].as_ref();
            let printed = reference.map(|(table, row)| Printed::new(table, row, name));
            values.extend(printed.map_or(vec![None; case.len()], |printed| printed.of(case)));
        }
        let differences: Vec<Option<f64>> = ours
            .f64()?
            .iter()
            .zip(&values)
            .map(|(ours, paper)| Some(ours? - (*paper)?))
            .collect();
        for (has, value) in has_number.iter_mut().zip(&values) {
            *has |= value.is_some();
        }
        // After the last column of this metric.
        let is_of_metric = |column: &PlSmallStr| column.starts_with(&format!("{metric}_"));
        let place = wider.get_column_names().into_iter().rposition(is_of_metric);
        let place = place.map_or(wider.width(), |place| place + 1);
        wider.insert_column(place, Column::new(paper_of(metric).into(), values))?;
        wider.insert_column(place + 1, Column::new(difference_of(metric).into(), differences))?;
    }
    let tables: Vec<Option<&str>> = references
        .iter()
        .zip(has_number)
        .map(|(reference, has)| reference.as_ref().filter(|_| has).map(|(table, _)| table.name))
        .collect();
    wider.with_column(Column::new(TABLE.into(), tables))?;
    Ok(wider)
}

/// The row of the paper that stands beside a case.
fn reference(experiment: &str, case: &[Row<'_>]) -> Option<(&'static Table, String)> {
    if let Some(table) = paper::find(experiment) {
        return Some((table, case.first()?.case[0].to_owned()));
    }
    let tests = case.iter().filter(|row| row.test != AVERAGE);
    paper::nearest(tests.map(|row| row.degradation)).map(|table| (table, PERCEIVE_IR.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const METRICS: [&str; 2] = ["psnr_rgb", "ssim_rgb"];

    /// Every number is 30 dB and 0.9.
    fn results(rows: &[(&str, &str, &str)]) -> DataFrame {
        df!(
            "case" => rows.iter().map(|row| row.0).collect::<Vec<_>>(),
            "scale" => vec!["small"; rows.len()],
            "towers" => vec!["stand-in"; rows.len()],
            "test" => rows.iter().map(|row| row.1).collect::<Vec<_>>(),
            "degradation" => rows.iter().map(|row| row.2).collect::<Vec<_>>(),
            "psnr_rgb_restored" => vec![30.0; rows.len()],
            "ssim_rgb_restored" => vec![0.9; rows.len()],
        )
        .unwrap()
    }

    fn numbers(frame: &DataFrame, column: &str) -> Vec<Option<f64>> {
        let column = frame.column(column).unwrap().f64().unwrap();
        column
            .iter()
            .map(|value| value.map(|value| (value * 1e4).round() / 1e4))
            .collect()
    }

    const THREE: [(&str, &str, &str); 6] = [
        ("perceive-ir", "cbsd68", "noise15"),
        ("perceive-ir", "cbsd68", "noise25"),
        ("perceive-ir", "cbsd68", "noise50"),
        ("perceive-ir", "sots", "haze"),
        ("perceive-ir", "rain100l", "rain"),
        ("perceive-ir", AVERAGE, ""),
    ];

    #[test]
    fn an_experiment_of_ones_own_stands_beside_perceive_ir_where_they_coincide() {
        let frame = results(&[
            ("one", "CBSD68", "noise25"),
            ("one", "my own", "noise25"),
            ("one", AVERAGE, ""),
            ("two", "CBSD68", "noise25"),
            ("two", "SOTS-Outdoor", "haze"),
        ]);
        let frame = beside_paper(&frame, "mine", &METRICS).unwrap();
        // Noise alone is Table IV; noise and haze together are nearest to Table II.
        let psnr = numbers(&frame, "psnr_rgb_paper");
        assert_eq!(psnr, [Some(31.74), None, None, Some(31.53), Some(30.87)]);
        let tables: Vec<Option<&str>> = frame.column(TABLE).unwrap().str().unwrap().iter().collect();
        assert_eq!(tables[..3], [Some("Table IV"), None, None]);
        assert_eq!(numbers(&frame, "psnr_rgb_difference")[0], Some(-1.74));
    }

    #[test]
    fn a_table_of_the_paper_has_each_case_beside_its_own_row_and_the_columns_of_a_metric_together() {
        let frame = results(&[
            ("a", "rain100l", "rain"),
            ("h", "rain100l", "rain"),
            ("mine", "rain100l", "rain"),
        ]);
        let frame = beside_paper(&frame, "table7", &METRICS).unwrap();
        assert_eq!(numbers(&frame, "psnr_rgb_paper"), [Some(37.30), Some(37.76), None]);
        assert_eq!(
            numbers(&frame, "ssim_rgb_difference"),
            [Some(-0.078), Some(-0.082), None]
        );
        let names: Vec<&str> = frame.get_column_names().into_iter().map(PlSmallStr::as_str).collect();
        assert_eq!(
            names[5..],
            [
                "psnr_rgb_restored",
                "psnr_rgb_paper",
                "psnr_rgb_difference",
                "ssim_rgb_restored",
                "ssim_rgb_paper",
                "ssim_rgb_difference",
                TABLE
            ]
        );
    }

    #[test]
    fn the_average_is_the_printed_one_of_all_test_sets_and_a_mean_of_some() {
        let average = |rows: &[(&str, &str, &str)]| {
            let frame = beside_paper(&results(rows), "table2", &METRICS).unwrap();
            *numbers(&frame, "psnr_rgb_paper").last().unwrap()
        };
        assert_eq!(average(&THREE), Some(32.63));
        assert_eq!(average(&THREE[3..]), Some(34.58));
        let foreign = [THREE[3], ("perceive-ir", "cbsd68", "rain"), THREE[5]];
        assert_eq!(average(&foreign), None);
    }

    #[test]
    fn a_table_of_averages_alone_needs_the_test_sets_that_it_averages() {
        let rows = |count: usize| {
            let rows = THREE.iter().take(count).chain(&THREE[5..]);
            let rows: Vec<_> = rows.map(|row| ("restormer-n-h-r", row.1, row.2)).collect();
            let frame = beside_paper(&results(&rows), "table13", &METRICS).unwrap();
            *numbers(&frame, "psnr_rgb_paper").last().unwrap()
        };
        assert_eq!(rows(5), Some(32.63));
        assert_eq!(rows(4), None);
    }
}
