//! Reading an archive: into the work folder first, checked against its sums, then into the home and the record. What is
//! there already stays as it is, so that an interrupted reading is simply begun again.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, ErrorKind};
use std::path::{Component, Path, PathBuf};

use serde::de::DeserializeOwned;

use super::{ArchivedCase, ArchivedRun, CASES, FORMAT, MANIFEST, Manifest, Part, numbers};
use crate::command::runs::removal::remove_if_there;
use crate::database::Database;
use crate::database::rows::{Fields, Rows};
use crate::failure::{Exit, Failure, plain};
use crate::hashes;
use crate::home::Home;
use crate::show::progress::Progress;
use crate::show::{Talk, count};
use crate::stage::context::{create_folder, read_json};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// What `runs archive` wrote.
    file: PathBuf,
    /// Check the archive and say what is in it, change nothing.
    #[arg(long)]
    dry_run: bool,
}

/// An archive that lies unpacked and checked in the work folder, until this is dropped.
struct Unpacked {
    folder: PathBuf,
    manifest: Manifest,
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    let file = open(&args.file)?;
    let _hold = home.hold()?;
    let unpacked = Unpacked::of(file, &args.file, &home.work_of("unarchive"), talk)?;
    let (runs, artefacts) = (unpacked.names("runs"), unpacked.names("artefacts"));
    let what = format!(
        "{} and {}",
        count(runs.len(), "run"),
        count(artefacts.len(), "artefact")
    );
    if args.dry_run {
        talk.say(format!("{} is whole: {what}", args.file.display()));
        return Ok(());
    }
    let database = Database::open(home)?;
    for key in &artefacts {
        unpacked.place_artefact(key, home, &database)?;
    }
    let cases = unpacked.place_cases(&database)?;
    for id in &runs {
        unpacked.place_run(id, &cases, home, &database, talk)?;
    }
    talk.say(format!(
        "{}: {what} are in {}",
        args.file.display(),
        home.root().display()
    ));
    Ok(())
}

impl Drop for Unpacked {
    fn drop(&mut self) {
        // What stays is removed by `runs gc`.
        let _ = remove_if_there(&self.folder);
    }
}

impl Unpacked {
    fn of(file: File, path: &Path, folder: &Path, talk: Talk) -> Result<Self, Failure> {
        remove_if_there(folder)?;
        create_folder(folder)?;
        let mut unpacked = Self {
            folder: folder.to_path_buf(),
            manifest: Manifest {
                format: FORMAT,
                version: String::new(),
                parts: BTreeMap::new(),
            },
        };
        let bar = Progress::new(talk).bar("unarchive", 0, "parts");
        let mut found = BTreeMap::new();
        let broken = |error: io::Error| match error.kind() {
            ErrorKind::UnexpectedEof | ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::Other => {
                damaged(path, "a part of it is cut or changed")
            }
            // The disk's own affair: full, say.
            _ => Failure::io(format!("cannot unpack {}", path.display()), &error),
        };
        let mut tar = tar::Archive::new(BufReader::new(file));
        for entry in tar.entries().map_err(|_| no_archive(path))? {
            // What fails before its first part never was one.
            let mut entry = entry.map_err(|error| {
                if found.is_empty() {
                    no_archive(path)
                } else {
                    broken(error)
                }
            })?;
            let name = entry.path().map_err(broken)?.into_owned();
            if !is_part(&name) || !entry.header().entry_type().is_file() {
                let odd = || damaged(path, &format!("{} is no part of an archive", name.display()));
                return Err(if found.is_empty() { no_archive(path) } else { odd() });
            }
            let target = folder.join(&name);
            create_folder(target.parent().unwrap_or(folder))?;
            let failed = |error: io::Error| Failure::io(format!("cannot write {}", target.display()), &error);
            let bytes = io::copy(&mut entry, &mut File::create(&target).map_err(failed)?).map_err(broken)?;
            let blake3 = hashes::of_file(&target).map_err(failed)?;
            found.insert(name.to_string_lossy().into_owned(), Part { bytes, blake3 });
            bar.advance();
        }
        bar.finish("read");
        if found.is_empty() {
            return Err(no_archive(path));
        }
        if found.remove(MANIFEST).is_none() {
            return Err(damaged(path, "its manifest is missing: it was not written to its end"));
        }
        unpacked.manifest = read_json(&folder.join(MANIFEST))?;
        if unpacked.manifest.format > FORMAT {
            let text = format!(
                "{} was written by a newer perceive-ir ({})",
                path.display(),
                unpacked.manifest.version
            );
            return Err(Failure::new(Exit::Database, text).help("use the newer program to read it"));
        }
        let wrong = unpacked
            .manifest
            .parts
            .iter()
            .find(|(name, part)| found.get(*name) != Some(part));
        let wrong = wrong.map(|(name, _)| name);
        let extra = found.keys().find(|name| !unpacked.manifest.parts.contains_key(*name));
        match wrong.or(extra) {
            Some(name) => Err(damaged(path, &format!("{name} is not what its sum says"))),
            None => Ok(unpacked),
        }
    }

    /// The names of the folders below `folder`.
    fn names(&self, folder: &str) -> Vec<String> {
        let inside = |name: &String| {
            Some(
                name.strip_prefix(folder)?
                    .strip_prefix('/')?
                    .split_once('/')?
                    .0
                    .to_string(),
            )
        };
        let mut names: Vec<String> = self.manifest.parts.keys().filter_map(inside).collect();
        names.dedup();
        names
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> Result<T, Failure> {
        read_json(&self.folder.join(name))
    }

    fn place_artefact(&self, key: &str, home: &Home, database: &Database) -> Result<(), Failure> {
        let folder = self.folder.join("artefacts").join(key);
        let target = home.artefact(key);
        if !target.exists() {
            create_folder(&home.artefacts())?;
            fs::rename(folder.join("files"), &target)
                .map_err(|error| Failure::io(format!("cannot write {}", target.display()), &error))?;
        }
        let mut row: Fields = self.read(&format!("artefacts/{key}/artefact.json"))?;
        // Where it lies is this home's affair.
        row.insert("path".into(), key.into());
        database.put_rows(Rows::Artefacts, &[row])?;
        Ok(())
    }

    /// The cases of the archive, and the numbers that they have here, by the number that they had.
    fn place_cases(&self, database: &Database) -> Result<BTreeMap<i64, i64>, Failure> {
        let mut placed = BTreeMap::new();
        for case in self.read::<Vec<ArchivedCase>>(CASES)? {
            let text = |name: &str| case.row.get(name).and_then(|value| value.as_str()).unwrap_or_default();
            let number = |name: &str| {
                case.row
                    .get(name)
                    .and_then(serde_json::Value::as_i64)
                    .unwrap_or_default()
            };
            let here = if let Some(here) = database.same_case(&case.experiment, &case.row)? {
                here
            } else {
                if !database.experiment_names()?.contains(&case.experiment) {
                    database.experiment(&case.experiment, &case.toml)?;
                }
                let seed = number("seed") as u64;
                let (name, scale, settings) = (text("name"), text("scale"), text("settings"));
                let here = database.case(&case.experiment, name, seed, scale, settings)?;
                // An old case does not become the one that its name means today.
                database.date_case(here, number("seen_at"))?;
                here
            };
            for key in &case.stands_on {
                database.use_artefact(here, key)?;
            }
            placed.insert(number("id"), here);
        }
        Ok(placed)
    }

    fn place_run(
        &self,
        id: &str,
        cases: &BTreeMap<i64, i64>,
        home: &Home,
        database: &Database,
        talk: Talk,
    ) -> Result<(), Failure> {
        let mut run: ArchivedRun = self.read(&format!("runs/{id}/run.json"))?;
        let case = run.row.get("case_id").and_then(serde_json::Value::as_i64);
        run.row
            .insert("case_id".into(), case.and_then(|case| cases.get(&case).copied()).into());
        if database.put_rows(Rows::Runs, std::slice::from_ref(&run.row))? == 0 {
            talk.say(format!("run {id} is there already"));
        }
        for code in &run.code {
            if let Some(hash) = code.get("code").and_then(|hash| hash.as_str()) {
                database.put_rows(Rows::Codes, &[self.read(&format!("codes/{hash}.json"))?])?;
            }
        }
        database.put_rows(Rows::RunCode, &run.code)?;
        database.put_rows(Rows::Tags, &run.tags)?;
        database.put_rows(Rows::Notes, &run.notes)?;
        numbers::place(&self.folder, id, &run, database)?;
        database.put_rows(Rows::Events, &run.events)?;
        let (packed, journal) = (self.folder.join(format!("runs/{id}/journal.jsonl")), home.journal(id));
        if packed.exists() && !journal.exists() {
            create_folder(&home.journals())?;
            fs::rename(&packed, &journal)
                .map_err(|error| Failure::io(format!("cannot write {}", journal.display()), &error))?;
        }
        Ok(())
    }
}

/// The archive, if there is a file of that name that can be read.
fn open(path: &Path) -> Result<File, Failure> {
    let doing = format!("cannot read {}", path.display());
    let file = File::open(path).and_then(|file| {
        if file.metadata()?.is_dir() {
            Err(ErrorKind::IsADirectory.into())
        } else {
            Ok(file)
        }
    });
    file.map_err(|error| match error.kind() {
        ErrorKind::NotFound => Failure::new(Exit::Unknown, format!("{doing}: there is no such file"))
            .help("name a file that `perceive-ir runs archive RUN… --to FILE.tar` wrote"),
        ErrorKind::IsADirectory => no_archive(path),
        _ => Failure::new(Exit::Disk, format!("{doing}: {}", plain(&error))).help("make it readable, or copy it"),
    })
}

/// Whether an archive of runs has parts of this name.
fn is_part(name: &Path) -> bool {
    let plain = name.components().all(|part| matches!(part, Component::Normal(_)));
    let known = ["runs", "codes", "artefacts", CASES, MANIFEST];
    plain && known.iter().any(|folder| name.starts_with(folder))
}

fn no_archive(path: &Path) -> Failure {
    Failure::new(Exit::Unknown, format!("{} is no archive of runs", path.display()))
        .help("name a file that `perceive-ir runs archive RUN… --to FILE.tar` wrote; nothing was changed")
}

pub fn damaged(path: &Path, why: &str) -> Failure {
    Failure::new(Exit::Database, format!("{} is damaged: {why}", path.display()))
        .help("take another copy of it; nothing was changed")
}
