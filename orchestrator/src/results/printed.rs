//! What one row of the paper's tables prints, asked by our test sets.

use std::collections::{BTreeSet, HashMap};

use perceive_datasets::catalogue;

use super::columns::{AVERAGE, Row};
use crate::paper::{self, Cell, TABLES, Table};

/// What a row of a table prints of one metric, by test set and degradation.
pub struct Printed(HashMap<(&'static str, &'static str), f64>);

impl Printed {
    pub fn new(table: &Table, case: &str, metric: &str) -> Self {
        let cells = table.cells().filter(|cell| cell.case == case && cell.metric == metric);
        Self(cells.map(|cell| (column(&cell), cell.value)).collect())
    }

    /// One number a row of our case.
    pub fn of(&self, case: &[Row<'_>]) -> Vec<Option<f64>> {
        let sets: Vec<(&str, &str)> = case.iter().filter(|row| row.test != AVERAGE).map(set).collect();
        let average = self.average(&sets);
        let cell = |row: &Row<'_>| {
            if row.test == AVERAGE {
                average
            } else {
                self.0.get(&set(row)).copied()
            }
        };
        case.iter().map(cell).collect()
    }

    /// The printed average of all the paper's test sets, the mean of its numbers in some of them.
    fn average(&self, sets: &[(&str, &str)]) -> Option<f64> {
        let printed = self.0.get(&(paper::AVERAGE, "")).copied();
        let own = self.0.keys().filter(|(test, _)| *test != paper::AVERAGE).count();
        if own == 0 {
            // Table XIII prints averages alone, those of the test sets of Tables II and III.
            return printed.filter(|_| is_averaged_somewhere(sets));
        }
        let cells: Option<Vec<f64>> = sets.iter().map(|set| self.0.get(set).copied()).collect();
        let cells = cells.filter(|cells| !cells.is_empty())?;
        let mean = cells.iter().sum::<f64>() / cells.len() as f64;
        Some(printed.filter(|_| cells.len() == own).unwrap_or(mean))
    }
}

/// Whether a table of the paper has exactly these test sets and prints their average.
fn is_averaged_somewhere(sets: &[(&str, &str)]) -> bool {
    let sets: BTreeSet<_> = sets.iter().copied().collect();
    TABLES.iter().any(|table| {
        let columns: BTreeSet<_> = table.cells().map(|cell| column(&cell)).collect();
        let own: BTreeSet<_> = columns
            .iter()
            .copied()
            .filter(|(test, _)| !test.is_empty() && *test != paper::AVERAGE)
            .collect();
        columns.contains(&(paper::AVERAGE, "")) && own == sets
    })
}

fn column(cell: &Cell) -> (&'static str, &'static str) {
    (cell.test, cell.degradation)
}

/// A row's test set by the catalogue's name.
fn set<'a>(row: &Row<'a>) -> (&'a str, &'a str) {
    (
        catalogue::find(row.test).map_or(row.test, |entry| entry.name),
        row.degradation,
    )
}
