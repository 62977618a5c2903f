//! What a scan says: the datasets found, their pairs, and every picture that is left out, with the reason.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::catalogue;
use crate::layout::Role;

/// What is known of a picture from an earlier scan; if size and time still agree, the file is not opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Known {
    /// Bytes of the file.
    pub size: u64,
    /// Time of the last change, in nanoseconds since 1970.
    pub mtime_ns: i64,
    pub width: u32,
    pub height: u32,
}

/// The result of a scan.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// In the order of the catalogue; of one dataset and split, the most complete first.
    pub found: Vec<Found>,
    /// Folders of pictures that are of no known dataset.
    pub unknown: Vec<PathBuf>,
    /// Folders and files that could not be looked at, and why.
    pub skipped: Vec<Skipped>,
}

/// A folder or file that the scan could not look at.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Skipped {
    pub path: PathBuf,
    pub reason: String,
}

/// One split of one dataset in one layout at one place.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Found {
    /// The catalogue's name, or the name that the user gave.
    pub dataset: String,
    /// The layout's id (`layout/`).
    pub layout: String,
    /// The deepest folder that holds all of its pictures.
    pub root: PathBuf,
    pub split: String,
    /// Every readable picture, ascending by path, widows included.
    pub pictures: Vec<PictureFile>,
    /// Ascending by name; the names are unique.
    pub pairs: Vec<PairFile>,
    /// The count that the papers state; none for a dataset that the catalogue does not know.
    pub official: Option<usize>,
    pub problems: Vec<Problem>,
    /// Names of pairs that an earlier entry of the same dataset and split has already: copies in a second layout.
    pub repeats: Vec<String>,
}

impl Found {
    /// What is to be held against the official count: pairs, or pictures where there are no references.
    pub fn count(&self) -> usize {
        let without = catalogue::find(&self.dataset).is_some_and(catalogue::Entry::is_without_references);
        if without { self.pictures.len() } else { self.pairs.len() }
    }

    /// The pairs without those that an earlier entry has already.
    pub fn own_pairs(&self) -> impl Iterator<Item = &PairFile> {
        self.pairs
            .iter()
            .filter(|pair| self.repeats.binary_search(&pair.name).is_err())
    }
}

/// A picture's file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PictureFile {
    pub path: PathBuf,
    pub role: Role,
    /// Bytes of the file.
    pub size: u64,
    /// Time of the last change, in nanoseconds since 1970.
    pub mtime_ns: i64,
    /// Pixels, the EXIF orientation applied.
    pub width: u32,
    pub height: u32,
}

/// A clean picture with its degraded partner, or alone where the degraded side is made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PairFile {
    /// Unique in its dataset and split, and fit for a file name. The same picture has the same name in every layout.
    pub name: String,
    pub clean: PathBuf,
    pub degraded: Option<PathBuf>,
    /// Pixels to cut from each side of the clean picture so that it fits the degraded one (SOTS-Indoor: 10).
    pub border: u32,
}

/// Why a picture is in no pair, or what else is wrong with it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Problem {
    /// A picture without its partner.
    Widow {
        path: PathBuf,
        missing: Role,
        key: String,
    },
    /// Several pictures for one place. The first is kept, or none where it would be a guess which one is the partner.
    Duplicate {
        name: String,
        kept: Option<PathBuf>,
        dropped: Vec<PathBuf>,
    },
    Unreadable {
        path: PathBuf,
        reason: String,
    },
    /// A pair of different sizes, in pixels; it is not used.
    OddSize {
        name: String,
        clean: PathBuf,
        clean_size: (u32, u32),
        degraded: PathBuf,
        degraded_size: (u32, u32),
    },
    /// Pictures that look like the dataset's but are not its own.
    Decoy {
        path: PathBuf,
        pictures: usize,
        reason: String,
    },
    /// A picture among the dataset's that does not fit.
    Stray {
        path: PathBuf,
        reason: String,
    },
}

impl Problem {
    /// The kind as one word, as in the serialised form.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Widow { .. } => "widow",
            Self::Duplicate { .. } => "duplicate",
            Self::Unreadable { .. } => "unreadable",
            Self::OddSize { .. } => "odd-size",
            Self::Decoy { .. } => "decoy",
            Self::Stray { .. } => "stray",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Widow { path, missing, key } => {
                write!(
                    out,
                    "{}: its {} partner ({key}) is missing",
                    path.display(),
                    missing.word()
                )
            }
            Self::Duplicate { name, kept, dropped } => {
                let paths: Vec<String> = dropped.iter().map(|path| path.display().to_string()).collect();
                let paths = paths.join(", ");
                match kept {
                    Some(kept) => write!(out, "{paths}: the same as {} ({name}), which is kept", kept.display()),
                    None => write!(out, "{paths}: more than one clean picture for {name}; none is used"),
                }
            }
            Self::Unreadable { path, reason } | Self::Stray { path, reason } => {
                write!(out, "{}: {reason}", path.display())
            }
            Self::OddSize {
                clean,
                clean_size: (cw, ch),
                degraded,
                degraded_size: (dw, dh),
                ..
            } => write!(
                out,
                "{} is {dw}x{dh}, but its partner {} is {cw}x{ch}; the pair is not used",
                degraded.display(),
                clean.display()
            ),
            Self::Decoy { path, pictures, reason } => write!(out, "{}: {pictures} pictures {reason}", path.display()),
        }
    }
}

/// Why a scan gives no report. Nothing is half-done: a scan only reads.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    #[error("there is no folder {path}; give one that holds pictures")]
    Missing { path: PathBuf },
    #[error("{path} is a file; give the folder that holds the pictures")]
    NotAFolder { path: PathBuf },
    #[error("cannot look into {path}: {reason}")]
    Unreadable { path: PathBuf, reason: String },
    #[error("there is no picture in {}; PNG, JPEG, BMP, TIFF and WebP are read", list(.paths))]
    Empty { paths: Vec<PathBuf> },
    #[error(
        "{} is of no known dataset ({}); say what it is with --dataset NAME, a name of your own for a folder of clean \
         photographs or for two folders such as input and target",
        list(.folders), .known.join(", ")
    )]
    Unknown {
        folders: Vec<PathBuf>,
        known: Vec<&'static str>,
    },
    #[error("{} is not laid out as {dataset} is: expected {}", list(.paths), .expected.join(" or "))]
    NotThisDataset {
        dataset: String,
        paths: Vec<PathBuf>,
        expected: Vec<&'static str>,
    },
    #[error(
        "{name:?} is no name for a dataset: use letters, digits, '-', '_' and '.', beginning with a letter or digit"
    )]
    BadName { name: String },
}

/// Some paths for a message: the first three and how many more.
fn list(paths: &[PathBuf]) -> String {
    let shown: Vec<String> = paths.iter().take(3).map(|path| path.display().to_string()).collect();
    let more = paths.len().saturating_sub(shown.len());
    let shown = shown.join(", ");
    if more == 0 {
        shown
    } else {
        format!("{shown} and {more} more")
    }
}
