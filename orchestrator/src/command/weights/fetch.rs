//! `perceive-ir weights fetch NAME...`: published weights from where they are published, or from a mirror.

use std::collections::BTreeMap;

use crate::failure::Failure;
use crate::home::Home;
use crate::show::progress::{Bar, Progress};
use crate::show::{Cell, Format, Table, Talk, bytes, count};
use crate::weights_store::{Event, Fetch, Kind, WeightsStore};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Whose weights, such as clip-vit-b32; `weights ls` lists what is missing.
    #[arg(value_name = "NAME", required_unless_present = "all")]
    names: Vec<String>,
    /// Everything that is published as one file and not installed.
    #[arg(long, conflicts_with = "names")]
    all: bool,
    /// A mirror, instead of the official address: the file's name is put behind it.
    #[arg(long, value_name = "BASE_URL")]
    from: Option<String>,
    /// Tell what would be fetched, how much, from where and where to; fetch nothing.
    #[arg(long)]
    dry_run: bool,
    /// How --dry-run tells it.
    #[arg(long, value_enum, default_value_t, requires = "dry_run")]
    format: Format,
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    let store = WeightsStore::of(home);
    // All names are right before anything is fetched.
    let asked: Vec<Fetch> = kinds(args)?
        .into_iter()
        .map(|kind| store.to_fetch(kind, args.from.as_deref()))
        .collect::<Result<_, _>>()?;
    let mut wanted = Vec::new();
    for fetch in asked {
        if !store.has(fetch.kind)? {
            wanted.push(fetch);
        } else if !args.all {
            talk.say(format!("{} is already installed", fetch.kind.name));
        }
    }
    if args.all && wanted.is_empty() {
        talk.say("everything that is published is already installed");
    }
    if args.dry_run {
        table(&wanted).print(args.format)?;
        tell_sum(&wanted, talk);
        return Ok(());
    }
    for fetch in &wanted {
        one(&store, fetch, talk)?;
    }
    Ok(())
}

/// Those that are asked for, each once.
fn kinds(args: &Args) -> Result<Vec<&'static Kind>, Failure> {
    if args.all {
        return Ok(Kind::published().collect());
    }
    let mut kinds: Vec<&Kind> = Vec::new();
    for name in &args.names {
        let kind = Kind::named(name)?;
        if kinds.iter().all(|other| other.name != kind.name) {
            kinds.push(kind);
        }
    }
    Ok(kinds)
}

fn table(wanted: &[Fetch]) -> Table {
    let mut table = Table::new(["name", "network", "size", "there", "from", "to"]);
    for fetch in wanted {
        table.push([
            Cell::text(fetch.kind.name),
            Cell::text(fetch.kind.title),
            Cell::Bytes(fetch.publication.bytes),
            Cell::Bytes(fetch.there()),
            Cell::text(&fetch.address),
            Cell::text(fetch.file.display().to_string()),
        ]);
    }
    table
}

/// How much is still to come; a cut download goes on.
fn tell_sum(wanted: &[Fetch], talk: Talk) {
    let left = |fetch: &Fetch| fetch.publication.bytes.saturating_sub(fetch.there());
    let (files, all) = (count(wanted.len(), "file"), wanted.iter().map(left).sum());
    talk.say(format!("would fetch {files}, {} (--dry-run)", bytes(all)));
}

fn one(store: &WeightsStore, fetch: &Fetch, talk: Talk) -> Result<(), Failure> {
    let name = fetch.kind.name;
    let progress = Progress::new(talk);
    let bar = progress.byte_bar(name, fetch.publication.bytes);
    progress.say(&format!("{name}: from {}", fetch.address));
    let imported = store.fetch(fetch, &mut |event| show(name, event, &progress, &bar))?;
    drop(bar);
    super::import::tell(&imported, talk);
    Ok(())
}

fn show(name: &str, event: Event<'_>, progress: &Progress, bar: &Bar) {
    match event {
        Event::Begin { there, of } => {
            if there > 0 {
                progress.say(&format!("{name}: goes on after {}", bytes(there)));
            }
            bar.start(there, of.unwrap_or(0));
        }
        Event::At(there) => bar.at(there, &BTreeMap::new()),
        Event::Again { error, wait } => {
            progress.say(&format!("{name}: {error}; tried again in {:.1} s", wait.as_secs_f64()));
        }
    }
}
