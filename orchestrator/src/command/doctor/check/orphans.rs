//! What lies in the home and is referred to by nothing, and what is referred to and does not lie there.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::super::finding::Finding;
use crate::database::Database;
use crate::database::artefacts::Artefact;
use crate::database::runs::{RunFilter, RunState};
use crate::failure::Failure;
use crate::home::Home;
use crate::journal::{Event, Line};
use crate::run::manifest::Manifest;
use crate::show::count;

/// How many of a kind are named one by one.
const NAMED: usize = 5;

/// Everything without its other half.
#[derive(Debug, Default)]
pub struct Orphans {
    /// Artefact folders without a row that say what they are.
    pub unrecorded: Vec<(String, Manifest)>,
    /// Artefact folders without a row and without a manifest of their own key.
    pub unknown: Vec<String>,
    /// Rows of artefacts whose folder is gone.
    pub folderless: Vec<Artefact>,
    /// Runs whose journal holds more than was imported.
    pub behind: Vec<String>,
    /// Journals of runs that the record does not know, with their first line.
    pub stray: Vec<(String, Line)>,
    /// Journals of unknown runs that do not tell whose they are.
    pub nameless: Vec<String>,
    /// Runs that have begun and have no journal.
    pub silent: Vec<String>,
    /// Work folders that nobody goes on from.
    pub abandoned: Vec<String>,
}

impl Orphans {
    pub fn find(database: &Database, home: &Home) -> Result<Self, Failure> {
        let mut orphans = Self::default();
        orphans.find_artefacts(database, home)?;
        orphans.find_journals(database, home)?;
        orphans.find_work(database, home)?;
        Ok(orphans)
    }

    fn find_artefacts(&mut self, database: &Database, home: &Home) -> Result<(), Failure> {
        let artefacts = database.artefacts()?;
        let recorded: BTreeSet<&str> = artefacts.iter().map(|artefact| artefact.path.as_str()).collect();
        for name in names(&home.artefacts())? {
            if recorded.contains(name.as_str()) {
                continue;
            }
            match Manifest::read(&home.artefact(&name)) {
                Ok(Some(manifest)) if manifest.job.key() == name => self.unrecorded.push((name, manifest)),
                _ => self.unknown.push(name),
            }
        }
        self.folderless = artefacts;
        self.folderless
            .retain(|artefact| !home.artefacts().join(&artefact.path).exists());
        Ok(())
    }

    fn find_journals(&mut self, database: &Database, home: &Home) -> Result<(), Failure> {
        let imported = database.imported()?;
        let runs = database.runs(RunFilter::default())?;
        let known: BTreeSet<&str> = runs.iter().map(|run| run.id.as_str()).collect();
        for name in names(&home.journals())? {
            let Some(id) = name.strip_suffix(".jsonl").filter(|id| !known.contains(id)) else {
                continue;
            };
            match first_line(&home.journal(id)) {
                Some(line) if matches!(line.event, Event::Order { .. }) => self.stray.push((id.to_string(), line)),
                _ => self.nameless.push(id.to_string()),
            }
        }
        for run in runs.iter().filter(|run| !run.state.is_live()) {
            let path = home.journal(&run.id);
            match fs::metadata(&path) {
                Ok(file) => {
                    let offset = imported.get(&run.id).copied().unwrap_or(0);
                    if file.len() > offset && has_whole_line(&path, offset) {
                        self.behind.push(run.id.clone());
                    }
                }
                Err(_) if run.state == RunState::Cancelled || run.started_at.is_none() => {}
                Err(_) => self.silent.push(run.id.clone()),
            }
        }
        Ok(())
    }

    fn find_work(&mut self, database: &Database, home: &Home) -> Result<(), Failure> {
        let wanted: BTreeSet<String> = database.wanted_artefacts()?.into_iter().collect();
        let runs = database.runs(RunFilter::default())?;
        let live: BTreeSet<&str> = runs
            .iter()
            .filter(|run| run.state.is_live())
            .map(|run| run.artefact_key.as_str())
            .collect();
        self.abandoned = names(&home.work())?;
        self.abandoned.retain(|key| {
            let resumed = wanted.contains(key) && !home.artefact(key).exists();
            !resumed && !live.contains(key.as_str())
        });
        Ok(())
    }

    /// A line for each kind.
    pub fn findings(&self, home: &Home) -> Vec<Finding> {
        const REPAIR: &str = "`perceive-ir doctor --repair`";
        let keys: Vec<&str> = self.unrecorded.iter().map(|(key, _)| key.as_str()).collect();
        let folderless: Vec<&str> = self.folderless.iter().map(|artefact| artefact.key.as_str()).collect();
        let stray: Vec<&str> = self.stray.iter().map(|(id, _)| id.as_str()).collect();
        let (artefacts, journals, work) = (home.artefacts(), home.journals(), home.work());
        let mut findings: Vec<Finding> = [
            told("folder", "that the record does not know", &keys, || {
                format!("{REPAIR} records them")
            }),
            told("folder", "of no known artefact", &self.unknown, || {
                let place = artefacts.display();
                format!("run their experiments again: what is used is recorded; the rest of {place} can be removed")
            }),
            told("artefact", "whose folder is gone", &folderless, || {
                format!("{REPAIR} forgets that they were there (numbers stay); the next run makes them anew")
            }),
            told(
                "run",
                "whose journal holds more than was imported",
                &self.behind,
                || format!("{REPAIR} imports them"),
            ),
            told("journal", "of a run that the record does not know", &stray, || {
                format!("{REPAIR} records the runs and imports them")
            }),
            told("journal", "that do not tell whose they are", &self.nameless, || {
                format!("nothing can be done with them; remove them from {}", journals.display())
            }),
            told("run", "without a journal", &self.silent, || {
                "nothing: what was imported stays".to_string()
            }),
            told("work folder", "that nobody goes on from", &self.abandoned, || {
                let folders = self.abandoned.iter().map(|key| work.join(key).display().to_string());
                format!("free their room: `rm -r {}`", folders.collect::<Vec<_>>().join(" "))
            }),
        ]
        .into_iter()
        .flatten()
        .collect();
        if findings.is_empty() {
            findings.push(Finding::ok("orphans", "none"));
        }
        findings
    }
}

fn told(noun: &str, which: &str, found: &[impl AsRef<str>], to_do: impl Fn() -> String) -> Option<Finding> {
    if found.is_empty() {
        return None;
    }
    let mut names: Vec<&str> = found.iter().take(NAMED).map(AsRef::as_ref).collect();
    if found.len() > NAMED {
        names.push("…");
    }
    let text = format!("{} {which}: {}", count(found.len(), noun), names.join(", "));
    Some(Finding::note("orphans", text, to_do()))
}

/// The names in a folder, sorted; none where there is no such folder.
fn names(folder: &Path) -> Result<Vec<String>, Failure> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let failed = |error| Failure::io(format!("cannot read {}", folder.display()), &error);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        names.push(entry.map_err(failed)?.file_name().to_string_lossy().into_owned());
    }
    names.sort_unstable();
    Ok(names)
}

fn first_line(journal: &PathBuf) -> Option<Line> {
    let mut text = String::new();
    BufReader::new(fs::File::open(journal).ok()?)
        .read_line(&mut text)
        .ok()?;
    serde_json::from_str(&text).ok()
}

/// Whether there is more behind `offset` than a line that was cut.
fn has_whole_line(journal: &Path, offset: u64) -> bool {
    use std::io::{Read, Seek, SeekFrom};
    let Ok(mut file) = fs::File::open(journal) else {
        return false;
    };
    let mut text = Vec::new();
    let read = file
        .seek(SeekFrom::Start(offset))
        .and_then(|_| file.take(1 << 20).read_to_end(&mut text));
    read.is_ok() && text.contains(&b'\n')
}
