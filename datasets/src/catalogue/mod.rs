//! The catalogue: every dataset that the program knows by name, one file each.
//!
//! An entry is plain data: what the dataset is for, its splits with the counts that its papers state, the layouts in which
//! people have it (`layout/`, by id), and whom to cite. A new dataset is one file here, one line in [`CATALOGUE`], and its
//! layouts. Nothing is downloaded; `obtained` is for the reader.

pub mod bsd400;
pub mod c60;
pub mod cbsd68;
pub mod gopro;
pub mod kodak24;
pub mod lol;
pub mod rain100l;
pub mod reside;
pub mod sots;
pub mod uieb;
pub mod urban100;
pub mod wed;

use serde::{Deserialize, Serialize};

/// Every known dataset, training sets first, in the order of the paper's table.
pub static CATALOGUE: [&Entry; 12] = [
    &bsd400::ENTRY,
    &wed::ENTRY,
    &reside::ENTRY,
    &rain100l::ENTRY,
    &gopro::ENTRY,
    &lol::ENTRY,
    &cbsd68::ENTRY,
    &urban100::ENTRY,
    &kodak24::ENTRY,
    &sots::ENTRY,
    &uieb::ENTRY,
    &c60::ENTRY,
];

/// What is wrong with a dataset's degraded pictures.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Degradation {
    /// The dataset is of clean pictures only; noise is added to them.
    Noise,
    Haze,
    Rain,
    Blur,
    LowLight,
    Underwater,
}

impl Degradation {
    /// The word as it stands in settings, tables and the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Noise => "noise",
            Self::Haze => "haze",
            Self::Rain => "rain",
            Self::Blur => "blur",
            Self::LowLight => "low-light",
            Self::Underwater => "underwater",
        }
    }
}

/// A dataset: a named set of pictures.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Entry {
    /// The name in settings, on the command line and in the database.
    pub name: &'static str,
    /// The name as papers write it.
    pub title: &'static str,
    /// Other names that [`find`] understands.
    pub aliases: &'static [&'static str],
    pub degradation: Degradation,
    /// The first is the one that the paper uses.
    pub splits: &'static [Split],
    /// Ids of the layouts that are recognised, see `layout/`.
    pub layouts: &'static [&'static str],
    /// How a degraded picture finds its clean partner, in words.
    pub pairing: &'static str,
    pub citation: &'static str,
    pub licence: &'static str,
    pub obtained: &'static str,
}

/// A part of a dataset with the count that its papers state.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Split {
    pub name: &'static str,
    /// Pairs; clean pictures where the dataset has no degraded ones; degraded pictures where it has no clean ones.
    pub official: usize,
    pub holds: &'static str,
}

impl Entry {
    pub fn split(&self, name: &str) -> Option<&'static Split> {
        self.splits.iter().find(|split| split.name == name)
    }

    /// Whether the dataset's pictures have no clean partner at all (C60).
    pub fn is_without_references(&self) -> bool {
        self.name == c60::ENTRY.name
    }
}

/// The entry of this name, title or alias; case, `-`, `_` and spaces do not matter.
pub fn find(name: &str) -> Option<&'static Entry> {
    let wanted = plain(name);
    CATALOGUE.into_iter().find(|entry| {
        plain(entry.name) == wanted
            || plain(entry.title) == wanted
            || entry.aliases.iter().any(|alias| plain(alias) == wanted)
    })
}

/// The names of all entries, for messages.
pub fn names() -> Vec<&'static str> {
    CATALOGUE.iter().map(|entry| entry.name).collect()
}

fn plain(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_official_counts_are_those_of_the_papers() {
        let count = |name: &str, split: &str| find(name).unwrap().split(split).unwrap().official;
        for (name, split, official) in [
            ("bsd400", "train", 400),
            ("wed", "train", 4744),
            ("reside", "train", 2061 * 35),
            ("rain100l", "train", 200),
            ("rain100l", "test", 100),
            ("gopro", "train", 2103),
            ("gopro", "test", 1111),
            ("lol", "train", 485),
            ("lol", "test", 15),
            ("cbsd68", "test", 68),
            ("urban100", "test", 100),
            ("kodak24", "test", 24),
            ("sots", "test", 500),
            ("uieb", "test", 890),
            ("c60", "test", 60),
        ] {
            assert_eq!(count(name, split), official, "{name} {split}");
        }
    }

    #[test]
    fn a_dataset_is_found_as_people_write_it_and_no_two_share_a_name() {
        for (written, name) in [
            ("SOTS-Outdoor", "sots"),
            ("Rain 100L", "rain100l"),
            ("OTS", "reside"),
            ("BSD68", "cbsd68"),
        ] {
            assert_eq!(find(written).unwrap().name, name, "{written}");
        }
        assert_eq!(find("my-photos"), None);
        let mut all: Vec<String> = Vec::new();
        for entry in CATALOGUE {
            let mut own: Vec<String> = entry.aliases.iter().map(|alias| plain(alias)).collect();
            own.extend([plain(entry.name), plain(entry.title)]);
            own.sort();
            own.dedup();
            all.extend(own);
        }
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn the_lists_of_numbers_are_ascending_and_apart() {
        assert!(bsd400::IDS.is_sorted() && cbsd68::IDS.is_sorted() && lol::EVAL15.is_sorted());
        assert!(gopro::TRAIN.is_sorted() && gopro::TEST.is_sorted());
        assert!(cbsd68::IDS.iter().all(|id| bsd400::IDS.binary_search(id).is_err()));
        assert!(
            gopro::TEST
                .iter()
                .all(|sequence| gopro::TRAIN.binary_search(sequence).is_err())
        );
    }
}
