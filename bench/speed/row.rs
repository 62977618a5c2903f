//! The table's rows: what is measured, beside what, and how much better ours has to be.

use super::area;
use super::side::Language;
use super::work::{Kind, Work};

pub struct Row {
    pub name: &'static str,
    /// As the table calls it.
    pub title: &'static str,
    pub work: Work<'static>,
    pub measure: Measure,
    /// Who does the same, and the ratio to reach.
    pub beside: &'static [(Language, f64)],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Theirs over ours is to be so much or more.
    Time,
    /// The peak of a process that does nothing else; ours over theirs is to be so much or less.
    Memory,
}

const RESTORMER: Work = Work {
    kind: Kind::Backward,
    network: "restormer",
    size: "paper",
    batch: 1,
    height: 128,
    width: 128,
};

pub const ROWS: &[Row] = &[
    Row {
        name: "restormer",
        title: "Restormer, 128x128, forward and backward",
        work: RESTORMER,
        measure: Measure::Time,
        beside: &[(Language::Eager, 1.6), (Language::Compiled, 1.1)],
    },
    Row {
        name: "memory",
        title: "the same, peak memory",
        work: RESTORMER,
        measure: Measure::Memory,
        beside: &[(Language::Eager, 0.6), (Language::Untuned, 0.6)],
    },
    Row {
        name: "step",
        title: "Restormer small, 2 x 64x64, training step",
        work: Work {
            kind: Kind::Step,
            size: "small",
            batch: 2,
            height: 64,
            width: 64,
            ..RESTORMER
        },
        measure: Measure::Time,
        beside: &[(Language::Eager, 1.1), (Language::Compiled, 1.1)],
    },
    Row {
        name: "picture",
        title: "Restormer, 481x321 restored",
        work: Work {
            kind: Kind::Forward,
            height: 321,
            width: 481,
            ..RESTORMER
        },
        measure: Measure::Time,
        beside: &[(Language::Eager, 1.5)],
    },
    Row {
        name: "perceive-ir",
        title: "Perceive-IR, 2 x 128x128, training step, four losses, towers",
        work: Work {
            kind: Kind::PaperStep,
            network: "perceive-ir",
            batch: 2,
            ..RESTORMER
        },
        measure: Measure::Time,
        beside: &[(Language::Eager, 1.3)],
    },
    Row {
        name: "nafnet",
        title: "NAFNet, 256x256, forward and backward",
        work: Work {
            network: "nafnet",
            height: 256,
            width: 256,
            ..RESTORMER
        },
        measure: Measure::Time,
        beside: &[(Language::Eager, 1.2)],
    },
];

/// What `--row` takes.
pub fn names() -> Vec<&'static str> {
    ROWS.iter().map(|row| row.name).chain([area::NAME]).collect()
}
