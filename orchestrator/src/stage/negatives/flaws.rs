//! What is odd about a proxy's pictures: it is noted beside them, and they are used as they are.

use std::path::{Path, PathBuf};

use perceive_datasets::picture::Picture;
use serde::{Deserialize, Serialize};

use crate::{
    failure::Failure,
    stage::context::{read_json, write_json},
};

/// The file that they are noted in; there is none where there is none to note.
pub const FILE: &str = "flaws.json";

/// One odd picture.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Flaw {
    /// The set's label.
    pub set: String,
    pub picture: String,
    /// In words.
    pub what: String,
}

/// Those that were found so far; kept in the artefact in the making.
pub struct Flaws {
    path: PathBuf,
    found: Vec<Flaw>,
}

impl Flaws {
    /// Those of an artefact's folder.
    pub fn of(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join(FILE);
        let found = if path.exists() { read_json(&path)? } else { Vec::new() };
        Ok(Self { path, found })
    }

    pub fn all(&self) -> &[Flaw] {
        &self.found
    }

    pub fn add(&mut self, flaw: Flaw) -> Result<(), Failure> {
        self.found.push(flaw);
        self.found.sort();
        self.found.dedup();
        write_json(&self.path, &self.found)
    }
}

/// What is odd about a picture that a proxy made; `finite`: whether all its numbers were, before they became levels.
pub fn of(picture: &Picture, finite: bool) -> Option<&'static str> {
    if !finite {
        return Some("NaN or infinite values");
    }
    match picture.rgb.split_first() {
        Some((0, rest)) if rest.iter().all(|level| *level == 0) => Some("all black"),
        Some((first, rest)) if rest.iter().all(|level| level == first) => Some("of one level"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_odd_pictures_are_noted_and_each_once() {
        let mut picture = Picture::new(4, 4);
        assert_eq!(of(&picture, true), Some("all black"));
        assert_eq!(of(&picture, false), Some("NaN or infinite values"));
        picture.rgb.fill(9);
        assert_eq!(of(&picture, true), Some("of one level"));
        picture.rgb[7] = 10;
        assert_eq!(of(&picture, true), None);

        let folder = tempfile::tempdir().unwrap();
        let flaw = Flaw {
            set: "scenes haze".into(),
            picture: "a".into(),
            what: "all black".into(),
        };
        for _ in 0..2 {
            Flaws::of(folder.path()).unwrap().add(flaw.clone()).unwrap();
        }
        assert_eq!(Flaws::of(folder.path()).unwrap().all(), [flaw]);
    }
}
