//! Writing an archive: part by part, each hashed while it is written, under a temporary name until it is whole.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufWriter, Read};
use std::path::Path;

use serde::Serialize;
use tar::{Builder, EntryType, Header};

use super::{ArchivedCase, ArchivedRun, CASES, Choice, FORMAT, MANIFEST, Manifest, Part};
use crate::database::Database;
use crate::database::artefacts::Artefact;
use crate::database::rows::Rows;
use crate::failure::{Exit, Failure};
use crate::home::Home;
use crate::show::progress::{Bar, Progress};
use crate::show::{Cell, Format, Table, Talk};

/// A tar in the making.
struct Writer<'a> {
    tar: Builder<BufWriter<File>>,
    path: &'a Path,
    parts: BTreeMap<String, Part>,
    bar: Bar,
}

/// Writes the archive to `path`, and gives its size in bytes.
pub fn write(database: &Database, home: &Home, choice: &Choice, path: &Path, talk: Talk) -> Result<u64, Failure> {
    let failed = |error: io::Error| unwritable(path, &error);
    let mut name = path.as_os_str().to_owned();
    name.push(".unfinished");
    let unfinished = Path::new(&name);
    let file = File::create(unfinished).map_err(failed)?;
    let written = pack(database, home, choice, file, path, talk);
    let written = written.and_then(|()| fs::rename(unfinished, path).map_err(failed));
    if let Err(failure) = written {
        // The first error says what is wrong.
        let _ = fs::remove_file(unfinished);
        return Err(failure);
    }
    Ok(fs::metadata(path).map_err(failed)?.len())
}

fn pack(database: &Database, home: &Home, choice: &Choice, file: File, path: &Path, talk: Talk) -> Result<(), Failure> {
    let keys: BTreeSet<&str> = choice.runs.values().map(|run| run.artefact_key.as_str()).collect();
    let artefacts: Vec<Artefact> = keys
        .into_iter()
        .filter_map(|key| database.artefact(key).transpose())
        .collect::<Result<_, _>>()?;
    let total = (choice.runs.len() + artefacts.len()) as u64;
    let mut writer = Writer {
        tar: Builder::new(BufWriter::new(file)),
        path,
        parts: BTreeMap::new(),
        bar: Progress::new(talk).bar("archive", total, "parts"),
    };
    let mut cases = choice.cases.clone();
    let mut codes = BTreeSet::new();
    for run in choice.runs.values() {
        cases.extend(run.case_id);
        let of_run = |rows| database.rows(rows, &run.id);
        let row = of_run(Rows::Runs)?.pop().unwrap_or_default();
        let code = of_run(Rows::RunCode)?;
        codes.extend(
            code.iter()
                .filter_map(|row| Some(row.get("code")?.as_str()?.to_string())),
        );
        let archived = ArchivedRun {
            row,
            code,
            events: of_run(Rows::Events)?,
            tags: of_run(Rows::Tags)?,
            notes: of_run(Rows::Notes)?,
            journal: of_run(Rows::Journals)?,
        };
        let folder = format!("runs/{}", run.id);
        writer.json(&format!("{folder}/run.json"), &archived)?;
        writer.text(&format!("{folder}/metrics.csv"), &metrics(database, &run.id)?)?;
        let journal = home.journal(&run.id);
        if journal.exists() {
            writer.file(&format!("{folder}/journal.jsonl"), &journal)?;
        }
        writer.bar.advance();
    }
    for hash in &codes {
        for row in database.rows(Rows::Codes, hash)? {
            if let Some(diff) = row
                .get("diff")
                .and_then(|diff| diff.as_str())
                .filter(|diff| !diff.is_empty())
            {
                writer.text(&format!("codes/{hash}.diff"), diff)?;
            }
            writer.json(&format!("codes/{hash}.json"), &row)?;
        }
    }
    for artefact in &artefacts {
        let folder = format!("artefacts/{}", artefact.key);
        for row in database.rows(Rows::Artefacts, &artefact.key)? {
            writer.json(&format!("{folder}/artefact.json"), &row)?;
        }
        writer.text(
            &format!("{folder}/evaluations.csv"),
            &evaluations(database, &artefact.key)?,
        )?;
        writer.folder(&format!("{folder}/files"), &home.artefact(&artefact.key))?;
        writer.bar.advance();
    }
    let mut uses = database.case_artefacts()?;
    let cases = cases
        .into_iter()
        .map(|id| case(database, id, uses.remove(&id).unwrap_or_default()));
    let cases: Vec<ArchivedCase> = cases.filter_map(Result::transpose).collect::<Result<_, _>>()?;
    writer.json(CASES, &cases)?;
    writer.finish()
}

fn case(database: &Database, id: i64, stands_on: BTreeSet<String>) -> Result<Option<ArchivedCase>, Failure> {
    let Some(row) = database.rows(Rows::Cases, &id.to_string())?.pop() else {
        return Ok(None);
    };
    let experiment = row.get("experiment_id").map(ToString::to_string).unwrap_or_default();
    let Some(experiment) = database.rows(Rows::Experiments, &experiment)?.pop() else {
        return Ok(None);
    };
    let text = |name: &str| {
        experiment
            .get(name)
            .and_then(|value| value.as_str())
            .unwrap_or_default()
            .to_string()
    };
    Ok(Some(ArchivedCase {
        experiment: text("name"),
        toml: text("toml"),
        row,
        stands_on: stands_on.into_iter().collect(),
    }))
}

fn metrics(database: &Database, run: &str) -> Result<String, Failure> {
    let mut table = Table::new(["name", "step", "value"]);
    for metric in database.metric_summaries(run)? {
        for (step, value) in database.metric(run, &metric.name)? {
            table.push([Cell::text(&metric.name), Cell::Whole(step), Cell::Number(value, 6)]);
        }
    }
    Ok(table.render(Format::Csv))
}

fn evaluations(database: &Database, key: &str) -> Result<String, Failure> {
    let mut table = Table::new(["test", "degradation", "picture", "tier", "metric", "value"]);
    for row in database.evaluations_of_artefact(key)? {
        let names = [row.test, row.degradation, row.picture, row.tier, row.metric].map(Cell::Text);
        table.push(names.into_iter().chain([Cell::Number(row.value, 6)]));
    }
    Ok(table.render(Format::Csv))
}

impl Writer<'_> {
    fn json(&mut self, name: &str, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value)
            .map_err(|error| Failure::new(Exit::Unexpected, format!("{name}: {error}")))?;
        self.text(name, &text)
    }

    fn text(&mut self, name: &str, text: &str) -> Result<(), Failure> {
        self.part(name, text.len() as u64, text.as_bytes())
    }

    fn file(&mut self, name: &str, path: &Path) -> Result<(), Failure> {
        let failed = |error| Failure::io(format!("cannot read {}", path.display()), &error);
        let file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        self.part(name, length, file)
    }

    /// All files below a folder, in the order of their names.
    fn folder(&mut self, name: &str, path: &Path) -> Result<(), Failure> {
        let failed = |error| Failure::io(format!("cannot read {}", path.display()), &error);
        let mut entries = fs::read_dir(path)
            .map_err(failed)?
            .collect::<io::Result<Vec<_>>>()
            .map_err(failed)?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let inside = format!("{name}/{}", entry.file_name().to_string_lossy());
            let kind = entry.file_type().map_err(failed)?;
            if kind.is_dir() {
                self.folder(&inside, &entry.path())?;
            } else if kind.is_file() {
                self.file(&inside, &entry.path())?;
            }
        }
        Ok(())
    }

    /// One part; two archives of the same things are the same bytes.
    fn part(&mut self, name: &str, length: u64, from: impl Read) -> Result<(), Failure> {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o644);
        header.set_size(length);
        header.set_mtime(0);
        let mut hashed = Hashed {
            from: from.take(length),
            hasher: blake3::Hasher::new(),
        };
        let written = self.tar.append_data(&mut header, name, &mut hashed);
        written.map_err(|error| unwritable(self.path, &error))?;
        let blake3 = hashed.hasher.finalize().to_hex().to_string();
        self.parts.insert(name.to_string(), Part { bytes: length, blake3 });
        Ok(())
    }

    fn finish(mut self) -> Result<(), Failure> {
        let manifest = Manifest {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").into(),
            parts: std::mem::take(&mut self.parts),
        };
        self.json(MANIFEST, &manifest)?;
        let failed = |error| unwritable(self.path, &error);
        let file = self
            .tar
            .into_inner()
            .map_err(failed)?
            .into_inner()
            .map_err(|error| failed(error.into_error()))?;
        file.sync_all().map_err(failed)?;
        self.bar.finish("whole");
        Ok(())
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::io(format!("cannot write {}", path.display()), error)
}

/// Hashes what is read through it.
struct Hashed<R> {
    from: R,
    hasher: blake3::Hasher,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.from.read(buffer)?;
        self.hasher.update(&buffer[..length]);
        Ok(length)
    }
}
