//! `perceive-ir data`: which pictures there are, and whether they are whole.

mod add;
mod ls;
mod rm;
mod show;
mod verify;

use clap::Subcommand;
use perceive_datasets::catalogue;
use perceive_datasets::scan::ScanError;

use crate::database::Database;
use crate::database::datasets::Split;
use crate::failure::{Exit, Failure};
use crate::home::Home;
use crate::show::Talk;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Look for datasets in folders and remember them; only files that changed are read again.
    Add(add::Args),
    /// List the datasets that were added.
    Ls(ls::Args),
    /// Show one dataset: splits, places, problems, citation.
    Show(show::Args),
    /// Forget a dataset; no picture is touched.
    Rm(rm::Args),
    /// Read and decode every picture; list those that are broken or have changed.
    Verify(verify::Args),
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    match &args.command {
        Command::Add(args) => add::run(args, home, talk),
        Command::Ls(args) => ls::run(args, home, talk),
        Command::Show(args) => show::run(args, home, talk),
        Command::Rm(args) => rm::run(args, home, talk),
        Command::Verify(args) => verify::run(args, home, talk),
    }
}

impl From<ScanError> for Failure {
    fn from(error: ScanError) -> Self {
        let exit = match error {
            ScanError::BadName { .. } => Exit::Usage,
            _ => Exit::Pictures,
        };
        Self::new(exit, error.to_string())
    }
}

/// The name under which a dataset is stored: the catalogue's for everything that the catalogue understands.
fn stored_name(name: &str) -> &str {
    catalogue::find(name).map_or(name, |entry| entry.name)
}

/// The failure for a name that neither was added nor is in the catalogue.
fn unknown_dataset(database: Option<&Database>, name: &str) -> Result<Failure, Failure> {
    let added = database.map_or(Ok(Vec::new()), Database::dataset_names)?;
    let others = catalogue::names()
        .into_iter()
        .filter(|name| !added.iter().any(|added| added == name));
    let names: Vec<&str> = added.iter().map(String::as_str).chain(others).collect();
    Ok(Failure::unknown("dataset", name, names))
}

/// What is held against the official count: pairs, or pictures where the dataset has no references.
fn found(split: &Split) -> i64 {
    let without = catalogue::find(&split.dataset).is_some_and(catalogue::Entry::is_without_references);
    if without { split.pictures } else { split.pairs }
}
