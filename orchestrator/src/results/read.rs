//! What the record knows about an experiment: every number of every case, and what is still missing.

use serde_json::Value;

use super::table::{Measurement, test_name};
use crate::database::experiments::Case;
use crate::database::progress::Pending;
use crate::database::{Database, DatabaseError};
use crate::failure::{Exit, Failure, nearest};

/// The kinds of degradation in the order of the paper's tables.
const KINDS: [&str; 5] = ["noise", "haze", "rain", "blur", "low-light"];

/// An experiment's numbers so far.
#[derive(Debug)]
pub struct Answers {
    /// Case by case; within a case by kind of degradation, test set and strength.
    pub measurements: Vec<Measurement>,
    /// The cases that are not complete, each with what it waits for.
    pub unfinished: Vec<Unfinished>,
}

/// A case without all its numbers.
#[derive(Debug)]
pub struct Unfinished {
    /// Such as `lambda2 0.05, seed 1`.
    pub case: String,
    pub pending: Vec<Pending>,
}

/// Reads everything about the cases that `experiment` means today.
///
/// # Errors
/// [`Exit::Unknown`] for an experiment that was never run here.
pub fn read(database: &Database, experiment: &str) -> Result<Answers, Failure> {
    let cases = database.cases(experiment)?;
    if cases.is_empty() {
        return Err(unknown(experiment, &database.experiment_names()?));
    }
    let mut answers = Answers {
        measurements: Vec::new(),
        unfinished: Vec::new(),
    };
    for case in cases {
        let mut measurements = measurements(database, &case)?;
        measurements.sort_by_cached_key(|m| order(&m.test, &m.degradation));
        let pending = database.pending(case.id)?;
        if !pending.is_empty() || measurements.is_empty() {
            let case = format!("{}, {} scale, seed {}", case.name, case.scale, case.seed);
            answers.unfinished.push(Unfinished { case, pending });
        }
        answers.measurements.append(&mut measurements);
    }
    Ok(answers)
}

fn measurements(database: &Database, case: &Case) -> Result<Vec<Measurement>, DatabaseError> {
    let towers = towers_of(&case.settings);
    let rows = database.evaluations(case.id)?.into_iter();
    Ok(rows
        .map(|row| Measurement {
            case: case.name.clone(),
            scale: case.scale.clone(),
            towers: towers.clone(),
            seed: case.seed,
            test: row.test,
            degradation: row.degradation,
            picture: row.picture,
            tier: row.tier,
            metric: row.metric,
            value: row.value,
        })
        .collect())
}

/// The setting `towers` of a case.
fn towers_of(settings: &str) -> String {
    let settings: Value = serde_json::from_str(settings).unwrap_or_default();
    settings["towers"].as_str().unwrap_or("not recorded").to_owned()
}

/// Noise before haze, CBSD68 before Kodak24, σ 15 before 25.
fn order(test: &str, degradation: &str) -> (usize, String, u32, String) {
    let kind = degradation.trim_end_matches(|c: char| c.is_ascii_digit());
    let place = KINDS.iter().position(|known| *known == kind).unwrap_or(KINDS.len());
    let strength = degradation[kind.len()..].parse().unwrap_or(0);
    (
        place,
        test_name(test, degradation).to_owned(),
        strength,
        degradation.to_owned(),
    )
}

fn unknown(experiment: &str, recorded: &[String]) -> Failure {
    let failure = Failure::new(
        Exit::Unknown,
        format!("there are no results of an experiment called '{experiment}'"),
    );
    let names = recorded.iter().map(String::as_str);
    match nearest(experiment, names) {
        Some(near) => failure.help(format!("did you mean '{near}'?")),
        None if recorded.is_empty() => failure.help(format!("`perceive-ir run {experiment}` makes them")),
        None => failure.help(format!(
            "`perceive-ir run {experiment}` makes them; recorded so far: {}",
            recorded.join(", ")
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::database::artefacts::NewArtefact;
    use crate::database::runs::NewRun;
    use crate::database::tests::database;
    use crate::journal::{Event, Line};

    #[test]
    fn test_sets_come_in_the_papers_order() {
        let mut tests = [
            ("LOL low-light", "low-light"),
            ("Kodak24 noise15", "noise15"),
            ("CBSD68 noise50", "noise50"),
            ("my own snow", "snow"),
            ("Rain100L rain", "rain"),
            ("CBSD68 noise5", "noise5"),
            ("SOTS-Outdoor haze", "haze"),
        ];
        tests.sort_by_cached_key(|(test, degradation)| order(test, degradation));
        let names = tests.map(|(test, _)| test);
        let expected = [
            "CBSD68 noise5",
            "CBSD68 noise50",
            "Kodak24 noise15",
            "SOTS-Outdoor haze",
            "Rain100L rain",
            "LOL low-light",
            "my own snow",
        ];
        assert_eq!(names, expected);
    }

    fn evaluated(tier: &str, value: f64) -> Event {
        Event::Evaluation {
            test: "CBSD68 noise25".into(),
            degradation: "noise25".into(),
            picture: "a.png".into(),
            tier: tier.into(),
            metric: "psnr_rgb".into(),
            value,
        }
    }

    /// A run of `case` that is to make `key`, with what its journal tells.
    fn attempted(database: &Database, folder: &Path, case: i64, stage: &str, key: &str, events: Vec<Event>) {
        let run = NewRun {
            case: Some(case),
            stage: stage.into(),
            label: String::new(),
            artefact_key: key.into(),
            seed: 1,
            device: "cpu".into(),
            command: "perceive-ir run quickstart".into(),
            version: "0".into(),
            code_commit: None,
            dirty: false,
            attempt: 1,
        };
        let id = database.start_run(&run).unwrap();
        let lines = (1..).zip(events).map(|(seq, event)| Line { seq, at: 0, event });
        let text: String = lines.map(|line| serde_json::to_string(&line).unwrap() + "\n").collect();
        let journal = folder.join(format!("{id}.jsonl"));
        std::fs::write(&journal, text).unwrap();
        database.import(&id, &journal).unwrap();
        database.use_artefact(case, key).unwrap();
    }

    #[test]
    fn numbers_come_through_the_artefacts_and_what_is_missing_is_told() {
        let (folder, database) = database();
        let settings = r#"{"towers":"stand-in"}"#;
        let whole = database.case("quickstart", "base", 1, "tiny", settings).unwrap();
        let events = vec![evaluated("degraded", 20.0), evaluated("restored", 29.5)];
        attempted(&database, folder.path(), whole, "evaluate", "e1", events);
        let artefact = NewArtefact {
            key: "e1",
            stage: "evaluate",
            label: "",
            path: "e1",
            bytes: 1,
            settings: "{}",
        };
        database.record_artefact(artefact).unwrap();
        let begun = database.case("quickstart", "base", 2, "tiny", settings).unwrap();
        attempted(&database, folder.path(), begun, "restore", "r2", Vec::new());

        let answers = read(&database, "quickstart").unwrap();
        let values: Vec<f64> = answers.measurements.iter().map(|m| m.value).collect();
        assert_eq!(values, [20.0, 29.5]);
        assert_eq!(answers.measurements[0].towers, "stand-in");
        assert_eq!(answers.unfinished.len(), 1);
        assert!(answers.unfinished[0].case.contains("seed 2"));
        assert_eq!(answers.unfinished[0].pending[0].stage.as_deref(), Some("restore"));
        assert_eq!(read(&database, "nothing").unwrap_err().exit, Exit::Unknown);
    }

    #[test]
    fn towers_are_read_from_the_settings() {
        assert_eq!(towers_of(r#"{"seed": 1, "towers": "stand-in"}"#), "stand-in");
        assert_eq!(towers_of("{}"), "not recorded");
    }

    #[test]
    fn an_experiment_that_never_ran_is_told_the_nearest_or_how_to_run_it() {
        let failure = unknown("quikstart", &["quickstart".into(), "denoise-small".into()]);
        assert_eq!(failure.exit, Exit::Unknown);
        assert!(format!("{failure:?}").contains("'quickstart'"));
        assert!(format!("{:?}", unknown("quickstart", &[])).contains("perceive-ir run quickstart"));
    }
}
