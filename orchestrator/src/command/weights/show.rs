//! `perceive-ir weights show NAME`: where weights came from; for a kind that is not installed, where to get it.

use crate::failure::Failure;
use crate::home::Home;
use crate::show::{self, Cell, Format, Table};
use crate::weights_store::{Entry, Kind, WeightsStore, how_to_install};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The name of installed weights, or a kind.
    name: String,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub fn run(args: &Args, home: &Home) -> Result<(), Failure> {
    let store = WeightsStore::of(home);
    let Some(entry) = store.entry(&args.name)? else {
        let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.name == args.name) else {
            return store.named(&args.name).map(drop);
        };
        return show::out(&format!("{} is not installed\n{}\n", kind.title, how_to_install(kind)));
    };
    table(&entry).print(args.format)
}

fn table(entry: &Entry) -> Table {
    let mut table = Table::new(["property", "value"]);
    let mut row = |property: &str, value: String| table.push([Cell::text(property), Cell::text(value)]);
    row("name", entry.name.clone());
    row("kind", entry.kind.clone());
    row("source", entry.source.clone());
    row("sha256", entry.sha256.clone());
    row("blake3", entry.blake3.clone());
    row("tensors", entry.tensors.to_string());
    row("parameters", entry.parameters.to_string());
    row("imported", entry.imported_at.clone());
    if let Some(sizes) = entry.configuration.as_object() {
        for (name, value) in sizes {
            row(name, value.to_string());
        }
    }
    table
}
