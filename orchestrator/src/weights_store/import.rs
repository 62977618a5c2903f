//! Importing: a file is examined, read, fitted to its network, and only then stored.

use std::fs;
use std::io::Write;
use std::path::Path;

use perceive_model::weights::Checkpoint;

use super::{Entry, Kind, WeightsStore, container, file_name};
use crate::failure::{Exit, Failure};

/// What to import.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    pub kind: &'a Kind,
    pub file: &'a Path,
    /// The name to store it under; `None` for the kind's own.
    pub name: Option<&'a str>,
}

/// What an import did.
#[derive(Debug)]
pub enum Imported {
    New(Entry),
    /// The same file was imported before.
    Already(Entry),
}

impl WeightsStore {
    /// Checks a file against its publication and its network, and stores it as f32 safetensors.
    ///
    /// # Errors
    /// [`Exit::Weights`] for another file than the published one, another one than was imported before, a broken file,
    /// or tensors that do not fit the network (all of them listed). Nothing is stored then.
    pub fn import(&self, source: Source<'_>) -> Result<Imported, Failure> {
        let Source { kind, file, name } = source;
        let name = name_of(kind, name)?;
        let unreadable = |error| {
            let failure = Failure::io(format!("cannot read {}", file.display()), &error);
            Failure {
                exit: Exit::Weights,
                ..failure
            }
        };
        let fingerprint = container::fingerprint(file).map_err(unreadable)?;
        let file_name = file_name(file);
        if let Some(publication) = &kind.publication {
            publication.examine(&file_name, &fingerprint.sha256)?;
        }
        if let Some(before) = self.entry(&name)? {
            return if before.sha256 == fingerprint.sha256 && self.check(&before).is_ok() {
                Ok(Imported::Already(before))
            } else if before.sha256 == fingerprint.sha256 {
                self.remove(&name)?;
                self.import(source)
            } else {
                Err(another(&before, &file_name, &fingerprint.sha256))
            };
        }

        let conversion = kind.conversion_of(&file_name).unwrap_or_default();
        let mut checkpoint = container::read(file, &conversion)?;
        checkpoint.tensors.retain(|key, _| !(kind.harmless)(key));
        checkpoint.metadata.clear();
        let configuration = (kind.fit)(&checkpoint, &file_name)?;
        let parameters = checkpoint.tensors.values().map(|array| array.data.len()).sum();
        hold_to_size(kind, &name, parameters)?;

        let entry = Entry {
            kind: kind.name.to_owned(),
            name,
            source: file_name,
            sha256: fingerprint.sha256,
            blake3: fingerprint.blake3,
            stored_blake3: String::new(),
            tensors: checkpoint.tensors.len(),
            parameters,
            imported_at: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            configuration,
        };
        self.store(entry, &checkpoint).map(Imported::New)
    }

    fn store(&self, entry: Entry, checkpoint: &Checkpoint) -> Result<Entry, Failure> {
        fs::create_dir_all(&self.folder)
            .map_err(|error| Failure::io(format!("cannot make {}", self.folder.display()), &error))?;
        let path = self.safetensors(&entry.name);
        checkpoint.write(&path)?;
        let stored = container::fingerprint(&path)
            .map_err(|error| Failure::io(format!("cannot read back {}", path.display()), &error))?;
        let entry = Entry {
            stored_blake3: stored.blake3,
            ..entry
        };
        let json = self.json(&entry.name);
        let part = json.with_extension(format!("json.{}.part", std::process::id()));
        let written = serde_json::to_vec_pretty(&entry)
            .map_err(std::io::Error::from)
            .and_then(|text| write_whole(&part, &text))
            .and_then(|()| fs::rename(&part, &json));
        written.map_err(|error| {
            // Weights without their json are no entry; only the space matters.
            let _ = fs::remove_file(&part);
            let _ = fs::remove_file(&path);
            Failure::io(format!("cannot write {}", json.display()), &error)
        })?;
        Ok(entry)
    }
}

fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = fs::File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A tower is found by its kind; a trained network needs a name of its own.
fn name_of(kind: &Kind, name: Option<&str>) -> Result<String, Failure> {
    let Some(name) = name else {
        let needs_name = || {
            Failure::new(
                Exit::Usage,
                format!("weights of the kind {} need a name of their own", kind.name),
            )
            .help(format!("`perceive-ir weights import {} FILE --name NAME`", kind.name))
        };
        return kind
            .publication
            .as_ref()
            .map(|_| kind.name.to_owned())
            .ok_or_else(needs_name);
    };
    let fine = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    if name.is_empty() || name.starts_with('.') || !name.chars().all(fine) {
        return Err(
            Failure::new(Exit::Usage, format!("'{name}' cannot be the name of weights"))
                .help("letters, digits, '-', '_' and '.', not beginning with '.'"),
        );
    }
    match Kind::ALL.iter().find(|other| other.name == name) {
        Some(other) if other.name != kind.name || kind.publication.is_none() => Err(Failure::new(
            Exit::Usage,
            format!("'{name}' is what {} is found by", other.title),
        )
        .help("choose another name")),
        _ => Ok(name.to_owned()),
    }
}

/// Only weights of the published size may stand for the tower, because results will call them by its name.
fn hold_to_size(kind: &Kind, name: &str, parameters: usize) -> Result<(), Failure> {
    match &kind.publication {
        Some(publication) if name == kind.name && parameters != publication.parameters => Err(Failure::new(
            Exit::Weights,
            format!(
                "these are not the weights of {}: {parameters} parameters instead of {}",
                kind.title, publication.parameters
            ),
        )
        .help("give a network of another size a name of its own with --name NAME")),
        _ => Ok(()),
    }
}

fn another(before: &Entry, file_name: &str, sha256: &str) -> Failure {
    let message = format!(
        "{name} is already installed from {source} (SHA-256 {old}); {file_name} is another file (SHA-256 {sha256})",
        name = before.name,
        source = before.source,
        old = before.sha256,
    );
    Failure::new(Exit::Weights, message).help(format!(
        "if it is meant to take its place: `perceive-ir weights rm {}`, then import it again",
        before.name
    ))
}
