//! `perceive-ir weights ls`: what is installed, and the towers that are not.

use crate::failure::Failure;
use crate::home::Home;
use crate::show::{Cell, Format, Table};
use crate::weights_store::{Kind, WeightsStore};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub fn run(args: &Args, home: &Home) -> Result<(), Failure> {
    let entries = WeightsStore::of(home).entries()?;
    let mut table = Table::new(["name", "kind", "state", "parameters", "source", "imported"]);
    for entry in &entries {
        table.push([
            Cell::text(&entry.name),
            Cell::text(&entry.kind),
            Cell::text("installed"),
            Cell::from(entry.parameters),
            Cell::text(&entry.source),
            Cell::text(&entry.imported_at),
        ]);
    }
    for kind in Kind::towers().filter(|kind| entries.iter().all(|entry| entry.name != kind.name)) {
        let source = kind.publication.as_ref().map(|publication| publication.url);
        table.push([
            Cell::text(kind.name),
            Cell::text(kind.name),
            Cell::text("missing"),
            Cell::None,
            Cell::maybe(source),
            Cell::None,
        ]);
    }
    table.print(args.format)
}
