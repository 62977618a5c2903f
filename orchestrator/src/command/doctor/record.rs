//! The record: the database's health, runs that need somebody, datasets.

use std::collections::HashSet;
use std::path::Path;

use super::finding::{Finding, of_failure};
use crate::database::datasets::Split;
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
    if let Err(error) = Database::open(home).and_then(|writable| writable.settle_lost(home)) {
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

/// A line for each split of each dataset.
fn datasets(database: &Database) -> Result<Vec<Finding>, DatabaseError> {
    let splits = database.splits()?;
    if splits.is_empty() {
        return Ok(vec![no_datasets()]);
    }
    Ok(splits.iter().map(dataset).collect())
}

fn dataset(split: &Split) -> Finding {
    let what = format!("dataset {} {}", split.dataset, split.split);
    // Test sets without references have pictures, but no pairs.
    let (number, noun) = if split.pairs > 0 {
        (split.pairs, "pair")
    } else {
        (split.pictures, "picture")
    };
    let counted = count(number as usize, noun);
    let found = match split.official {
        Some(official) => format!("{counted} of {official}"),
        None => counted,
    };
    let look = format!("`perceive-ir data show {}` tells which", split.dataset);
    if split.problems > 0 {
        let problems = count(split.problems as usize, "problem");
        Finding::note(what, format!("{found}; {problems} when it was added"), look)
    } else if split.official.is_some_and(|official| official != number) {
        Finding::note(
            what,
            found,
            "numbers on it are not comparable with the literature's: add the whole dataset",
        )
    } else {
        Finding::ok(what, found)
    }
}

fn no_datasets() -> Finding {
    Finding::note(
        "datasets",
        "none is known",
        "nothing for quickstart, which makes its own pictures; `perceive-ir data add FOLDER` for yours",
    )
}

fn unusable(error: DatabaseError) -> Finding {
    of_failure("database", &Failure::from(error))
}

#[cfg(test)]
mod tests {
    use super::super::finding::State;
    use super::*;
    use crate::database::runs::NewRun;
    use crate::database::tests::database;
    use crate::failure::Exit;

    fn state_of<'a>(findings: &'a [Finding], what: &str) -> &'a Finding {
        findings.iter().find(|finding| finding.what == what).unwrap()
    }

    #[test]
    fn a_new_home_has_notes_and_no_problem_and_stays_untouched() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path().join("home"));
        let found = findings(&home);
        assert!(found.iter().all(|finding| finding.state == State::Note), "{found:?}");
        assert!(!home.root().exists());
    }

    #[test]
    fn a_damaged_record_is_a_problem_of_the_database() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        std::fs::write(home.database(), "this was never a database, only some words in a file").unwrap();
        let found = findings(&home);
        assert_eq!((found[0].state, found[0].exit), (State::Problem, Exit::Database));
        assert!(!found[0].to_do.is_empty());
    }

    #[test]
    fn only_runs_that_nobody_has_repeated_need_somebody() {
        let (folder, database) = database();
        let case = database.case("quickstart", "base", 0, "tiny", "{}").unwrap();
        let new = |stage: &str, key: &str| NewRun {
            case: Some(case),
            stage: stage.into(),
            label: String::new(),
            artefact_key: key.into(),
            seed: 0,
            device: "cpu".into(),
            command: String::new(),
            version: String::new(),
            code_commit: None,
            dirty: false,
            attempt: 1,
        };
        let (failed, again) = (new("medium", "m"), new("medium", "m"));
        let paused = new("restore", "r");
        for (run, state) in [
            (failed, RunState::Failed),
            (again, RunState::Done),
            (paused, RunState::Paused),
        ] {
            let id = database.start_run(&run).unwrap();
            database.set_state(&id, state, None, None).unwrap();
        }
        let home = Home::at(folder.path().join("home"));
        let found = findings(&home);
        assert_eq!(state_of(&found, "database").state, State::Ok);
        let runs = state_of(&found, "runs");
        assert_eq!(runs.state, State::Note);
        assert!(
            runs.found.contains("paused restore") && !runs.found.contains("medium"),
            "{}",
            runs.found
        );
        assert!(runs.to_do.contains("perceive-ir run quickstart"));
    }

    #[test]
    fn a_split_is_held_against_its_official_count() {
        let split = |pairs, official, problems| Split {
            dataset: "Rain100L".into(),
            split: "test".into(),
            official,
            pairs,
            pictures: 2 * pairs,
            problems,
            scanned_at: 0,
        };
        assert_eq!(dataset(&split(100, Some(100), 0)).state, State::Ok);
        assert_eq!(dataset(&split(12, None, 0)).state, State::Ok);
        let fewer = dataset(&split(98, Some(100), 0));
        assert_eq!((fewer.state, fewer.found.as_str()), (State::Note, "98 pairs of 100"));
        assert!(dataset(&split(100, Some(100), 3)).to_do.contains("data show Rain100L"));
    }
}
