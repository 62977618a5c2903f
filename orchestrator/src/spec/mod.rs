//! `experiments.toml`: named experiments and the grids of their cases, parsed at the edge into typed settings.
//!
//! Text becomes a tree of values that know where they were written ([`tree`]); files with what they include become a book
//! of experiments ([`files`]); an experiment's layers and its grid become cases ([`expand`], [`grid`], [`case`]), whose settings are
//! read into the types of this folder ([`reader`]): [`Experiment`] and what it holds.

mod case;
mod check;
pub mod error;
mod expand;
pub mod experiment;
mod fault;
mod files;
mod grid;
mod inherit;
pub mod medium;
pub mod negatives;
pub mod only;
pub mod pictures;
pub mod prompts;
pub mod proxy;
mod reader;
pub mod restore;
pub mod scale;
pub mod schema;
mod set;
pub mod size;
mod slips;
#[cfg(test)]
mod tests;
mod traced;
pub mod training;
mod tree;
pub mod upkeep;
mod varied;

use std::path::{Path, PathBuf};

pub use case::{Case, Outside, Resolved};
pub use error::SpecError;
pub use experiment::{Experiment, Towers};
pub use grid::BASE as BASE_CASE;
pub use size::Size;

use error::Sources;
use fault::Fault;
use files::{Book, Declared};

use crate::failure::nearest;

/// Experiments with all that their files include, read and found to be well formed.
#[derive(Debug)]
pub struct SpecFile {
    /// The first file.
    pub path: PathBuf,
    book: Book,
}

/// An experiment as listings show it.
#[derive(Debug)]
pub struct Listed {
    pub name: String,
    pub cases: usize,
    pub seeds: u32,
    pub about: String,
}

impl SpecFile {
    /// Reads these files; without any, `experiments.toml` of the current folder, or else the experiments shipped inside.
    ///
    /// # Errors
    /// All that is wrong with keys or types of any experiment.
    pub fn open(paths: &[PathBuf]) -> Result<Self, SpecError> {
        Self::read(paths)?.well_formed()
    }

    /// This file, if nothing is wrong with keys or types of any experiment.
    fn well_formed(self) -> Result<Self, SpecError> {
        let mut faults: Vec<Fault> = self.malformed().collect();
        if !faults.is_empty() {
            // Who mends these mends those of the grids too.
            let (_, all) = self.resolve_all();
            faults.extend(all.into_iter().filter(Fault::is_of_form));
        }
        let told = self.sources(&Outside::default()).tell_all(&faults);
        told.map_or(Ok(self), Err)
    }

    /// The same without a look at the settings.
    pub fn read(paths: &[PathBuf]) -> Result<Self, SpecError> {
        let default = Path::new("experiments.toml");
        let book = match paths {
            [] if !default.exists() => Book::shipped()?,
            [] => Book::read(&[default.to_path_buf()])?,
            paths => Book::read(paths)?,
        };
        Ok(Self::of(book))
    }

    fn of(book: Book) -> Self {
        Self {
            path: book
                .sources
                .first()
                .map(|source| source.path.clone())
                .unwrap_or_default(),
            book,
        }
    }

    /// The names of the experiments that can be run, in the order in which they are written.
    pub fn names(&self) -> Vec<&str> {
        let concrete = self.book.experiments.iter().filter(|declared| !declared.is_abstract);
        concrete.map(|declared| declared.name.as_str()).collect()
    }

    /// What can be run, in the order in which it is written.
    pub fn list(&self) -> Result<Vec<Listed>, SpecError> {
        let outside = Outside::default();
        let listed = self.names().into_iter().map(|name| self.listed(name, &outside));
        listed
            .collect::<Result<_, _>>()
            .map_err(|fault| self.sources(&outside).tell(&fault))
    }

    fn listed(&self, name: &str, outside: &Outside) -> Result<Listed, Fault> {
        let mut cases = 0;
        expand::expand(self, name, outside, &mut |_, _| {
            cases += 1;
            Ok(())
        })?;
        let about = self
            .concrete(name)?
            .layer
            .settings
            .get("about")
            .and_then(tree::Node::text);
        Ok(Listed {
            name: name.into(),
            cases,
            seeds: self.seeds(name, outside)?,
            about: about.unwrap_or_default().into(),
        })
    }

    /// The experiment's own entry, as TOML, for the record.
    pub fn entry(&self, name: &str) -> String {
        let declared = self.book.named(name);
        declared
            .map(|declared| declared.entry.to_toml().to_string())
            .unwrap_or_default()
    }

    /// Keys and types that are wrong at the top of a file, in its `[base]` or in an experiment's own settings.
    fn malformed(&self) -> impl Iterator<Item = Fault> {
        let bases = self.book.bases.iter().flatten();
        let own = self.book.experiments.iter().map(|declared| &declared.layer);
        let in_layers = bases.chain(own).flat_map(|layer| slips::slips(&layer.settings));
        self.book.slips.iter().cloned().chain(in_layers)
    }

    /// An experiment that can be run.
    fn concrete(&self, name: &str) -> Result<&Declared, Fault> {
        match self.book.named(name) {
            Some(declared) if declared.is_abstract => Err(Fault::new(format!(
                "experiment {name} is abstract: only what extends it can be run"
            ))
            .at(declared.at)),
            Some(declared) => Ok(declared),
            None => {
                let mut names = self.names();
                names.sort_unstable();
                let fault = Fault::new(format!("no experiment {name:?} in {}", self.path.display()));
                if Book::shipped().is_ok_and(|shipped| shipped.named(name).is_some()) {
                    let all = names.join(", ");
                    return Err(fault.with_help(format!(
                        "the program brings it along: `include = [\"shipped\"]` at the top of that file adds all of these. There are: {all}"
                    )));
                }
                Err(fault.naming(name, names).unknown())
            }
        }
    }

    fn sources<'a>(&'a self, outside: &'a Outside) -> Sources<'a> {
        Sources {
            files: &self.book.sources,
            sets: &outside.sets,
        }
    }
}

/// What is wrong with a name that is none of `names`, with the nearest of them.
fn unknown<'a>(what: &str, name: &str, names: impl Iterator<Item = &'a str> + Clone) -> Option<String> {
    if names.clone().any(|known| known == name) {
        return None;
    }
    let hint = match nearest(name, names.clone()) {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("there are {}", names.collect::<Vec<_>>().join(", ")),
    };
    Some(format!("there is no {what} {name:?}; {hint}"))
}
