//! `perceive-ir data add PATH…`: looks for datasets, says what was found and what cannot be used, and remembers it.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use perceive_datasets::catalogue;
use perceive_datasets::scan::{Problem, Report, ScanOptions, scan};

use super::stored_name;
use crate::database::{Database, DatabaseError};
use crate::failure::{Exit, Failure, nearest};
use crate::home::Home;
use crate::show::{Cell, Format, Table, Talk, count};

/// So many problems of one kind are named; `-v` and `data show --problems` name all.
const NAMED: usize = 10;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folders to look through.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Say which dataset it is: one of the catalogue, or a name for pictures of your own.
    #[arg(long, value_name = "NAME")]
    dataset: Option<String>,
    /// Say what is found, remember nothing.
    #[arg(long)]
    dry_run: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    let known = match Database::open_read_only(home) {
        Ok(database) => database.known()?,
        Err(DatabaseError::Missing { .. }) => HashMap::new(),
        Err(error) => return Err(error.into()),
    };
    let dataset = args.dataset.as_deref().map(stored_name);
    warn_of_a_slip(dataset);
    let options = ScanOptions {
        dataset: dataset.map(str::to_string),
    };
    let report = scan(&args.paths, &options, &|path| known.get(path).copied())?;

    table(&report).print(args.format)?;
    tell_problems(&report, talk);
    warn_of_too_many(&report);
    if report.found.iter().all(|found| found.count() == 0) {
        return Err(nothing_usable(&report));
    }
    if args.dry_run {
        talk.say("nothing was remembered (--dry-run)");
        return Ok(());
    }
    let database = Database::open(home)?;
    for gone in database.store_scan(&report, &args.paths, dataset)? {
        talk.say(format!(
            "forgot {} {} in {}: the folder is gone",
            gone.dataset, gone.split, gone.root
        ));
    }
    talk.say(format!("remembered in {}", database.path().display()));
    Ok(())
}

/// A name of one's own that is nearly a name of the catalogue is probably a slip.
fn warn_of_a_slip(dataset: Option<&str>) {
    let Some(name) = dataset.filter(|name| catalogue::find(name).is_none()) else {
        return;
    };
    if let Some(near) = nearest(name, catalogue::names()) {
        Talk::warn(format!(
            "'{name}' is taken for a dataset of your own; the catalogue has '{near}'"
        ));
    }
}

fn table(report: &Report) -> Table {
    let mut table = Table::new(["dataset", "split", "layout", "found", "official", "problems", "folder"]);
    for found in &report.found {
        table.push([
            Cell::text(&found.dataset),
            Cell::text(&found.split),
            Cell::text(&found.layout),
            found.count().into(),
            found.official.map_or(Cell::None, Cell::from),
            found.problems.len().into(),
            Cell::text(found.root.display().to_string()),
        ]);
    }
    table
}

/// More pictures than a dataset ever had are probably others.
fn warn_of_too_many(report: &Report) {
    for found in &report.found {
        if let Some(official) = found.official.filter(|official| found.count() > *official) {
            Talk::warn(format!(
                "{} {} has {} in {}, and officially {official}: are these its pictures? `perceive-ir data rm {}` forgets them",
                found.dataset,
                found.split,
                found.count(),
                found.root.display(),
                found.dataset
            ));
        }
    }
}

fn tell_problems(report: &Report, talk: Talk) {
    let named = if talk == Talk::Verbose { usize::MAX } else { NAMED };
    for found in &report.found {
        let mut kinds: BTreeMap<&str, Vec<&Problem>> = BTreeMap::new();
        for problem in &found.problems {
            kinds.entry(problem.word()).or_default().push(problem);
        }
        for (kind, problems) in kinds {
            talk.say(format!("{} {}, {kind}: {}", found.dataset, found.split, problems.len()));
            for problem in problems.iter().take(named) {
                talk.say(format!("  {problem}"));
            }
            if problems.len() > named {
                let more = problems.len() - named;
                let all = format!("perceive-ir data show {} --problems", found.dataset);
                talk.say(format!("  and {more} more; -v or `{all}` names them all"));
            }
        }
        if !found.repeats.is_empty() {
            let pairs = count(found.repeats.len(), "pair");
            let (dataset, split, root) = (&found.dataset, &found.split, found.root.display());
            talk.say(format!(
                "{dataset} {split}: {root} repeats {pairs} of a more complete place"
            ));
        }
    }
    for skipped in &report.skipped {
        talk.say(format!("passed over {}: {}", skipped.path.display(), skipped.reason));
    }
    for folder in &report.unknown {
        talk.say(format!("of no known dataset: {}", folder.display()));
    }
    if !report.unknown.is_empty() {
        talk.say("`perceive-ir data add FOLDER --dataset NAME` adds such pictures under a name of your own");
    }
}

fn nothing_usable(report: &Report) -> Failure {
    let mut names: Vec<&str> = report.found.iter().map(|found| found.dataset.as_str()).collect();
    names.dedup();
    let pairing: Vec<String> = names
        .iter()
        .filter_map(|name| catalogue::find(name))
        .map(|entry| format!("{} is paired by {}", entry.name, entry.pairing))
        .collect();
    let failure = Failure::new(
        Exit::Pictures,
        format!(
            "nothing here can be used: of {} there is no whole pair",
            names.join(", ")
        ),
    );
    if pairing.is_empty() {
        failure
    } else {
        failure.help(pairing.join("; "))
    }
}
