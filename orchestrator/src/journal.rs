//! The journal of one run: JSON lines with a sequence number, appended by the worker, imported by the orchestrator.
//!
//! A line that was cut by a kill has no newline and is dropped when the journal is opened again.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::failure::Failure;

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
    /// Whose journal this is: the first line, so that a journal alone tells which run it is of.
    Order {
        stage: String,
        label: String,
        /// The artefact's key.
        artefact: String,
        device: String,
    },
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
    /// The run stopped with an error; `code` is the process's exit code. `kind` is a word for programs, where there is one:
    /// `not-finite` and `diverged` are failures that another attempt would only repeat.
    Failed {
        reason: String,
        code: i32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kind: Option<String>,
    },
    /// The artefact is whole.
    Done,
}

/// An open journal, appended to line by line.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    seq: u64,
}

impl Journal {
    /// Opens the journal at `path`, goes on behind its last whole line, and cuts off what a kill left of another.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let failed = |error| Failure::io(format!("cannot open the journal {}", path.display()), &error);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let (whole, seq) = match File::open(path) {
            Ok(file) => whole_lines(file).map_err(failed)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => (0, 0),
            Err(error) => return Err(failed(error)),
        };
        let file = File::options().create(true).append(true).open(path).map_err(failed)?;
        file.set_len(whole).map_err(failed)?;
        Ok(Self {
            path: path.to_path_buf(),
            file,
            seq,
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends one event in one write.
    pub fn append(&mut self, event: Event) -> Result<(), Failure> {
        self.seq += 1;
        let line = Line {
            seq: self.seq,
            at: jiff::Timestamp::now().as_millisecond(),
            event,
        };
        let mut text = serde_json::to_vec(&line).unwrap_or_default();
        text.push(b'\n');
        let failed = |error| Failure::io(format!("cannot write the journal {}", self.path.display()), &error);
        self.file.write_all(&text).map_err(failed)
    }
}

/// Bytes and number of a file's whole lines.
fn whole_lines(file: File) -> io::Result<(u64, u64)> {
    let mut file = BufReader::with_capacity(1 << 20, file);
    let (mut read, mut whole, mut lines) = (0, 0, 0);
    loop {
        let text = file.fill_buf()?;
        if text.is_empty() {
            return Ok((whole, lines));
        }
        if let Some(last) = text.iter().rposition(|byte| *byte == b'\n') {
            whole = read + last as u64 + 1;
            lines += text.iter().filter(|byte| **byte == b'\n').count() as u64;
        }
        let length = text.len();
        read += length as u64;
        file.consume(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_line_is_dropped_and_the_numbers_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journals").join("run.jsonl");
        let mut journal = Journal::open(&path).unwrap();
        journal.append(Event::Saved { step: 5 }).unwrap();
        journal.append(Event::Done).unwrap();
        drop(journal);
        let mut text = std::fs::read(&path).unwrap();
        text.truncate(text.len() - 4);
        std::fs::write(&path, text).unwrap();
        Journal::open(&path).unwrap().append(Event::Paused { step: 6 }).unwrap();
        let lines: Vec<Line> = std::fs::read_to_string(&path)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.iter().map(|line| line.seq).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(lines[1].event, Event::Paused { step: 6 });
    }
}
