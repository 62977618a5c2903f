//! `perceive-ir runs archive RUN… --to FILE.tar`: everything about runs in one file, with a sum of each part; and
//! `perceive-ir runs unarchive FILE.tar`, which puts it back after checking them.
//!
//! ```text
//! runs/ID/run.json  journal.jsonl  metrics.csv      the rows of a run, its journal, every point of every metric
//! codes/HASH.json   HASH.diff                       the code that made it
//! artefacts/KEY/artefact.json  evaluations.csv  files/…
//! cases.json                                        experiment, case, settings, and what each case stands on
//! manifest.json                                     format, and size and blake3 of every other part; the last one
//! ```

mod numbers;
mod pack;
mod unpack;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::named::{Named, full_name, runs_of_case};
use super::rm;
use crate::database::Database;
use crate::database::rows::Fields;
use crate::database::runs::Run;
use crate::failure::{Exit, Failure};
use crate::home::Home;
use crate::show::{Talk, bytes, count};

pub use unpack::{Args as UnpackArgs, run as unpack};

/// Raised when an older program could not read the archive.
const FORMAT: u32 = 1;

const MANIFEST: &str = "manifest.json";
const CASES: &str = "cases.json";

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Runs by id (or its beginning), or cases as experiment/case[#seed][@scale] with all runs that they stand on.
    #[arg(required = true, value_name = "RUN")]
    names: Vec<String>,
    /// The archive to write; a file that is there is never overwritten.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Once the archive is whole, remove what is in it from the home, as `runs rm` does.
    #[arg(long)]
    remove: bool,
    /// Say what would be archived (and removed), do nothing.
    #[arg(long)]
    dry_run: bool,
}

/// What every other part of an archive is.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    format: u32,
    /// The program that wrote it.
    version: String,
    parts: BTreeMap<String, Part>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    bytes: u64,
    blake3: String,
}

/// A run with all rows that belong to it.
#[derive(Debug, Serialize, Deserialize)]
struct ArchivedRun {
    row: Fields,
    events: Vec<Fields>,
    tags: Vec<Fields>,
    notes: Vec<Fields>,
    code: Vec<Fields>,
    journal: Vec<Fields>,
}

/// A case, and its experiment by name.
#[derive(Debug, Serialize, Deserialize)]
struct ArchivedCase {
    experiment: String,
    toml: String,
    row: Fields,
    stands_on: Vec<String>,
}

/// What is archived: runs by id, with the runs and cases among them that were named.
struct Choice {
    runs: BTreeMap<String, Run>,
    named: BTreeSet<String>,
    cases: BTreeSet<i64>,
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    if args.to.exists() {
        let text = format!("{} is there already", args.to.display());
        return Err(Failure::new(Exit::Usage, text).help("an archive is never overwritten: name another file"));
    }
    drop(Database::open_read_only(home)?);
    let _hold = if args.remove && !args.dry_run {
        Some(home.hold()?)
    } else {
        None
    };
    let database = Database::open(home)?;
    database.settle_lost(home)?;
    let choice = Choice::of(&database, &args.names)?;
    if args.dry_run {
        for run in choice.runs.values() {
            talk.say(format!("would archive run {} ({} {})", run.id, run.stage, run.label));
        }
    } else {
        let size = pack::write(&database, home, &choice, &args.to, talk)?;
        let runs = count(choice.runs.len(), "run");
        talk.say(format!("{}: {runs}, {}", args.to.display(), bytes(size)));
    }
    if args.remove {
        choice.remove(&database, home, args.dry_run)?;
    }
    Ok(())
}

impl Choice {
    fn of(database: &Database, names: &[String]) -> Result<Self, Failure> {
        let (mut runs, mut named, mut cases) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        for name in names {
            match Named::find(database, name)? {
                Named::Run(run) => {
                    named.insert(run.id.clone());
                    runs.insert(run.id.clone(), *run);
                }
                Named::Case(case) => {
                    let found = runs_of_case(database, case.id)?;
                    if found.is_empty() {
                        let text = format!("no run of {} is recorded", full_name(&case));
                        return Err(Failure::new(Exit::Unknown, text).help("`perceive-ir runs ls` lists the runs"));
                    }
                    runs.extend(found.into_iter().map(|run| (run.id.clone(), run)));
                    cases.insert(case.id);
                }
            }
        }
        let all: Vec<Run> = runs.values().cloned().collect();
        rm::refuse_live(&all)?;
        Ok(Self { runs, named, cases })
    }

    /// Removes the runs that were named, and the named cases with their own runs; runs of other cases stay.
    fn remove(&self, database: &Database, home: &Home, dry_run: bool) -> Result<(), Failure> {
        let own =
            |run: &Run| self.named.contains(&run.id) || run.case_id.is_some_and(|case| self.cases.contains(&case));
        let runs = self.runs.iter().filter(|(_, run)| own(run));
        rm::remove(
            database,
            home,
            &runs.map(|(id, run)| (id.clone(), run.clone())).collect(),
            dry_run,
        )?;
        if !dry_run {
            database.forget_cases(&self.cases)?;
        }
        Ok(())
    }
}
