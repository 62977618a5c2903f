//! `perceive-ir runs gc`: makes room by a retention policy (`retention.rs` decides, this carries it out).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::{Span, SpanRelativeTo};
use serde_json::Value;

use super::files::bytes_of;
use super::removal::{REMOVED, remove_artefact, remove_if_there};
use crate::database::artefacts::Artefact;
use crate::database::runs::{Run, RunFilter};
use crate::database::{Database, now};
use crate::failure::{Exit, Failure};
use crate::home::Home;
use crate::retention::{self, Policy, Record, Verdict, Work, WorkOf};
use crate::show::{Cell, Format, Table, Talk, bytes, count};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Keep cases that were used within this time, such as 30d, 12h or 2w.
    #[arg(long, value_name = "TIME")]
    older_than: Option<String>,
    /// Keep the so many newest cases of each experiment.
    #[arg(long, value_name = "N")]
    keep_last: Option<usize>,
    /// Keep the so many best cases of each experiment.
    #[arg(long, value_name = "N")]
    keep_best: Option<usize>,
    /// What best means: this metric's mean over the restored test pictures.
    #[arg(long, value_name = "NAME", default_value = "psnr_rgb")]
    metric: String,
    /// Let go of cases of this experiment only.
    #[arg(long, value_name = "NAME")]
    experiment: Option<String>,
    /// Say what would be removed, remove nothing.
    #[arg(long)]
    dry_run: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// The record as it was read, and what else is needed to carry a verdict out.
struct Stock {
    record: Record,
    cases: BTreeMap<i64, String>,
    runs: BTreeMap<String, Run>,
    artefacts: BTreeMap<String, Artefact>,
    /// Where each folder of [`Record::work`] lies.
    places: BTreeMap<String, PathBuf>,
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    let policy = args.policy()?;
    drop(Database::open_read_only(home)?);
    let _hold = if args.dry_run { None } else { Some(home.hold()?) };
    let database = Database::open(home)?;
    database.settle_lost(home)?;
    args.check(&database)?;
    let stock = Stock::read(&database, home, &args.metric)?;
    let verdict = policy.verdict(&stock.record, now());
    let (table, sum) = stock.told(&verdict, home);
    if !args.dry_run {
        stock.carry_out(&verdict, &database, home)?;
    }
    table.print(args.format)?;
    let would = if args.dry_run { "would remove" } else { "removed" };
    talk.say(format!(
        "{would} {}, {}, {}, {} of unfinished work, {}: {}",
        count(verdict.cases.len(), "case"),
        count(verdict.runs.len(), "run"),
        count(verdict.artefacts.len(), "artefact"),
        count(verdict.work.len(), "folder"),
        count(verdict.journals.len(), "imported journal"),
        bytes(sum)
    ));
    Ok(())
}

impl Args {
    fn policy(&self) -> Result<Policy, Failure> {
        Ok(Policy {
            experiment: self.experiment.clone(),
            older_than: self.older_than.as_deref().map(milliseconds).transpose()?,
            keep_last: self.keep_last,
            keep_best: self.keep_best,
        })
    }

    /// Names that are not recorded would let go of everything, or of nothing.
    fn check(&self, database: &Database) -> Result<(), Failure> {
        if let Some(name) = &self.experiment {
            let names = database.experiment_names()?;
            if !names.contains(name) {
                return Err(Failure::unknown("experiment", name, names.iter().map(String::as_str)));
            }
        }
        let metrics = database.evaluated_metrics()?;
        if self.keep_best.is_some() && !metrics.is_empty() && !metrics.contains(&self.metric) {
            let known = metrics.iter().map(String::as_str);
            return Err(Failure::unknown("measured metric", &self.metric, known));
        }
        Ok(())
    }
}

/// A span of time as people write it.
fn milliseconds(text: &str) -> Result<i64, Failure> {
    let span = text
        .parse::<Span>()
        .and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()));
    match span.map(|duration| duration.as_millis()) {
        Ok(span) if span >= 0 => Ok(i64::try_from(span).unwrap_or(i64::MAX)),
        _ => Err(Failure::new(Exit::Usage, format!("'{text}' is no span of time")).help("such as 30d, 12h or 2w")),
    }
}

/// Whether a smaller number of this metric is the better one.
fn is_distance(metric: &str) -> bool {
    ["lpips", "dists", "niqe", "mse", "mae"]
        .iter()
        .any(|name| metric.starts_with(name))
}

impl Stock {
    fn read(database: &Database, home: &Home, metric: &str) -> Result<Self, Failure> {
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
        let case_name = |case: &crate::database::housekeeping::CaseAge| {
            format!("{}/{}#{}", case.experiment, case.name, case.seed as u64)
        };
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
    fn told(&self, verdict: &Verdict, home: &Home) -> (Table, u64) {
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
    fn carry_out(&self, verdict: &Verdict, database: &Database, home: &Home) -> Result<(), Failure> {
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
fn named(value: &Value, keys: &BTreeSet<&str>) -> BTreeSet<String> {
    match value {
        Value::String(text) if keys.contains(text.as_str()) => [text.clone()].into(),
        Value::Array(values) => values.iter().flat_map(|value| named(value, keys)).collect(),
        Value::Object(members) => members.values().flat_map(|value| named(value, keys)).collect(),
        _ => BTreeSet::new(),
    }
}

/// The folders of unfinished work, and where they lie.
fn work(home: &Home, keys: &BTreeSet<&str>) -> Result<(Vec<Work>, BTreeMap<String, PathBuf>), Failure> {
    let (mut found, mut places) = (Vec::new(), BTreeMap::new());
    for name in names_in(&home.work())? {
        let place = home.work_of(&name);
        let order = fs::read(place.join("order.json")).unwrap_or_default();
        let order: Value = serde_json::from_slice(&order).unwrap_or_default();
        let of = if name.starts_with(REMOVED) {
            WorkOf::Removal
        } else {
            WorkOf::Artefact(name.clone())
        };
        found.push(Work {
            of,
            inputs: named(&order, keys),
            at: changed(&place),
            name: name.clone(),
        });
        places.insert(name, place);
    }
    for run in names_in(&home.reproductions())? {
        let place = home.reproductions().join(&run);
        let name = format!("reproduce/{run}");
        found.push(Work {
            name: name.clone(),
            inputs: BTreeSet::new(),
            at: changed(&place),
            of: WorkOf::Reproduction(run),
        });
        places.insert(name, place);
    }
    Ok((found, places))
}

fn names_in(folder: &Path) -> Result<Vec<String>, Failure> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|error| Failure::io(format!("cannot read {}", folder.display()), &error))?,
    };
    let names = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok());
    Ok(names.collect())
}

/// When a folder last changed, in milliseconds since the Unix epoch; now, where the system does not tell.
fn changed(path: &Path) -> i64 {
    let time = fs::metadata(path).and_then(|found| found.modified()).ok();
    let since = time.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    since.map_or_else(now, |since| since.as_millis() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_read_as_people_write_it() {
        let day = 86_400_000;
        for (text, expected) in [
            ("30d", 30 * day),
            ("12h", day / 2),
            ("2w", 14 * day),
            ("1 day 30m", day + 1_800_000),
        ] {
            assert_eq!(milliseconds(text).unwrap(), expected, "{text}");
        }
        for odd in ["", "soon", "-3d", "30"] {
            assert_eq!(milliseconds(odd).unwrap_err().exit, Exit::Usage, "{odd}");
        }
    }

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
