//! The sheets of several cases: a row a case, and the metrics side by side under each test set, as a paper prints it.
//!
//! Only restored pictures; the best and second best of a column are marked. The paper's numbers stand to the right of
//! ours where there is one test set, and in a sheet of their own where there are several: so they never share a column.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::Hash;

use polars::prelude::*;

use super::beside::{difference_of, paper_of};
use super::columns::{AVERAGE, Row, column_of, rows_of, std_of};
use super::marks::marks;
use super::measurement::order;
use super::sheet::{Cell, Column, Sheet, decimals, number};
use crate::paper::counterpart;

/// Whose numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Ours,
    Paper,
    Difference,
}

impl Source {
    const ALL: [Self; 3] = [Self::Ours, Self::Paper, Self::Difference];

    /// The frame's column of a metric.
    fn column(self, metric: &str) -> String {
        match self {
            Self::Ours => column_of(metric, "restored"),
            Self::Paper => paper_of(metric),
            Self::Difference => difference_of(metric),
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Ours => "measured here",
            Self::Paper => "paper",
            Self::Difference => "difference: measured here - paper",
        }
    }

    /// Over the columns of a single test set.
    fn word(self) -> &'static str {
        match self {
            Self::Ours => "",
            Self::Paper => "paper",
            Self::Difference => "difference",
        }
    }
}

/// One sheet; with the paper's numbers in several test sets, three.
pub fn sheets(frame: &DataFrame, metrics: &[&str]) -> PolarsResult<Vec<Sheet>> {
    let grid = Grid::new(frame, metrics)?;
    let has_paper = grid.has(Source::Paper)?;
    if !has_paper {
        return Ok(vec![grid.sheet(&[Source::Ours], None)?]);
    }
    if grid.tests.len() == 1 {
        let sources = Source::ALL.map(|source| grid.has(source).map(|has| has.then_some(source)));
        let sources: Vec<Option<Source>> = sources.into_iter().collect::<PolarsResult<_>>()?;
        let sources: Vec<Source> = sources.into_iter().flatten().collect();
        return Ok(vec![grid.sheet(&sources, None)?]);
    }
    let mut sheets = Vec::new();
    for source in Source::ALL {
        if grid.has(source)? {
            sheets.push(grid.sheet(&[source], Some(source.title()))?);
        }
    }
    Ok(sheets)
}

/// Where each row of the frame stands: case down, test set across.
struct Grid<'a> {
    frame: &'a DataFrame,
    metrics: &'a [&'a str],
    /// Case, scale and towers, in the order of the frame; where there are averages, in theirs.
    cases: Vec<[&'a str; 3]>,
    /// Test set and degradation in the order of the paper's tables; the average is the last.
    tests: Vec<(&'a str, &'a str)>,
    rows: HashMap<Row<'a>, usize>,
    /// How many seeds most numbers are the mean of.
    seeds: u32,
}

impl<'a> Grid<'a> {
    fn new(frame: &'a DataFrame, metrics: &'a [&'a str]) -> PolarsResult<Self> {
        let all = rows_of(frame)?;
        let averages = all.iter().filter(|row| row.test == AVERAGE);
        let cases = distinct(averages.chain(&all).map(|row| row.case));
        let mut tests = distinct(all.iter().map(|row| (row.test, row.degradation)));
        tests.sort_by_cached_key(|(test, degradation)| (*test == AVERAGE, order(test, degradation)));
        let seeds = frame.column("seeds")?.u32()?.max().unwrap_or(1);
        let rows = all.into_iter().zip(0..).collect();
        Ok(Self {
            frame,
            metrics,
            cases,
            tests,
            rows,
            seeds,
        })
    }

    fn row(&self, case: [&'a str; 3], (test, degradation): (&'a str, &'a str)) -> Option<usize> {
        let row = Row {
            case,
            test,
            degradation,
        };
        self.rows.get(&row).copied()
    }

    fn has(&self, source: Source) -> PolarsResult<bool> {
        let mut found = false;
        for metric in self.metrics {
            if let Ok(column) = self.frame.column(&source.column(metric)) {
                found |= column.f64()?.iter().any(|value| value.is_some());
            }
        }
        Ok(found)
    }

    /// The rows that have a number of one of `sources`.
    fn sheet(&self, sources: &[Source], title: Option<&str>) -> PolarsResult<Sheet> {
        let mut numbers = Vec::new();
        for source in sources {
            for test in &self.tests {
                for metric in self.metrics {
                    numbers.extend(self.numbers(*source, *test, metric, sources.len() > 1)?);
                }
            }
        }
        let is_empty = |row: usize| numbers.iter().all(|column: &Column| column.cells[row] == Cell::empty());
        let kept: Vec<usize> = (0..self.cases.len()).filter(|row| !is_empty(*row)).collect();
        for column in &mut numbers {
            column.cells = kept.iter().map(|row| column.cells[*row].clone()).collect();
        }
        let mut columns = Vec::new();
        for (place, head) in ["case", "scale", "towers"].into_iter().enumerate() {
            let texts: Vec<&str> = kept.iter().map(|row| self.cases[*row][place]).collect();
            // Of the paper's own methods neither scale nor towers are known.
            let known: BTreeSet<&str> = texts.iter().copied().filter(|text| !text.is_empty()).collect();
            if place == 0 || known.len() > 1 && title != Some(Source::Paper.title()) {
                columns.push(Column::of_text(
                    head,
                    texts
                        .into_iter()
                        .map(|text| if text.is_empty() { "-" } else { text }.to_owned()),
                ));
            }
        }
        columns.append(&mut numbers);
        Ok(Sheet {
            title: title.map(str::to_owned),
            columns,
        })
    }

    /// The column of a metric in a test set; `None` where nothing is in it.
    fn numbers(
        &self,
        source: Source,
        test: (&'a str, &'a str),
        metric: &str,
        is_shared: bool,
    ) -> PolarsResult<Option<Column>> {
        let name = source.column(metric);
        let Ok(column) = self.frame.column(&name) else {
            return Ok(None);
        };
        let (means, seeds) = (column.f64()?, self.frame.column("seeds")?.u32()?);
        let deviations = self
            .frame
            .column(&std_of(&name))
            .ok()
            .map(|column| column.f64())
            .transpose()?;
        let rows: Vec<Option<usize>> = self.cases.iter().map(|case| self.row(*case, test)).collect();
        let values: Vec<Option<f64>> = rows.iter().map(|row| row.and_then(|row| means.get(row))).collect();
        if values.iter().all(Option::is_none) {
            return Ok(None);
        }
        let decimals = decimals(metric, source != Source::Ours);
        let marks = match source {
            Source::Ours => marks(metric, &values, decimals),
            Source::Paper | Source::Difference => vec![super::sheet::Mark::None; values.len()],
        };
        let cells = rows.iter().zip(&values).zip(marks).map(|((row, value), mark)| {
            let (Some(row), Some(value)) = (row, value) else {
                return Cell::empty();
            };
            let deviation = deviations.and_then(|deviations| deviations.get(*row));
            let mut text = number(*value, deviation, decimals, source == Source::Difference);
            let seeds = seeds.get(*row).unwrap_or(self.seeds);
            if source == Source::Ours && seeds != self.seeds {
                text += &format!(" (n = {seeds})");
            }
            Cell { text, mark }
        });
        let metric = match source {
            Source::Paper => counterpart(metric).unwrap_or(metric),
            _ => metric,
        };
        let set = format!("{} {}", test.0, test.1);
        let group = if is_shared && source != Source::Ours {
            source.word()
        } else {
            set.trim_end()
        };
        Ok(Some(Column::of_numbers([group, metric], cells.collect())))
    }
}

/// Each once, in the order of first appearance.
fn distinct<T: Copy + Eq + Hash>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = HashSet::new();
    items.filter(|item| seen.insert(*item)).collect()
}
