//! Measurements for tests, without a database.

use std::collections::BTreeMap;

use polars::prelude::DataFrame;

use super::measurement::{Measurement, Per};
use super::read::Case;
use super::table::table;

/// Cases of one experiment as they are filled in by the tests.
#[derive(Default)]
pub struct Desk {
    pub cases: Vec<Case>,
    pub rows: Vec<Measurement>,
}

impl Desk {
    /// The place of a case of this name, scale and seed.
    pub fn case(&mut self, name: &str, scale: &str, seed: i64) -> usize {
        let case = Case {
            name: name.into(),
            scale: scale.into(),
            towers: "stand-in".into(),
            seed,
            settings: BTreeMap::new(),
        };
        self.cases.iter().position(|other| *other == case).unwrap_or_else(|| {
            self.cases.push(case);
            self.cases.len() - 1
        })
    }

    /// A mean over two pictures.
    pub fn measure(&mut self, case: usize, (test, degradation): (&str, &str), tier: &str, metric: &str, value: f64) {
        self.rows.push(Measurement {
            case,
            test: format!("{test} {degradation}"),
            degradation: degradation.into(),
            picture: String::new(),
            tier: tier.into(),
            metric: metric.into(),
            value,
            pictures: 2,
        });
    }

    /// A test set degraded at 20 and restored at `restored`.
    pub fn tested(mut self, case: &str, seed: i64, test: (&str, &str), restored: f64) -> Self {
        let case = self.case(case, "tiny", seed);
        self.measure(case, test, "degraded", "psnr_rgb", 20.0);
        self.measure(case, test, "restored", "psnr_rgb", restored);
        self
    }

    /// The table of means.
    pub fn table(&self, metrics: &[&str]) -> DataFrame {
        table(&self.cases, &self.rows, metrics, Per::Test).unwrap()
    }
}
