//! What people call runs and cases: a run by (the beginning of) its id, a case as `experiment/case[#seed][@scale]`.

use crate::database::Database;
use crate::database::experiments::Case;
use crate::database::runs::Run;
use crate::failure::{Exit, Failure};

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
            None => Ok(Self::Run(Box::new(database.find(name)?))),
            Some((experiment, rest)) => case(database, experiment, rest).map(Self::Case),
        }
    }
}

/// The name by which [`Named::find`] finds a case again.
pub fn full_name(case: &Case) -> String {
    format!("{}/{}#{}@{}", case.experiment, case.name, case.seed as u64, case.scale)
}

fn case(database: &Database, experiment: &str, rest: &str) -> Result<Case, Failure> {
    let (rest, scale) = split(rest, '@');
    let (name, seed) = split(rest, '#');
    let cases = database.cases(experiment)?;
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
            ("table7/c", "case of table7"),
            ("table7/a#9", "of that seed"),
        ] {
            let failure = find(name).unwrap_err();
            assert_eq!(failure.exit, Exit::Unknown);
            assert!(failure.to_string().contains(words), "{failure}");
        }
        assert!(find("ffff").unwrap_err().to_string().contains("no run 'ffff'"));
    }
}
