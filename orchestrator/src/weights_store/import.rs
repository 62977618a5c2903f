//! Importing: a file is examined, read, fitted to its network, and only then stored.

use std::fs;
use std::io::Write;
use std::path::Path;

use perceive_model::network::NetworkConfig;
use perceive_model::weights::{Checkpoint, WeightsError, Wrapper, fit};
use serde_json::Value;

use super::fingerprint::{Fingerprint, fingerprint};
use super::kind::Shapes;
use super::look_alike::LookAlike;
use super::overrides::is_plausible;
use super::{Entry, Kind, Overrides, WeightsStore, file_name};
use crate::failure::{Exit, Failure};
use crate::stage::towers::Tower;

/// What to import.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    pub kind: &'a Kind,
    pub file: &'a Path,
    /// The name to store it under; `None` for the kind's own.
    pub name: Option<&'a str>,
    /// Of settings that the file does not tell.
    pub overrides: &'a Overrides,
}

/// What an import did.
#[derive(Debug)]
pub enum Imported {
    New {
        entry: Entry,
        /// Tensors beside the wrapper that the weights were in.
        beside: usize,
    },
    /// The same file was imported before.
    Already(Entry),
}

/// A file that fits.
struct Fitted {
    checkpoint: Checkpoint,
    wrapper: Wrapper,
    settings: Value,
    guide: Option<Tower>,
    parameters: usize,
}

impl WeightsStore {
    /// Checks a file against its publication and its network, and stores it as f32 safetensors that say of what network
    /// they are.
    ///
    /// # Errors
    /// [`Exit::Weights`] for another file than the published one, another one than was imported before, a broken file,
    /// or tensors that do not fit the network (all of them listed). Nothing is stored then.
    pub fn import(&self, source: Source<'_>) -> Result<Imported, Failure> {
        let Source { kind, file, name, .. } = source;
        let name = name_of(kind, name)?;
        if !source.overrides.is_empty() && !kind.is_restorer() {
            let text = format!("{} has no settings to be told: its shapes tell all of them", kind.title);
            return Err(Failure::new(Exit::Usage, text).help("leave --set and --config out"));
        }
        let unreadable = |error| {
            let mut failure = Failure::io(format!("cannot read {}", file.display()), &error);
            failure.exit = Exit::Weights;
            failure
        };
        Checkpoint::probe(file)?;
        let fingerprint = fingerprint(file).map_err(unreadable)?;
        let file_name = file_name(file);
        if let Some(publication) = &kind.publication {
            publication.examine(&file_name, &fingerprint.sha256)?;
        }
        let before = self.entry(&name)?;
        if let Some(before) = &before {
            if before.sha256 != fingerprint.sha256 || before.kind != kind.name {
                return Err(another(before, &file_name, &fingerprint));
            }
            if source.overrides.is_empty() && self.check(before).is_ok() {
                return Ok(Imported::Already(before.clone()));
            }
        }
        let fitted = fitted(source, &file_name)?;
        hold_to_size(kind, &name, fitted.parameters)?;
        match before {
            Some(before) if before.configuration != fitted.settings => return Err(otherwise(&before)),
            Some(before) if self.check(&before).is_ok() => return Ok(Imported::Already(before)),
            // What lies in the store was changed: it is made anew.
            Some(_) => self.remove(&name)?,
            None => {}
        }
        let Fitted {
            mut checkpoint,
            wrapper,
            settings,
            guide,
            parameters,
        } = fitted;
        checkpoint.metadata = [("configuration".to_owned(), settings.to_string())].into();
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
            configuration: settings,
            guide,
            wrapper: wrapper.prefix,
        };
        let beside = wrapper.beside;
        self.store(entry, &checkpoint)
            .map(|entry| Imported::New { entry, beside })
    }

    fn store(&self, entry: Entry, checkpoint: &Checkpoint) -> Result<Entry, Failure> {
        fs::create_dir_all(&self.folder)
            .map_err(|error| Failure::io(format!("cannot make {}", self.folder.display()), &error))?;
        let path = self.safetensors(&entry.name);
        checkpoint.write(&path)?;
        let stored =
            fingerprint(&path).map_err(|error| Failure::io(format!("cannot read back {}", path.display()), &error))?;
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

/// Reads a file and holds it against its network.
fn fitted(source: Source<'_>, file_name: &str) -> Result<Fitted, Failure> {
    let Source {
        kind, file, overrides, ..
    } = source;
    let (published, wrapper) = published(file)?;
    let told = published.metadata.get("configuration").cloned();
    let guide = published.metadata.get("guide");
    let guide = guide.and_then(|told| serde_json::from_str(told).ok());
    let checkpoint = (kind.bare)(published);
    let mut settings = settings(kind, &checkpoint, told.as_deref());
    overrides.over(&mut settings)?;
    let impossible = |problem| {
        let text = format!("no {} can be built with {overrides}: {problem}", kind.title);
        Failure::new(Exit::Usage, text)
    };
    let tensors = (kind.tensors)(&settings).map_err(impossible)?;
    fit(&tensors, &checkpoint, file_name).map_err(|error| match error {
        WeightsError::Mismatch(mismatch) => {
            let failure = Failure::new(Exit::Weights, mismatch.to_string());
            // What `bare` took out is read again rather than kept beside the rest.
            match self::published(file)
                .ok()
                .and_then(|(whole, _)| LookAlike::of(&whole, kind))
            {
                Some(other) => failure.help(other.advice(file_name)),
                None => failure,
            }
        }
        other => other.into(),
    })?;
    let is_learned = |key: &str| !key.contains(".running_");
    let learned = checkpoint.tensors.iter().filter(|(key, _)| is_learned(key));
    Ok(Fitted {
        parameters: learned.map(|(_, array)| array.data.len()).sum(),
        checkpoint,
        wrapper,
        settings,
        guide,
    })
}

/// The tensors of a file, as it was published, that hold something.
fn published(file: &Path) -> Result<(Checkpoint, Wrapper), WeightsError> {
    let (mut published, wrapper) = Checkpoint::published(file)?;
    published.tensors.retain(|key, array| {
        // Batch norm's counters, and tensors without an element, hold nothing.
        !key.ends_with("num_batches_tracked") && !array.data.is_empty()
    });
    Ok((published, wrapper))
}

/// What the file says of itself, if this program wrote it, or what its shapes tell.
fn settings(kind: &Kind, checkpoint: &Checkpoint, told: Option<&str>) -> Value {
    let told: Option<Value> = told.and_then(|told| serde_json::from_str(told).ok());
    let told = told.filter(is_plausible);
    let told: Option<NetworkConfig> = told.and_then(|told| serde_json::from_value(told).ok());
    match told.filter(|told| told.name() == kind.name && told.check().is_ok()) {
        Some(told) => serde_json::to_value(told).unwrap_or_default(),
        None => (kind.settings)(&Shapes::of(checkpoint)),
    }
}

fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = fs::File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// What weights are found by: their kind's name, or one of the user's.
fn name_of(kind: &Kind, name: Option<&str>) -> Result<String, Failure> {
    let Some(name) = name else {
        return Ok(kind.name.to_owned());
    };
    let fine = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    if name.is_empty() || name.starts_with('.') || !name.chars().all(fine) {
        return Err(
            Failure::new(Exit::Usage, format!("'{name}' cannot be the name of weights"))
                .help("letters, digits, '-', '_' and '.', not beginning with '.'"),
        );
    }
    match Kind::find(name) {
        Some(other) if other.name != kind.name => Err(Failure::new(
            Exit::Usage,
            format!("'{name}' is what {} is found by", other.title),
        )
        .help("choose another name")),
        _ if ["medium-a", "medium-b"].contains(&name) => {
            let text = format!("'{name}' is what an experiment calls the medium model of a fold");
            Err(Failure::new(Exit::Usage, text).help("choose another name"))
        }
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

fn another(before: &Entry, file_name: &str, found: &Fingerprint) -> Failure {
    let message = format!(
        "{name} is already installed from {source} (SHA-256 {old}); {file_name} is another file (SHA-256 {new})",
        name = before.name,
        source = before.source,
        old = before.sha256,
        new = found.sha256,
    );
    Failure::new(Exit::Weights, message).help(instead(before))
}

fn otherwise(before: &Entry) -> Failure {
    let message = format!(
        "{} is already installed from this file, with other settings: {}",
        before.name, before.configuration
    );
    Failure::new(Exit::Weights, message).help(instead(before))
}

fn instead(before: &Entry) -> String {
    format!(
        "give it a name of its own with --name NAME; or, if it is meant to take the place of the other: `perceive-ir weights \
         rm {}`, then import it again",
        before.name
    )
}
