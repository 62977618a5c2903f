//! Rows of the paper's tables as printed: the methods that nobody ran here.

use std::collections::BTreeSet;

use polars::prelude::*;

use super::beside::{TABLE, paper_of};
use super::columns::{AVERAGE, Row, rows_of};
use super::printed::Printed;
use crate::paper::{Table, counterpart};

/// Appends rows of `table` as printed, in the test sets that `frame` has; their cases are called `PromptIR (paper)`.
pub fn with_methods(frame: &DataFrame, table: &Table, methods: &[&str], metrics: &[&str]) -> PolarsResult<DataFrame> {
    let mut seen = BTreeSet::new();
    let ours = rows_of(frame)?;
    let mut tests: Vec<Row<'_>> = ours
        .iter()
        .filter(|row| seen.insert((row.test, row.degradation)))
        .copied()
        .collect();
    tests.sort_by_key(|row| row.test == AVERAGE);
    let rows: Vec<(&str, &str)> = table
        .rows()
        .into_iter()
        .filter(|(case, _)| methods.contains(case))
        .collect();
    let names: Vec<String> = rows.iter().map(|(_, method)| format!("{method} (paper)")).collect();
    let repeated =
        |of: &dyn Fn(&Row<'_>) -> String| -> Vec<String> { names.iter().flat_map(|_| tests.iter().map(of)).collect() };
    let height = names.len() * tests.len();
    let columns = frame.columns().iter().map(|column| {
        let name = column.name().as_str();
        let metric = metrics.iter().find(|metric| paper_of(metric) == name);
        let printed = metric.and_then(|metric| counterpart(metric));
        match (name, printed) {
            ("case", _) => {
                let cases = names.iter().flat_map(|name| vec![name.as_str(); tests.len()]);
                Column::new(name.into(), cases.collect::<Vec<_>>())
            }
            ("test", _) => Column::new(name.into(), repeated(&|row| row.test.to_owned())),
            ("degradation", _) => Column::new(name.into(), repeated(&|row| row.degradation.to_owned())),
            (TABLE, _) => Column::new(name.into(), vec![table.name; height]),
            (_, Some(metric)) => {
                let values = rows
                    .iter()
                    .flat_map(|(case, _)| Printed::new(table, case, metric).of(&tests));
                Column::new(name.into(), values.collect::<Vec<_>>())
            }
            _ => Column::full_null(name.into(), height, column.dtype()),
        }
    });
    // A method that has nothing in these test sets says nothing.
    let printed = metrics.iter().map(|metric| paper_of(metric));
    let printed = printed.filter(|name| frame.column(name).is_ok());
    let has_number = printed.map(|name| col(name).is_not_null()).fold(lit(false), Expr::or);
    let added = DataFrame::new(height, columns.collect())?;
    frame.vstack(&added.lazy().filter(has_number).collect()?)
}

#[cfg(test)]
mod tests {
    use super::super::beside::beside_paper;
    use super::super::columns::column_of;
    use super::super::desk::Desk;
    use super::*;
    use crate::paper;

    const METRICS: [&str; 2] = ["psnr_rgb", "ssim_rgb"];

    #[test]
    fn other_methods_come_as_printed_in_the_test_sets_that_there_are() {
        let frame = Desk::default()
            .tested("perceive-ir", 1, ("sots", "haze"), 30.0)
            .tested("perceive-ir", 1, ("rain100l", "rain"), 34.0)
            .table(&METRICS);
        let frame = beside_paper(&frame, "table2", &METRICS).unwrap();
        let frame = with_methods(&frame, paper::find("table2").unwrap(), &["promptir"], &METRICS).unwrap();
        let cases: Vec<Option<&str>> = frame.column("case").unwrap().str().unwrap().iter().collect();
        assert_eq!(cases[..3], [Some("perceive-ir"); 3]);
        assert_eq!(cases[3..], [Some("PromptIR (paper)"); 3]);
        let numbers = |name: &str| -> Vec<Option<f64>> { frame.column(name).unwrap().f64().unwrap().iter().collect() };
        let psnr = numbers(&paper_of("psnr_rgb"));
        assert_eq!(psnr[3..5], [Some(30.58), Some(36.37)]);
        assert!((psnr[5].unwrap() - 33.475).abs() < 1e-9);
        assert_eq!(numbers(&column_of("psnr_rgb", "restored"))[3..], [None; 3]);
    }
}
