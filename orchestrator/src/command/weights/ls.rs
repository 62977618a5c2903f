//! `perceive-ir weights ls`: what is installed, and what is published and is not.

use crate::failure::Failure;
use crate::home::Home;
use crate::show::{Cell, Format, Table, Talk};
use crate::weights_store::{Kind, Publication, WeightsStore};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    let entries = WeightsStore::of(home).entries()?;
    let columns = [
        "name",
        "kind",
        "state",
        "size",
        "parameters",
        "sha256",
        "source",
        "imported",
    ];
    let mut table = Table::new(columns);
    for entry in &entries {
        table.push([
            Cell::text(&entry.name),
            Cell::text(&entry.kind),
            Cell::text("installed"),
            Cell::maybe(entry.size()),
            Cell::from(entry.parameters),
            Cell::Hash(entry.sha256.clone()),
            Cell::text(&entry.source),
            Cell::text(&entry.imported_at),
        ]);
    }
    let missing: Vec<&Kind> = Kind::published()
        .filter(|kind| entries.iter().all(|entry| entry.name != kind.name))
        .collect();
    for kind in &missing {
        let source = kind.publication.as_ref().map(Publication::file);
        table.push([
            Cell::text(kind.name),
            Cell::text(kind.name),
            Cell::text("missing"),
            Cell::None,
            Cell::None,
            Cell::None,
            Cell::maybe(source),
            Cell::None,
        ]);
    }
    table.print(args.format)?;
    if !missing.is_empty() {
        talk.say(
            "`perceive-ir weights fetch NAME` (or --all) fetches what is missing, `weights show NAME` tells from where",
        );
    }
    Ok(())
}
