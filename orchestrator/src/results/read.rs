//! What the record knows about an experiment: the numbers of its cases, their settings, and what is still missing.
//!
//! Three statements, however many cases there are; SQLite averages over pictures.

use std::collections::HashMap;

use super::measurement::{Measurement, Per};
use super::settings::{self, Settings};
use crate::database::evaluations::{Evaluation, Mean};
use crate::database::progress::Pending;
use crate::database::{Database, DatabaseError};
use crate::failure::{Exit, Failure, nearest};
use crate::paper::{self, Table};
use crate::spec::only::matches;

/// An experiment's numbers so far.
#[derive(Debug)]
pub struct Answers {
    /// Every case and seed that the experiment means today, in the order of the paper's table, or of birth.
    pub cases: Vec<Case>,
    /// Case by case.
    pub measurements: Vec<Measurement>,
    /// The cases that are not complete, each with what it waits for.
    pub unfinished: Vec<Unfinished>,
}

/// One point of the experiment's grid under one seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    pub name: String,
    /// `tiny`, `small` or `paper`.
    pub scale: String,
    /// What stood for CLIP, DINOv2 and VGG-16, such as `stand-in`; `none` where none was used.
    pub towers: String,
    pub seed: i64,
    pub settings: Settings,
}

/// A case without all its numbers.
#[derive(Debug)]
pub struct Unfinished {
    /// Such as `lambda2 0.05, small scale, seed 1`.
    pub case: String,
    pub pending: Vec<Pending>,
}

/// Reads the cases that `experiment` means today; only those that one of the patterns `only` names, unless there is none.
///
/// # Errors
/// [`Exit::Unknown`] for an experiment that was never run here, or a case that it does not have.
pub fn read(database: &Database, experiment: &str, only: &[String], per: Per) -> Result<Answers, Failure> {
    let mut recorded = database.cases(experiment)?;
    if recorded.is_empty() {
        return Err(unknown(experiment, &database.experiment_names()?));
    }
    let none_is = |pattern: &&String| !recorded.iter().any(|case| matches(pattern, &case.name));
    if let Some(pattern) = only.iter().find(none_is) {
        let names = recorded.iter().map(|case| case.name.as_str());
        let mut names: Vec<&str> = names.collect();
        names.dedup();
        return Err(Failure::unknown(&format!("case of {experiment}"), pattern, names));
    }
    recorded.retain(|case| only.is_empty() || only.iter().any(|pattern| matches(pattern, &case.name)));
    let printed = paper::find(experiment).map(Table::rows).unwrap_or_default();
    recorded.sort_by_key(|case| printed.iter().position(|row| row.0 == case.name).unwrap_or(usize::MAX));
    let ids: Vec<i64> = recorded.iter().map(|case| case.id).collect();
    let places: HashMap<i64, usize> = ids.iter().copied().zip(0..).collect();
    let measurements = measurements(database, &ids, &places, per)?;
    let mut pending = HashMap::<i64, Vec<Pending>>::new();
    for missing in database.pending(&ids)? {
        pending.entry(missing.case_id).or_default().push(missing);
    }
    let mut is_measured = vec![false; recorded.len()];
    for measurement in &measurements {
        is_measured[measurement.case] = true;
    }
    let unfinished = recorded.iter().zip(is_measured).filter_map(|(case, is_measured)| {
        let pending = pending.remove(&case.id);
        (pending.is_some() || !is_measured).then(|| Unfinished {
            case: format!("{}, {} scale, seed {}", case.name, case.scale, case.seed),
            pending: pending.unwrap_or_default(),
        })
    });
    let unfinished = unfinished.collect();
    let cases = recorded.into_iter().map(|case| {
        let settings = settings::parse(&case.settings);
        Case {
            towers: settings::towers(&settings),
            name: case.name,
            scale: case.scale,
            seed: case.seed,
            settings,
        }
    });
    Ok(Answers {
        cases: cases.collect(),
        measurements,
        unfinished,
    })
}

fn measurements(
    database: &Database,
    ids: &[i64],
    places: &HashMap<i64, usize>,
    per: Per,
) -> Result<Vec<Measurement>, DatabaseError> {
    Ok(match per {
        Per::Test => {
            let means = database.means(ids)?.into_iter();
            let measurement = |mean: Mean| {
                Some(Measurement {
                    case: *places.get(&mean.case_id)?,
                    test: mean.test,
                    degradation: mean.degradation,
                    picture: String::new(),
                    tier: mean.tier,
                    metric: mean.metric,
                    value: mean.mean,
                    pictures: mean.pictures as u32,
                })
            };
            means.filter_map(measurement).collect()
        }
        Per::Picture => {
            let numbers = database.evaluations(ids)?.into_iter();
            let measurement = |number: Evaluation| {
                Some(Measurement {
                    case: *places.get(&number.case_id)?,
                    test: number.test,
                    degradation: number.degradation,
                    picture: number.picture,
                    tier: number.tier,
                    metric: number.metric,
                    value: number.value,
                    pictures: 1,
                })
            };
            numbers.filter_map(measurement).collect()
        }
    })
}

/// An experiment without cases: never run here, or its cases were removed.
fn unknown(experiment: &str, recorded: &[String]) -> Failure {
    if recorded.iter().any(|name| name == experiment) {
        return Failure::new(Exit::Unknown, format!("{experiment}: nothing is evaluated"))
            .help(format!("`perceive-ir run {experiment}` makes its results"));
    }
    let failure = Failure::new(
        Exit::Unknown,
        format!("there are no results of an experiment called '{experiment}'"),
    );
    let names = recorded.iter().map(String::as_str);
    match nearest(experiment, names) {
        Some(near) => failure.help(format!("did you mean '{near}'?")),
        None if recorded.is_empty() => failure.help(format!(
            "`perceive-ir run {experiment}` makes them, if it is one of `perceive-ir spec ls`"
        )),
        None => failure.help(format!(
            "`perceive-ir run {experiment}` makes them, if it is one of `perceive-ir spec ls`; recorded so far: {}",
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

    fn evaluated(picture: &str, tier: &str, value: f64) -> Event {
        Event::Evaluation {
            test: "CBSD68 noise25".into(),
            degradation: "noise25".into(),
            picture: picture.into(),
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

    fn whole(database: &Database, key: &str) {
        let artefact = NewArtefact {
            key,
            stage: "evaluate",
            label: "",
            path: key,
            bytes: 1,
            settings: "{}",
        };
        database.record_artefact(artefact).unwrap();
    }

    const SETTINGS: &str = r#"{"towers":"stand-in"}"#;

    #[test]
    fn numbers_come_through_the_artefacts_and_what_is_missing_is_told() {
        let (folder, database) = database();
        let done = database.case("quickstart", "base", 1, "tiny", SETTINGS).unwrap();
        let events = vec![
            evaluated("a.png", "degraded", 20.0),
            evaluated("a.png", "restored", 29.0),
            evaluated("b.png", "restored", 30.0),
        ];
        attempted(&database, folder.path(), done, "evaluate", "e1", events);
        whole(&database, "e1");
        let begun = database.case("quickstart", "base", 2, "tiny", SETTINGS).unwrap();
        attempted(&database, folder.path(), begun, "restore", "r2", Vec::new());

        let answers = read(&database, "quickstart", &[], Per::Test).unwrap();
        let means: Vec<(f64, u32)> = answers.measurements.iter().map(|m| (m.value, m.pictures)).collect();
        assert_eq!(means, [(20.0, 1), (29.5, 2)]);
        assert_eq!(answers.cases[0].towers, "stand-in");
        assert_eq!(answers.unfinished.len(), 1);
        assert!(answers.unfinished[0].case.contains("seed 2"));
        assert_eq!(answers.unfinished[0].pending[0].stage.as_deref(), Some("restore"));
        assert_eq!(
            read(&database, "nothing", &[], Per::Test).unwrap_err().exit,
            Exit::Unknown
        );

        let pictures = read(&database, "quickstart", &[], Per::Picture).unwrap().measurements;
        let pictures: Vec<(&str, f64)> = pictures.iter().map(|m| (m.picture.as_str(), m.value)).collect();
        assert_eq!(pictures, [("a.png", 20.0), ("a.png", 29.0), ("b.png", 30.0)]);
    }

    #[test]
    fn cases_that_share_an_artefact_share_its_numbers_and_others_are_left_out() {
        let (folder, database) = database();
        let first = database.case("table7", "a", 1, "tiny", SETTINGS).unwrap();
        let events = vec![evaluated("a.png", "restored", 29.0)];
        attempted(&database, folder.path(), first, "evaluate", "e1", events);
        whole(&database, "e1");
        let second = database.case("table7", "b", 1, "tiny", SETTINGS).unwrap();
        database.use_artefact(second, "e1").unwrap();

        let both = read(&database, "table7", &[], Per::Test).unwrap();
        assert_eq!(both.measurements.iter().map(|m| m.case).collect::<Vec<_>>(), [0, 1]);
        let one = read(&database, "table7", &["b".into()], Per::Test).unwrap();
        assert_eq!((one.cases.len(), one.cases[0].name.as_str()), (1, "b"));
        assert_eq!(one.measurements.len(), 1);
        let failure = read(&database, "table7", &["c".into()], Per::Test).unwrap_err();
        assert_eq!(failure.exit, Exit::Unknown);
        assert!(
            failure.with_help().contains("case of table7"),
            "{}",
            failure.with_help()
        );
    }

    #[test]
    fn cases_of_a_grid_are_named_whole_or_by_a_star() {
        let (_folder, database) = database();
        for name in ["a,clip_aware=0.01", "a,clip_aware=0.05", "b,clip_aware=0.01"] {
            database.case("grid", name, 1, "tiny", SETTINGS).unwrap();
        }
        let names = |only: &[&str]| -> Vec<String> {
            let only: Vec<String> = only.iter().map(|pattern| (*pattern).to_owned()).collect();
            let answers = read(&database, "grid", &only, Per::Test).unwrap();
            answers.cases.into_iter().map(|case| case.name).collect()
        };
        assert_eq!(names(&["a,clip_aware=0.01"]), ["a,clip_aware=0.01"]);
        assert_eq!(names(&["a,*"]), ["a,clip_aware=0.01", "a,clip_aware=0.05"]);
        assert_eq!(
            names(&["b,clip_aware=0.01", "*=0.05"]),
            ["a,clip_aware=0.05", "b,clip_aware=0.01"]
        );
        assert_eq!(
            read(&database, "grid", &["c,*".into()], Per::Test).unwrap_err().exit,
            Exit::Unknown
        );
    }

    #[test]
    fn an_experiment_that_never_ran_is_told_the_nearest_or_how_to_run_it() {
        let failure = unknown("quikstart", &["quickstart".into(), "denoise-small".into()]);
        assert_eq!(failure.exit, Exit::Unknown);
        assert!(format!("{failure:?}").contains("'quickstart'"));
        assert!(format!("{:?}", unknown("quickstart", &[])).contains("perceive-ir run quickstart"));
    }

    #[test]
    fn an_experiment_whose_cases_are_gone_is_not_offered_in_its_own_place() {
        let (_folder, database) = database();
        database.experiment("table7", "").unwrap();
        let failure = read(&database, "table7", &[], Per::Test).unwrap_err();
        assert_eq!(failure.exit, Exit::Unknown);
        let told = failure.with_help();
        assert!(told.contains("table7: nothing is evaluated"), "{told}");
        assert!(
            told.contains("perceive-ir run table7") && !told.contains("did you mean"),
            "{told}"
        );
    }
}
