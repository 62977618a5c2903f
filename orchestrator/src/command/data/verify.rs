//! `perceive-ir data verify [NAME…]`: reads and decodes every picture, keeps its hash, lists what is broken or changed.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::UNIX_EPOCH;

use perceive_datasets::scan::verify;

use super::{stored_name, unknown_dataset};
use crate::database::Database;
use crate::database::datasets::PictureRow;
use crate::failure::{Exit, Failure};
use crate::home::Home;
use crate::show::progress::Progress;
use crate::show::{Cell, Format, Table, Talk, count};

/// What is known is stored after so many pictures, so that Ctrl-C loses little.
const AT_ONCE: usize = 256;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Datasets to check; all that were added if none is named.
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    drop(Database::open_read_only(home)?);
    let database = Database::open(home)?;
    let pictures = pictures(&database, &args.names)?;
    let progress = Progress::new(talk);
    let bar = progress.bar("data verify", pictures.len() as u64, "pictures");
    let mut table = Table::new(["picture", "state", "why"]);
    let (mut broken, mut changed) = (0, 0);
    for (chunk, begun) in pictures.chunks(AT_ONCE).zip((0..).step_by(AT_ONCE)) {
        let paths: Vec<PathBuf> = chunk.iter().map(|picture| picture.path.clone()).collect();
        let verified = verify(&paths, &|done| bar.at(begun + done, &BTreeMap::new()));
        let mut checks = Vec::new();
        for (picture, verified) in chunk.iter().zip(verified) {
            let path = picture.path.to_string_lossy();
            match &verified.result {
                Err(why) => {
                    broken += 1;
                    table.push([Cell::text(path), "broken".into(), Cell::text(why)]);
                    checks.push((verified.path, None, Some(why.clone())));
                }
                Ok(hash) => {
                    if let Some(why) = change(picture, hash) {
                        changed += 1;
                        table.push([Cell::text(path), "changed".into(), Cell::text(why)]);
                    }
                    if is_as_scanned(picture) {
                        checks.push((verified.path, Some(hash.clone()), None));
                    }
                }
            }
        }
        database.record_checks(&checks)?;
    }
    bar.finish(&format!(
        "{} read, {broken} broken, {changed} changed",
        count(pictures.len(), "picture")
    ));
    if !table.is_empty() || args.format != Format::Table {
        table.print(args.format)?;
    }
    if broken > 0 {
        let told = format!("{} of {} cannot be used", count(broken, "picture"), pictures.len());
        return Err(Failure::new(Exit::Pictures, told)
            .help("fetch these files again, then `perceive-ir data add` their folder"));
    }
    Ok(())
}

/// The pictures of these datasets, each once, ascending by path.
fn pictures(database: &Database, names: &[String]) -> Result<Vec<PictureRow>, Failure> {
    let splits = database.splits()?;
    let wanted: Vec<&str> = names.iter().map(|name| stored_name(name)).collect();
    for (name, wanted) in names.iter().zip(&wanted) {
        if !splits.iter().any(|split| split.dataset == *wanted) {
            return Err(unknown_dataset(Some(database), name)?);
        }
    }
    let mut all = BTreeMap::new();
    for split in splits
        .iter()
        .filter(|split| names.is_empty() || wanted.contains(&split.dataset.as_str()))
    {
        let pictures = database.pictures(&split.dataset, &split.split)?;
        all.extend(pictures.into_iter().map(|picture| (picture.path.clone(), picture)));
    }
    Ok(all.into_values().collect())
}

/// Why a whole picture is not the one that was added, if it is not.
fn change(picture: &PictureRow, hash: &str) -> Option<&'static str> {
    if !is_as_scanned(picture) {
        Some("the file changed after it was added; `perceive-ir data add` its folder again")
    } else if picture.blake3.as_deref().is_some_and(|known| known != hash) {
        Some("its contents differ from those read before, though its size and time are the same")
    } else {
        None
    }
}

/// Whether size and time are those of the scan, so that what is read belongs to what is stored.
fn is_as_scanned(picture: &PictureRow) -> bool {
    let Ok(about) = fs::metadata(&picture.path) else {
        return false;
    };
    let time = about
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let mtime_ns = time.map_or(picture.mtime_ns, |time| time.as_nanos() as i64);
    about.len() == picture.size && mtime_ns == picture.mtime_ns
}
