//! `perceive-ir weights show NAME`: where weights came from; for a kind that is not installed, where to get it.

use serde_json::Value;

use crate::failure::Failure;
use crate::home::Home;
use crate::show::{self, Cell, Format, Table};
use crate::stage::towers::Tower;
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
        let Some(kind) = Kind::find(&args.name) else {
            let entries = store.entries()?;
            let installed = entries.iter().map(|entry| entry.name.as_str());
            let names = installed.chain(Kind::ALL.iter().map(|kind| kind.name));
            return Err(Failure::unknown("network or file of weights", &args.name, names));
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
    row("network", entry.title().to_owned());
    row("source", entry.source.clone());
    if !entry.wrapper.is_empty() {
        row("taken from", entry.wrapper.trim_end_matches('.').to_owned());
    }
    row("sha256", entry.sha256.clone());
    row("blake3", entry.blake3.clone());
    row("tensors", entry.tensors.to_string());
    row("parameters", entry.parameters.to_string());
    row("imported", entry.imported_at.clone());
    match &entry.guide {
        Some(Tower::StandIn) => row("guided by", "the stand-in of DINOv2".into()),
        Some(Tower::Imported(blake3)) => row("guided by", format!("DINOv2, blake3 {blake3}")),
        None => {}
    }
    settings("", &entry.configuration, &mut row);
    table
}

/// Settings by their dotted names, as `weights import --set` takes them.
fn settings(prefix: &str, value: &Value, row: &mut impl FnMut(&str, String)) {
    let Value::Object(members) = value else { return };
    for (name, value) in members.iter().filter(|(name, _)| *name != "network") {
        let name = format!("{prefix}{name}");
        match value {
            Value::Object(_) => settings(&format!("{name}."), value, row),
            Value::Array(numbers) if numbers.len() > 16 => row(&name, format!("{} numbers", numbers.len())),
            _ => row(&name, value.to_string()),
        }
    }
}
