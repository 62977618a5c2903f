//! `perceive-ir negatives show PROXY`: who made its pictures, how and when, and the PSNR of each.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use super::made::{Made, State};
use crate::{
    database::Database,
    failure::{Exit, Failure},
    home::Home,
    show::{Cell, Format, Table, Talk, out},
    stage::{medium::Each, negatives::source::Source},
    time,
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The proxy's name, or the beginning of its artefact's key.
    proxy: String,
    /// How to print it; csv is the PSNR of every picture.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    let made = find(&args.proxy, Made::all(&Database::open_read_only(home)?)?)?;
    let facts = facts(&made, home, talk);
    let each = made.each(home);
    let mut flaws: HashMap<(String, String), String> = HashMap::new();
    for flaw in made.flaws(home) {
        flaws.insert((flaw.set, flaw.picture), flaw.what);
    }
    let mut pictures = Table::new(["set", "picture", "psnr_rgb", "odd"]);
    for (set, picture, psnr) in &each {
        let flaw = flaws.get(&(set.clone(), picture.clone()));
        pictures.push([
            Cell::text(set),
            Cell::text(picture),
            Cell::Number(*psnr, 2),
            Cell::maybe(flaw.cloned()),
        ]);
    }
    match args.format {
        Format::Csv => pictures.print(Format::Csv),
        Format::Json => {
            let mut object: serde_json::Map<String, Value> = facts
                .into_iter()
                .map(|(name, cell)| (name.replace(' ', "_"), cell.json()))
                .collect();
            object.insert(
                "each".into(),
                serde_json::from_str(&pictures.render(Format::Json)).unwrap_or(json!([])),
            );
            out(&format!("{:#}\n", Value::Object(object)))
        }
        Format::Table => {
            let mut about = Table::new(["proxy", ""]);
            for (name, cell) in facts.into_iter().filter(|(_, cell)| *cell != Cell::None) {
                about.push([Cell::text(name), Cell::text(cell.for_people())]);
            }
            let parts = [about, sets(&each), pictures];
            let parts = parts
                .iter()
                .filter(|part| !part.is_empty())
                .map(|part| part.render(Format::Table));
            out(&parts.collect::<Vec<_>>().join("\n"))
        }
    }
}

/// The one that is meant: the newest of a name, or the one whose key begins so.
fn find(name: &str, mut all: Vec<Made>) -> Result<Made, Failure> {
    if let Some(place) = all.iter().rposition(|made| made.artefact.label == name) {
        return Ok(all.swap_remove(place));
    }
    let begins = |made: &&Made| name.len() >= 4 && made.artefact.key.starts_with(name);
    let keys: Vec<String> = all
        .iter()
        .filter(begins)
        .map(|made| made.artefact.key.clone())
        .collect();
    match keys.as_slice() {
        [key] => Ok(all.swap_remove(all.iter().position(|made| made.artefact.key == *key).unwrap_or(0))),
        [] => Err(Failure::unknown(
            "proxy",
            name,
            all.iter().map(|made| made.artefact.label.as_str()),
        )),
        _ => Err(Failure::new(
            Exit::Unknown,
            format!("{name} is the beginning of {}", keys.join(", ")),
        )),
    }
}

fn facts(made: &Made, home: &Home, talk: Talk) -> Vec<(&'static str, Cell)> {
    let mut facts = vec![
        ("proxy", Cell::text(&made.artefact.label)),
        ("key", Cell::text(&made.artefact.key)),
    ];
    if let Some(job) = &made.job {
        facts.push(("made by", Cell::text(job.source.kind())));
        facts.push(("source", Cell::text(job.source.title())));
        facts.extend(details(&job.source));
    }
    let run = made.run.as_ref();
    let reached = made.reached(home);
    let state = made.state(home, talk, true);
    facts.extend([
        ("made", Cell::Time(made.made_at())),
        ("run", Cell::maybe(run.map(|run| run.id.clone()))),
        ("program", Cell::maybe(run.map(crate::database::runs::Run::code))),
        ("machine", Cell::maybe(run.map(|run| run.machine.clone()))),
        (
            "pictures",
            reached.map_or(Cell::None, |reached| Cell::from(reached.pictures)),
        ),
        (
            "average psnr_rgb",
            reached.map_or(Cell::None, |reached| Cell::Number(reached.average_psnr, 2)),
        ),
        ("odd", Cell::from(made.flaws(home).len())),
        ("state", Cell::text(state.word())),
        ("why", Cell::maybe(why(&state))),
        ("size", Cell::Bytes(made.artefact.bytes as u64)),
        (
            "folder",
            Cell::text(home.artefact(&made.artefact.key).display().to_string()),
        ),
    ]);
    facts
}

fn details(source: &Source) -> Vec<(&'static str, Cell)> {
    match source {
        Source::Medium(key) => vec![("medium artefact", Cell::text(key))],
        Source::Imported { blake3, .. } => vec![("blake3", Cell::text(blake3))],
        Source::Folder { digest, .. } => vec![("digest", Cell::text(digest))],
        Source::Command {
            line,
            files,
            folder,
            time_limit,
        } => {
            let files: Vec<String> = files
                .iter()
                .map(|(file, hash)| format!("{} {hash}", file.display()))
                .collect();
            vec![
                ("shell", Cell::text(line.shell.to_string())),
                ("run in", Cell::text(folder.display().to_string())),
                ("time limit", Cell::maybe(time_limit.map(time::write))),
                (
                    "files",
                    Cell::maybe(Some(files.join("\n")).filter(|files| !files.is_empty())),
                ),
            ]
        }
        Source::Onnx {
            blake3, multiple_of, ..
        } => vec![
            ("blake3", Cell::text(blake3)),
            ("multiple of", Cell::from(*multiple_of)),
        ],
    }
}

fn why(state: &State) -> Option<String> {
    match state {
        State::Damaged(faults) => Some(faults.join("\n")),
        State::WithoutSource(failure) => Some(failure.message.clone()),
        _ => None,
    }
}

/// The average of each set.
fn sets(each: &[Each]) -> Table {
    let mut sums: BTreeMap<&str, (usize, f64)> = BTreeMap::new();
    for (set, _, psnr) in each {
        let (count, sum) = sums.entry(set).or_default();
        *count += 1;
        *sum += psnr;
    }
    let mut table = Table::new(["set", "pictures", "average psnr_rgb"]);
    for (set, (count, sum)) in sums {
        table.push([Cell::text(set), Cell::from(count), Cell::Number(sum / count as f64, 2)]);
    }
    table
}
