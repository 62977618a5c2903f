//! The record: the database's health, runs that need somebody, datasets.

use std::collections::HashSet;
use std::path::Path;

use super::finding::Finding;
use crate::database::runs::{Run, RunFilter, RunState};
use crate::database::{Database, DatabaseError};
use crate::failure::Failure;
use crate::home::Home;
use crate::show::{bytes, count};

pub fn findings(home: &Home) -> Vec<Finding> {
    match Database::open_read_only(home) {
        Ok(database) => looked_into(&database, home),
        Err(DatabaseError::Missing { path }) => vec![
            Finding::note(
                "database",
                format!("{} is not there yet", path.display()),
                "nothing: the first run makes it",
            ),
            no_datasets(),
        ],
        Err(error) => vec![unusable(error)],
    }
}

fn looked_into(database: &Database, home: &Home) -> Vec<Finding> {
    let mut findings = vec![health(database).unwrap_or_else(unusable)];
    // Only states change, and only of runs whose process is gone.
    if let Err(error) = Database::open(home).and_then(|writable| writable.settle_lost()) {
        findings.push(Finding::note(
            "runs",
            format!("their states are not certain: {error}"),
            "",
        ));
    }
    findings.push(runs(database).unwrap_or_else(unusable));
    findings.extend(datasets(database).unwrap_or_else(|error| vec![unusable(error)]));
    findings
}

fn health(database: &Database) -> Result<Finding, DatabaseError> {
    let path = database.path();
    if let Some(verdict) = database.quick_check()? {
        return Ok(unusable(DatabaseError::Damaged {
            path: path.to_path_buf(),
            reason: verdict,
        }));
    }
    let size = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        std::fs::metadata(Path::new(&name)).map_or(0, |file| file.len())
    };
    let found = format!(
        "whole (quick_check), schema {}, {}, write-ahead log {}",
        database.schema()?,
        bytes(size("")),
        bytes(size("-wal")),
    );
    Ok(Finding::ok("database", found))
}

fn runs(database: &Database) -> Result<Finding, DatabaseError> {
    let runs = database.runs(RunFilter::default())?;
    let waiting = unanswered(&runs);
    let live = runs.iter().filter(|run| run.state.is_live()).count();
    let found = match live {
        0 => count(runs.len(), "run"),
        live => format!("{}, {live} at work now", count(runs.len(), "run")),
    };
    if waiting.is_empty() {
        return Ok(Finding::ok("runs", found));
    }
    let names: Vec<String> = waiting
        .iter()
        .map(|run| {
            format!("{} {} {}", run.state.name(), run.stage, run.label)
                .trim_end()
                .to_owned()
        })
        .collect();
    let mut experiments: Vec<&str> = waiting.iter().filter_map(|run| run.experiment.as_deref()).collect();
    experiments.sort_unstable();
    experiments.dedup();
    let to_do = if experiments.is_empty() {
        "`perceive-ir runs ls` lists them".to_owned()
    } else {
        format!("`perceive-ir run {}` goes on where they stopped", experiments.join(" "))
    };
    Ok(Finding::note(
        "runs",
        format!("{found}; not finished: {}", names.join(", ")),
        to_do,
    ))
}

/// The paused, failed, cancelled and lost runs whose artefact no later run has made or is making.
fn unanswered(newest_first: &[Run]) -> Vec<&Run> {
    let mut met = HashSet::new();
    newest_first
        .iter()
        .filter(|run| met.insert(run.artefact_key.as_str()))
        .filter(|run| !run.state.is_live() && run.state != RunState::Done)
        .collect()
}

fn datasets(database: &Database) -> Result<Vec<Finding>, DatabaseError> {
    let _ = database;
    Ok(vec![no_datasets()])
}

fn no_datasets() -> Finding {
    Finding::note(
        "datasets",
        "none is known",
        "nothing for quickstart, which makes its own pictures; `perceive-ir data add FOLDER` for yours",
    )
}

fn unusable(error: DatabaseError) -> Finding {
    let failure = Failure::from(error);
    let to_do = miette::Diagnostic::help(&failure)
        .map(|help| help.to_string())
        .unwrap_or_default();
    Finding::problem(failure.exit, "database", failure.to_string(), to_do)
}
