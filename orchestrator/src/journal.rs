//! The journal of one run: JSON lines with a sequence number, appended by the worker, imported by the orchestrator.
//!
//! A line that was cut by a kill has no newline and is dropped when the journal is opened again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One line of a journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// 1, 2, 3, ... within one journal; importing twice changes nothing.
    pub seq: u64,
    /// Milliseconds since the Unix epoch.
    pub at: i64,
    #[serde(flatten)]
    pub event: Event,
}

/// What a worker tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The work has begun (or goes on) at `step` of `of` steps, pictures or whatever `unit` names.
    Started { step: u64, of: u64, unit: String },
    /// For the progress bar only: values such as loss and psnr by name. Not stored in the database.
    Progress {
        step: u64,
        of: u64,
        values: BTreeMap<String, f64>,
    },
    /// One number of one run: stored in `metrics`.
    Metric { name: String, step: u64, value: f64 },
    /// One number of one picture: stored in `evaluations`.
    Evaluation {
        /// The test set, such as `CBSD68 noise25`.
        test: String,
        /// The degradation's label, such as `noise25`.
        degradation: String,
        picture: String,
        /// `degraded`, `medium` or `restored`.
        tier: String,
        /// Metric and protocol, such as `psnr_rgb`.
        metric: String,
        value: f64,
    },
    /// Something a reader of the run should know: stored in `events`.
    Note { text: String },
    /// State was saved at this step.
    Saved { step: u64 },
    /// The run stopped because it was asked to; its state is kept.
    Paused { step: u64 },
    /// The run stopped with an error; `code` is the process's exit code.
    Failed { reason: String, code: i32 },
    /// The artefact is whole.
    Done,
}
