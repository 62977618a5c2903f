//! Pairs on disk: what the degrade stage leaves and what a dataset's index gives, as one kind of listing.

use std::path::{Component, Path, PathBuf};

use perceive_datasets::degradation::Noise;
use serde::{Deserialize, Serialize};

use super::context::{Context, read_json, write_json};
use crate::{failure::Failure, home::Home};

/// A degraded picture and its clean partner. Relative paths are relative to the listing's folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    pub name: String,
    pub clean: PathBuf,
    /// The clean picture itself in a listing of clean pictures; both are the degraded one in one without references.
    pub degraded: PathBuf,
    /// Pixels to cut from each side of the clean picture.
    #[serde(default)]
    pub border: u32,
}

/// Where a listing lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Listing {
    /// In the artefact of a stage.
    Artefact(String),
    /// Written from a dataset's index; the digest is over the names and contents of its pictures.
    Index(String),
}

/// The listing's file name in an artefact.
pub const FILE: &str = "pairs.json";

impl Listing {
    /// The artefact that must exist first.
    pub fn input(&self) -> Option<String> {
        match self {
            Self::Artefact(key) => Some(key.clone()),
            Self::Index(_) => None,
        }
    }

    /// Its pairs, with absolute paths or such as the process can open.
    pub fn read(&self, context: &Context) -> Result<Vec<Pair>, Failure> {
        self.read_in(context.home())
    }

    /// The same, of a home.
    pub fn read_in(&self, home: &Home) -> Result<Vec<Pair>, Failure> {
        let path = match self {
            Self::Artefact(key) => home.artefact(key).join(FILE),
            Self::Index(digest) => home.listing(digest),
        };
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut pairs: Vec<Pair> = read_json(&path)?;
        for pair in &mut pairs {
            pair.clean = below(folder, &pair.clean);
            pair.degraded = below(folder, &pair.degraded);
        }
        Ok(pairs)
    }
}

/// A listed path from its listing's folder, without the `..` by which one artefact points to another.
fn below(folder: &Path, listed: &Path) -> PathBuf {
    let mut path = folder.to_path_buf();
    if listed.is_absolute() {
        return listed.to_path_buf();
    }
    for part in listed.components() {
        match part {
            Component::ParentDir => {
                path.pop();
            }
            part => path.push(part),
        }
    }
    path
}

/// Writes a listing.
pub fn write(path: &Path, pairs: &[Pair]) -> Result<(), Failure> {
    write_json(path, &pairs)
}

/// One kind of degradation of one dataset, as training and evaluation take it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Set {
    /// Such as `BSD400 noise25`.
    pub label: String,
    /// Such as `noise25`: pictures of one kind are no negatives of each other in eq. 12.
    pub kind: String,
    /// Dataset and split: the same clean pictures have the same names in all sets of one group.
    pub group: String,
    /// Share of a batch, relative to the other sets.
    pub weight: f64,
    /// How noise is drawn anew in training, where this is noise.
    pub noise: Option<Noise>,
    /// There are no clean pictures: only metrics that need none can be measured.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub without_references: bool,
    pub listing: Listing,
}

impl Set {
    /// The artefacts of several sets.
    pub fn inputs(sets: &[Self]) -> Vec<String> {
        sets.iter().filter_map(|set| set.listing.input()).collect()
    }

    /// The degradations of several sets, each once, in the order of the sets.
    pub fn degradations(sets: &[Self]) -> Vec<&str> {
        let mut degradations: Vec<&str> = Vec::new();
        for set in sets {
            if !degradations.contains(&set.kind.as_str()) {
                degradations.push(&set.kind);
            }
        }
        degradations
    }

    /// A folder name for this set's pictures.
    pub fn folder(&self) -> String {
        file_name(&self.label)
    }
}

/// `name` as one path component.
pub fn file_name(name: &str) -> String {
    name.replace(['/', '\\', ' '], "_")
}

/// `name` as a PNG's file name.
pub fn png_name(name: &str) -> String {
    format!("{}.png", file_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listed_path_is_shown_without_its_detour() {
        let folder = Path::new("runs/artefacts/ab");
        assert_eq!(
            below(folder, Path::new("degraded/1.png")),
            Path::new("runs/artefacts/ab/degraded/1.png")
        );
        assert_eq!(
            below(folder, Path::new("../cd/clean/1.png")),
            Path::new("runs/artefacts/cd/clean/1.png")
        );
        assert_eq!(below(folder, Path::new("/data/1.png")), Path::new("/data/1.png"));
    }
}
