//! `perceive-ir data ls`: the datasets that were added, against their official counts.

use perceive_datasets::catalogue::{self, CATALOGUE};

use super::found;
use crate::database::datasets::{Source, Split};
use crate::database::{Database, DatabaseError};
use crate::failure::Failure;
use crate::home::Home;
use crate::show::{Cell, Format, Table, Talk};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Also list what the catalogue knows and you have not added.
    #[arg(long)]
    all: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    let mut table = Table::new([
        "dataset",
        "split",
        "degradation",
        "found",
        "official",
        "problems",
        "layout",
        "folder",
    ]);
    let mut added = Vec::new();
    match Database::open_read_only(home) {
        Ok(database) => {
            for split in database.splits()? {
                table.push(row(&split, &database.sources(&split.dataset)?));
                added.push((split.dataset, split.split));
            }
        }
        Err(DatabaseError::Missing { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    if args.all {
        for entry in CATALOGUE {
            let is_new = |split: &&catalogue::Split| {
                !added
                    .iter()
                    .any(|(dataset, name)| dataset == entry.name && name == split.name)
            };
            for split in entry.splits.iter().filter(is_new) {
                table.push([
                    entry.name.into(),
                    split.name.into(),
                    entry.degradation.word().into(),
                    Cell::Whole(0),
                    split.official.into(),
                    Cell::Whole(0),
                    Cell::None,
                    Cell::None,
                ]);
            }
        }
    } else if added.is_empty() {
        talk.say("no datasets have been added; `perceive-ir data add FOLDER` adds what it finds there, `data ls --all` lists the known ones");
    }
    table.print(args.format)
}

fn row(split: &Split, sources: &[Source]) -> [Cell; 8] {
    let mut places = sources.iter().filter(|source| source.split == split.split);
    let first = places.next();
    let more = match places.count() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    [
        Cell::text(&split.dataset),
        Cell::text(&split.split),
        Cell::maybe(catalogue::find(&split.dataset).map(|entry| entry.degradation.word())),
        Cell::Whole(found(split)),
        split.official.map_or(Cell::None, Cell::Whole),
        Cell::Whole(split.problems),
        Cell::maybe(first.map(|source| source.layout.as_str())),
        Cell::maybe(first.map(|source| format!("{}{more}", source.root))),
    ]
}
