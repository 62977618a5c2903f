//! What there is to keep or to let go of: read from the record and the home, told, and carried out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::work::work;
use crate::command::runs::files::bytes_of;
use crate::command::runs::removal::{remove_artefact, remove_if_there};
use crate::database::Database;
use crate::database::artefacts::Artefact;
use crate::database::housekeeping::CaseAge;
use crate::database::runs::{Run, RunFilter};
use crate::failure::Failure;
use crate::home::Home;
use crate::retention::{self, Record, Verdict};
use crate::show::{Cell, Table};

/// The record as it was read, and what else is needed to carry a verdict out.
pub struct Stock {
    pub record: Record,
    cases: BTreeMap<i64, String>,
    runs: BTreeMap<String, Run>,
    artefacts: BTreeMap<String, Artefact>,
    /// Where each folder of [`Record::work`] lies.
    places: BTreeMap<String, PathBuf>,
}

impl Stock {
    pub fn read(database: &Database, home: &Home, metric: &str) -> Result<Self, Failure> {
        let labels = database.labels()?;
        let runs = database.runs(RunFilter::default())?;
        let artefacts = database.artefacts()?;
        let keys: BTreeSet<&str> = artefacts.iter().map(|artefact| artefact.key.as_str()).collect();
        let mut uses = database.case_artefacts()?;
        let scores = database.case_scores(metric)?;
        let sign = if is_distance(metric) { -1.0 } else { 1.0 };
        let ages = database.case_ages()?;
        let offsets = database.journal_offsets()?;
        let (work, places) = work(home, &keys)?;
        let record = Record {
            cases: ages
                .iter()
                .map(|case| retention::Case {
                    id: case.id,
                    experiment: case.experiment.clone(),
                    seen_at: case.seen_at,
                    score: scores.get(&case.id).map(|score| sign * score),
                    stands_on: uses.remove(&case.id).unwrap_or_default(),
                })
                .collect(),
            runs: runs
                .iter()
                .map(|run| retention::Run {
                    id: run.id.clone(),
                    case: run.case_id,
                    artefact: run.artefact_key.clone(),
                    state: run.state,
                    tagged: !labels.tags(&run.id).is_empty(),
                    at: run.ended_at.or(run.heartbeat).unwrap_or(run.queued_at),
                })
                .collect(),
            artefacts: artefacts
                .iter()
                .map(|artefact| retention::Artefact {
                    key: artefact.key.clone(),
                    inputs: inputs(artefact, &keys),
                })
                .collect(),
            journals: runs
                .iter()
                .filter_map(|run| {
                    let length = fs::metadata(home.journal(&run.id)).ok()?.len();
                    Some(retention::Journal {
                        run: run.id.clone(),
                        imported: offsets.get(&run.id).is_some_and(|offset| *offset == length),
                    })
                })
                .collect(),
            work,
        };
        let case_name = |case: &CaseAge| format!("{}/{}#{}", case.experiment, case.name, case.seed as u64);
        Ok(Self {
            record,
            cases: ages.iter().map(|case| (case.id, case_name(case))).collect(),
            runs: runs.into_iter().map(|run| (run.id.clone(), run)).collect(),
            artefacts: artefacts
                .into_iter()
                .map(|artefact| (artefact.key.clone(), artefact))
                .collect(),
            places,
        })
    }

    /// What goes, in a table, and how many bytes that is.
    pub fn told(&self, verdict: &Verdict, home: &Home) -> (Table, u64) {
        let mut table = Table::new(["what", "name", "of", "size"]);
        let mut sum = 0;
        let mut row = |what: &str, name: &str, of: String, size: Option<u64>| {
            sum += size.unwrap_or(0);
            let size = size.map_or(Cell::None, Cell::Bytes);
            table.push([
                Cell::text(what),
                Cell::text(name),
                Cell::maybe(Some(of).filter(|of| !of.is_empty())),
                size,
            ]);
        };
        for name in verdict.cases.iter().filter_map(|id| self.cases.get(id)) {
            row("case", name, String::new(), None);
        }
        for run in verdict.runs.iter().filter_map(|id| self.runs.get(id)) {
            let of = format!("{} {}, {}", run.stage, run.label, run.state.name());
            row("run", &run.id, of, Some(bytes_of(&home.journal(&run.id))));
        }
        for artefact in verdict.artefacts.iter().filter_map(|key| self.artefacts.get(key)) {
            let of = format!("{} {}", artefact.stage, artefact.label);
            row("artefact", &artefact.key, of, Some(artefact.bytes.max(0) as u64));
        }
        for (name, place) in verdict
            .work
            .iter()
            .filter_map(|name| Some((name, self.places.get(name)?)))
        {
            row("work", name, String::new(), Some(bytes_of(place)));
        }
        for run in verdict.journals.iter().filter_map(|id| self.runs.get(id)) {
            let of = format!("{} {}", run.stage, run.label);
            row("journal", &run.id, of, Some(bytes_of(&home.journal(&run.id))));
        }
        (table, sum)
    }

    /// What is interrupted here is found and finished by the next one.
    pub fn carry_out(&self, verdict: &Verdict, database: &Database, home: &Home) -> Result<(), Failure> {
        for id in &verdict.runs {
            remove_if_there(&home.journal(id))?;
            database.forget_run(id)?;
        }
        database.forget_cases(&verdict.cases)?;
        for artefact in verdict.artefacts.iter().filter_map(|key| self.artefacts.get(key)) {
            remove_artefact(database, home, artefact)?;
        }
        for place in verdict.work.iter().filter_map(|name| self.places.get(name)) {
            remove_if_there(place)?;
        }
        for id in &verdict.journals {
            remove_if_there(&home.journal(id))?;
        }
        Ok(())
    }
}

/// The artefacts that an artefact names in its settings: whatever stage it is of, those are its inputs.
fn inputs(artefact: &Artefact, keys: &BTreeSet<&str>) -> BTreeSet<String> {
    let settings: Value = serde_json::from_str(&artefact.settings).unwrap_or_default();
    let mut named = named(&settings, keys);
    named.remove(&artefact.key);
    named
}

/// Every text of a JSON value that is an artefact's key.
pub fn named(value: &Value, keys: &BTreeSet<&str>) -> BTreeSet<String> {
    match value {
        Value::String(text) if keys.contains(text.as_str()) => [text.clone()].into(),
        Value::Array(values) => values.iter().flat_map(|value| named(value, keys)).collect(),
        Value::Object(members) => members.values().flat_map(|value| named(value, keys)).collect(),
        _ => BTreeSet::new(),
    }
}

/// Whether a smaller number of this metric is the better one.
fn is_distance(metric: &str) -> bool {
    ["lpips", "dists", "niqe", "mse", "mae"]
        .iter()
        .any(|name| metric.starts_with(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_artefact_reads_whatever_key_its_settings_name() {
        let keys = ["aa", "bb", "cc"].into();
        let artefact = Artefact {
            key: "cc".into(),
            stage: "of tomorrow".into(),
            label: String::new(),
            path: "cc".into(),
            created_at: 0,
            bytes: 0,
            settings: r#"{"sets":[{"listing":{"artefact":"aa"}}],"own":"cc","other":"dd","medium":["bb"]}"#.into(),
        };
        assert_eq!(inputs(&artefact, &keys), ["aa", "bb"].map(String::from).into());
    }
}
