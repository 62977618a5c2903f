//! `perceive-ir data rm NAME`: forgets a dataset, or what one folder has of it. No picture is touched.

use std::path::PathBuf;

use super::stored_name;
use crate::database::{Database, DatabaseError};
use crate::failure::{Exit, Failure};
use crate::home::Home;
use crate::show::{Cell, Format, Table, Talk, count};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The dataset to forget.
    name: String,
    /// Only what this folder, or one below it, has of the dataset.
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Show what would be forgotten, and forget nothing.
    #[arg(long)]
    dry_run: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    let name = stored_name(&args.name);
    let known = match Database::open_read_only(home) {
        Err(DatabaseError::Missing { .. }) => None,
        opened => Some(opened?),
    };
    let names = known.as_ref().map_or(Ok(Vec::new()), Database::dataset_names)?;
    if !names.iter().any(|known| known == name) {
        return Err(Failure::unknown(
            "added dataset",
            name,
            names.iter().map(String::as_str),
        ));
    }
    let folder = args.folder.as_deref();
    let forgotten = match known.filter(|_| args.dry_run) {
        Some(known) => known.would_forget(name, folder)?,
        None => Database::open(home)?.forget(name, folder)?,
    };
    if let (true, Some(folder)) = (forgotten.is_empty(), &args.folder) {
        let text = format!("{} holds nothing that was added as {name}", folder.display());
        return Err(Failure::new(Exit::Unknown, text).help(format!("`perceive-ir data show {name}` tells its folders")));
    }
    let mut table = Table::new(["dataset", "split", "folder"]);
    for gone in &forgotten {
        table.push([
            Cell::text(&gone.dataset),
            Cell::text(&gone.split),
            Cell::text(&gone.root),
        ]);
    }
    table.print(args.format)?;
    let folders = count(forgotten.len(), "folder");
    talk.say(if args.dry_run {
        format!("would forget {name} in {folders} (--dry-run)")
    } else {
        format!("forgot {name} in {folders}; the pictures are as they were")
    });
    Ok(())
}
