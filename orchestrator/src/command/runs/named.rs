//! What people call runs and cases: a run by (the beginning of) its id, a case as `experiment/case[#seed][@scale]`.

use std::collections::BTreeSet;

use crate::command::planned::Files;
use crate::database::experiments::Case;
use crate::database::runs::{Run, RunState};
use crate::database::{Database, DatabaseError};
use crate::failure::{Exit, Failure};
use crate::spec::{BASE_CASE, Outside};

/// What a name on the command line means.
#[derive(Clone, Debug)]
pub enum Named {
    Run(Box<Run>),
    Case(Case),
}

impl Named {
    /// # Errors
    /// [`Exit::Unknown`] for what is not recorded, and for what could mean several things, with all of them.
    pub fn find(database: &Database, name: &str) -> Result<Self, Failure> {
        match name.split_once('/') {
            None => match database.find(name) {
                Err(DatabaseError::NoRun(_)) if database.experiment_names()?.iter().any(|known| known == name) => {
                    Err(bare(database, name)?)
                }
                Err(DatabaseError::NoRun(_)) if let Some(failure) = not_run(name, None) => Err(failure),
                found => Ok(Self::Run(Box::new(found?))),
            },
            Some((experiment, rest)) => case(database, experiment, rest).map(Self::Case),
        }
    }

    /// The one run that a name means: of a case, the newest that trained (or trains) its restorer.
    ///
    /// # Errors
    /// As [`Named::find`], and [`Exit::Unknown`] for a case of which no such run is recorded.
    pub fn run(database: &Database, name: &str) -> Result<Run, Failure> {
        match Self::find(database, name)? {
            Self::Run(run) => Ok(*run),
            Self::Case(case) => {
                let runs = runs_begun(database, &case)?.into_iter();
                let newest = runs.filter(|run| run.stage == "restore").max_by(|a, b| a.id.cmp(&b.id));
                newest.ok_or_else(|| {
                    let text = format!("no restore run of {} is recorded", full_name(&case));
                    let run = how_to_run(&case.experiment, &case.name);
                    Failure::new(Exit::Unknown, text).help(format!("{run}; `perceive-ir runs ls` lists the runs"))
                })
            }
        }
    }
}

/// All runs that made, or tried to make, what a case stands on.
///
/// # Errors
/// [`Exit::Unknown`] where there are none: the case was asked for, and nothing of it was begun.
pub fn runs_begun(database: &Database, case: &Case) -> Result<Vec<Run>, Failure> {
    match attempts(database, case.id)? {
        runs if runs.is_empty() => Err(never_run(&full_name(case), &case.experiment, Some(&case.name))),
        runs => Ok(runs),
    }
}

/// The case's own runs, and the runs of others that made what it stands on.
pub fn runs_of_case(database: &Database, case: i64) -> Result<Vec<Run>, Failure> {
    let mut runs = attempts(database, case)?;
    runs.retain(|run| run.case_id == Some(case) || run.state == RunState::Done);
    Ok(runs)
}

/// All runs that made, or tried to make, what a case stands on.
fn attempts(database: &Database, case: i64) -> Result<Vec<Run>, Failure> {
    let mut runs = Vec::new();
    for key in database.case_artefacts()?.remove(&case).unwrap_or_default() {
        runs.extend(database.runs_of_artefact(&key)?);
    }
    Ok(runs)
}

/// What to say to an experiment, or a case of it, that can be run and is not recorded; `None` for what cannot be run.
fn not_run(experiment: &str, case: Option<&str>) -> Option<Failure> {
    let outside = Outside {
        only: case.map(String::from).into_iter().collect(),
        ..Outside::default()
    };
    Files::usual().open().ok()?.cases(experiment, &outside).ok()?;
    let name = case.map_or_else(|| experiment.to_string(), |case| format!("{experiment}/{case}"));
    Some(never_run(&name, experiment, case))
}

fn never_run(name: &str, experiment: &str, case: Option<&str>) -> Failure {
    Failure::new(Exit::Unknown, format!("{name} has not been run yet"))
        .help(how_to_run(experiment, case.unwrap_or(BASE_CASE)))
}

fn how_to_run(experiment: &str, case: &str) -> String {
    match case {
        BASE_CASE => format!("`perceive-ir run {experiment}` runs it"),
        case => format!("`perceive-ir run {experiment} --only {case}` runs it"),
    }
}

/// What to say to an experiment's name where a run or a case is meant.
fn bare(database: &Database, experiment: &str) -> Result<Failure, Failure> {
    let cases = database.cases(experiment)?;
    let names: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    let names: Vec<String> = names.iter().map(|name| format!("{experiment}/{name}")).collect();
    let text =
        format!("'{experiment}' is an experiment: what is taken here is RUN, experiment/case or experiment/case#seed");
    let known = if names.is_empty() {
        "none yet".into()
    } else {
        names.join(", ")
    };
    Ok(Failure::new(Exit::Unknown, text).help(format!("its cases: {known}")))
}

/// The name by which [`Named::find`] finds a case again.
pub fn full_name(case: &Case) -> String {
    format!("{}/{}#{}@{}", case.experiment, case.name, case.seed as u64, case.scale)
}

fn case(database: &Database, experiment: &str, rest: &str) -> Result<Case, Failure> {
    let (rest, scale) = split(rest, '@');
    let (name, seed) = split(rest, '#');
    let cases = database.cases(experiment)?;
    if cases.iter().all(|case| case.name != name)
        && let Some(failure) = not_run(experiment, Some(name))
    {
        return Err(failure);
    }
    if cases.is_empty() {
        let names = database.experiment_names()?;
        return Err(Failure::unknown(
            "experiment",
            experiment,
            names.iter().map(String::as_str),
        ));
    }
    let called: Vec<Case> = cases.iter().filter(|case| case.name == name).cloned().collect();
    if called.is_empty() {
        let kind = format!("case of {experiment}");
        return Err(Failure::unknown(
            &kind,
            name,
            cases.iter().map(|case| case.name.as_str()),
        ));
    }
    let meant = |case: &&Case| {
        seed.is_none_or(|seed| seed == (case.seed as u64).to_string()) && scale.is_none_or(|scale| scale == case.scale)
    };
    let mut found: Vec<Case> = called.iter().filter(meant).cloned().collect();
    let list = |cases: &[Case]| cases.iter().map(full_name).collect::<Vec<_>>().join(", ");
    match (found.pop(), found.is_empty()) {
        (Some(one), true) => Ok(one),
        (Some(last), false) => {
            found.push(last);
            let text = format!(
                "'{experiment}/{rest}' is the name of {} cases: {}",
                found.len(),
                list(&found)
            );
            Err(Failure::new(Exit::Unknown, text).help("add #SEED, and @SCALE where it is not enough"))
        }
        (None, _) => {
            let text = format!("there is no '{experiment}/{rest}' of that seed and scale");
            Err(Failure::new(Exit::Unknown, text).help(format!("known: {}", list(&called))))
        }
    }
}

fn split(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at)
        .map_or((text, None), |(before, after)| (before, Some(after)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::tests::database;

    #[test]
    fn a_case_is_found_by_name_seed_and_scale() {
        let (_folder, database) = database();
        for (name, seed, scale) in [("a", 0, "tiny"), ("b", 0, "tiny"), ("b", 1, "tiny"), ("b", 1, "paper")] {
            database.case("table7", name, seed, scale, "{}").unwrap();
        }
        let find = |name: &str| match Named::find(&database, name) {
            Ok(Named::Case(case)) => Ok(full_name(&case)),
            Ok(Named::Run(run)) => panic!("{run:?}"),
            Err(failure) => Err(failure),
        };
        assert_eq!(find("table7/a").unwrap(), "table7/a#0@tiny");
        assert_eq!(find("table7/b#0").unwrap(), "table7/b#0@tiny");
        assert_eq!(find("table7/b#1@paper").unwrap(), "table7/b#1@paper");
        let several = find("table7/b").unwrap_err();
        assert!(several.to_string().contains("table7/b#1@paper"), "{several}");
        assert!(find("table7/b#1").is_err());
        for (name, words) in [
            ("tabel7/a", "experiment"),
            ("table7/z", "case of table7"),
            ("table7/c", "has not been run yet"),
            ("table8/x", "experiment"),
            ("table7/a#9", "of that seed"),
        ] {
            let failure = find(name).unwrap_err();
            assert_eq!(failure.exit, Exit::Unknown);
            assert!(failure.to_string().contains(words), "{failure}");
        }
        let bare = find("table7").unwrap_err().with_help();
        assert!(
            bare.contains("experiment/case#seed") && bare.contains("table7/a, table7/b"),
            "{bare}"
        );
        let never = find("table7/c").unwrap_err().with_help();
        assert!(never.contains("`perceive-ir run table7 --only c` runs it"), "{never}");
        let never = find("quickstart").unwrap_err().with_help();
        assert!(never.contains("quickstart has not been run yet") && never.contains("`perceive-ir run quickstart`"));
        assert!(find("ffff").unwrap_err().to_string().contains("no run 'ffff'"));
    }

    #[test]
    fn a_case_of_which_nothing_was_begun_says_how_to_run_it() {
        let (_folder, database) = database();
        database.case("table7", "a", 0, "tiny", "{}").unwrap();
        let failure = Named::run(&database, "table7/a").unwrap_err();
        assert_eq!(failure.exit, Exit::Unknown);
        let told = failure.with_help();
        assert!(told.contains("table7/a#0@tiny has not been run yet"), "{told}");
        assert!(told.contains("`perceive-ir run table7 --only a` runs it"), "{told}");
    }
}
