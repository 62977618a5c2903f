//! Weights on this machine: fetched or brought, imported once, checked, then found by name
//! (`HOME/weights/NAME.safetensors`).
//!
//! Beside each file lies `NAME.json` with where it came from and what it is. The pair is written last-json-first-read:
//! an entry exists once its json does, so an import that is cut leaves nothing that could be found.

mod download;
mod fetch;
mod fingerprint;
mod import;
pub mod kind;
mod look_alike;
mod overrides;
mod planned;
mod publication;

use std::fs;
use std::path::{Path, PathBuf};

use perceive_model::network::NetworkConfig;
use perceive_model::weights::WeightsError;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use download::Event;
pub use fetch::Fetch;
pub use import::{Imported, Source};
pub use kind::Kind;
pub use overrides::Overrides;
pub use planned::others;
pub use publication::{Check, Publication};

use crate::failure::{Exit, Failure};
use crate::home::Home;
use crate::stage::towers::Tower;

/// The installed weights of one home.
#[derive(Clone, Debug)]
pub struct WeightsStore {
    folder: PathBuf,
    /// Published files on their way here.
    downloads: PathBuf,
}

/// What is known about installed weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The kind's name, such as `clip-vit-b32`.
    pub kind: String,
    /// What they are found by: the kind's name, or one of the user's.
    pub name: String,
    /// The name of the file that was imported, without its folder.
    pub source: String,
    /// Of the imported file, in hex.
    pub sha256: String,
    pub blake3: String,
    /// Of the file in the store (the same tensors, as f32 safetensors), in hex.
    pub stored_blake3: String,
    pub tensors: usize,
    /// What the network learned.
    pub parameters: usize,
    /// RFC 3339, UTC.
    pub imported_at: String,
    /// The network's settings: what the tensors' shapes tell, and what was said at the import.
    pub configuration: Value,
    /// The DINOv2 that guides the network, where its file says so: one that this program trained and exported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guide: Option<Tower>,
    /// What was taken off every key: `state_dict.net.`
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub wrapper: String,
}

impl Entry {
    /// As people name the network.
    pub fn title(&self) -> &str {
        Kind::find(&self.kind).map_or(&self.kind, |kind| kind.title)
    }

    /// `width 32`.
    pub fn size(&self) -> Option<String> {
        Kind::find(&self.kind)?.size_of(&self.configuration)
    }

    /// The restorer's settings.
    ///
    /// # Errors
    /// [`Exit::Weights`] for a tower, which restores nothing.
    pub fn network(&self) -> Result<NetworkConfig, Failure> {
        // Entries of before there were several restorers do not name theirs.
        let mut settings = self.configuration.clone();
        if let Some(members) = settings
            .as_object_mut()
            .filter(|_| self.kind == kind::restormer::KIND.name)
        {
            members.entry("network").or_insert_with(|| self.kind.clone().into());
        }
        serde_json::from_value(settings).map_err(|_| {
            let text = format!(
                "the weights {:?} are of {}, which restores no pictures",
                self.name,
                self.title()
            );
            Failure::new(Exit::Weights, text).help("`perceive-ir weights ls` shows which ones are of a restorer")
        })
    }
}

impl WeightsStore {
    pub fn of(home: &Home) -> Self {
        Self {
            folder: home.weights(),
            downloads: home.downloads(),
        }
    }

    /// The safetensors file of a tower, checked to be the one that was imported.
    ///
    /// # Errors
    /// [`Exit::Weights`] where it is not installed (with which file to fetch from where) or was changed since.
    pub fn find(&self, kind: &Kind) -> Result<PathBuf, Failure> {
        let entry = self.entry(kind.name)?.ok_or_else(|| missing(kind))?;
        self.check(&entry)
    }

    /// Refuses towers that are not installed, all of them at once.
    ///
    /// # Errors
    /// [`Exit::Weights`] with what to do.
    pub fn check_installed(&self, kinds: &[&'static Kind]) -> Result<(), Failure> {
        let mut absent = Vec::new();
        for kind in kinds {
            if self.entry(kind.name)?.is_none() {
                absent.push(*kind);
            }
        }
        match absent[..] {
            [] => Ok(()),
            [kind] => Err(missing(kind)),
            _ => Err(all_missing(&absent)),
        }
    }

    /// The safetensors file of any installed weights, checked likewise.
    pub fn find_named(&self, name: &str) -> Result<PathBuf, Failure> {
        let entry = self.named(name)?;
        self.check(&entry)
    }

    /// Everything that is installed, by name.
    pub fn entries(&self) -> Result<Vec<Entry>, Failure> {
        let listing = match fs::read_dir(&self.folder) {
            Ok(listing) => listing,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Failure::io(format!("cannot read {}", self.folder.display()), &error)),
        };
        let mut names: Vec<String> = listing
            .filter_map(|file| file.ok()?.file_name().into_string().ok())
            .filter_map(|name| name.strip_suffix(".json").map(str::to_owned))
            .collect();
        names.sort();
        names.iter().filter_map(|name| self.entry(name).transpose()).collect()
    }

    /// The entry of that name, if it is installed.
    pub fn entry(&self, name: &str) -> Result<Option<Entry>, Failure> {
        let path = self.json(name);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::io(format!("cannot read {}", path.display()), &error)),
        };
        serde_json::from_slice(&text).map(Some).map_err(|error| {
            Failure::new(Exit::Weights, format!("{} is damaged: {error}", path.display())).help(format!(
                "`perceive-ir weights rm {name}`, then import the weights again"
            ))
        })
    }

    /// The entry of that name.
    ///
    /// # Errors
    /// [`Exit::Unknown`] with the nearest name.
    pub fn named(&self, name: &str) -> Result<Entry, Failure> {
        if let Some(entry) = self.entry(name)? {
            return Ok(entry);
        }
        let entries = self.entries()?;
        Err(Failure::unknown(
            "weights",
            name,
            entries.iter().map(|entry| entry.name.as_str()),
        ))
    }

    /// Removes the weights of that name.
    pub fn remove(&self, name: &str) -> Result<(), Failure> {
        if !self.json(name).exists() {
            self.named(name)?;
        }
        // The json first: what is left after a cut between the two is no entry.
        for path in [self.json(name), self.safetensors(name)] {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Failure::io(format!("cannot remove {}", path.display()), &error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Holds an entry's file to the hash that it was stored with.
    fn check(&self, entry: &Entry) -> Result<PathBuf, Failure> {
        let path = self.safetensors(&entry.name);
        let reason = match fingerprint::fingerprint(&path) {
            Ok(found) if found.blake3 == entry.stored_blake3 => return Ok(path),
            Ok(_) => "was changed since its import".to_owned(),
            Err(error) => format!("cannot be read: {error}"),
        };
        Err(
            Failure::new(Exit::Weights, format!("{} {reason}", path.display())).help(format!(
                "`perceive-ir weights rm {name}`, then `perceive-ir weights import {kind} FILE` with {source} again",
                name = entry.name,
                kind = entry.kind,
                source = entry.source,
            )),
        )
    }

    fn json(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.json"))
    }

    fn safetensors(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.safetensors"))
    }
}

/// What to do about a tower that is not installed.
fn missing(kind: &Kind) -> Failure {
    let failure = Failure::new(
        Exit::Weights,
        format!("the weights of {} are not installed", kind.title),
    );
    failure.help(how_to_install(kind))
}

fn all_missing(kinds: &[&Kind]) -> Failure {
    let titles: Vec<&str> = kinds.iter().map(|kind| kind.title).collect();
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
    let text = format!("the weights of {} are not installed", titles.join(", "));
    let published = kinds.iter().filter_map(|kind| Some((kind, kind.publication.as_ref()?)));
    let each: Vec<String> = published
        .map(|(kind, publication)| by_hand(kind, publication))
        .collect();
    Failure::new(Exit::Weights, text).help(format!(
        "`perceive-ir weights fetch {}`, or\n{}\nor {STAND_IN}",
        names.join(" "),
        each.join("\n")
    ))
}

/// What to do without real towers.
const STAND_IN: &str =
    "`--set towers=stand-in` (in a file `towers = \"stand-in\"`): small seeded networks in their place";

/// Which file to fetch from where, what to do with it, and what to do without it.
pub fn how_to_install(kind: &Kind) -> String {
    let mut text = how_to_import(kind);
    if kind.has_stand_in() {
        text += "\nor ";
        text += STAND_IN;
    }
    text
}

/// Which file to fetch from where, and what to do with it.
pub fn how_to_import(kind: &Kind) -> String {
    let Some(publication) = &kind.publication else {
        let page = kind
            .page
            .map_or(String::new(), |page| format!("fetch one of the files of {page}\n"));
        return format!("{page}`perceive-ir weights import {} FILE`", kind.name);
    };
    format!(
        "`perceive-ir weights fetch {}`, or {}",
        kind.name,
        by_hand(kind, publication)
    )
}

/// What `weights fetch` does, done by a person.
fn by_hand(kind: &Kind, publication: &Publication) -> String {
    format!(
        "fetch {} ({}) yourself and\n`perceive-ir weights import {} {}`",
        publication.url,
        publication.hash_in_words(),
        kind.name,
        publication.file()
    )
}

impl From<WeightsError> for Failure {
    fn from(error: WeightsError) -> Self {
        match error {
            WeightsError::Write { path, source } => Self::io(format!("cannot write {}", path.display()), &source),
            other => Self::new(Exit::Weights, other.to_string()),
        }
    }
}

/// The last part of a path, for messages and the record.
fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}
