//! `experiments.toml`: named experiments and the grids of their cases, parsed at the edge into typed settings.
//!
//! Text becomes a tree of values that know where they were written ([`tree`]); files with what they include become a book
//! of experiments ([`files`]); an experiment's layers and its grid become cases ([`case`], [`grid`]), whose settings are
//! read into the types of this folder ([`reader`]): [`Experiment`] and what it holds.

mod case;
mod check;
pub mod error;
pub mod experiment;
mod fault;
mod files;
mod grid;
mod inherit;
pub mod medium;
pub mod negatives;
mod only;
pub mod pictures;
pub mod prompts;
mod reader;
pub mod restore;
pub mod scale;
pub mod schema;
mod set;
pub mod size;
mod traced;
pub mod training;
mod tree;

use std::path::{Path, PathBuf};

pub use case::{Case, Outside, Resolved};
pub use error::SpecError;
pub use experiment::{Experiment, Towers};
pub use size::Size;

use error::Sources;
use fault::Fault;
use files::{Book, Declared};

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
    /// The first thing that is wrong with keys or types of any experiment.
    pub fn open(paths: &[PathBuf]) -> Result<Self, SpecError> {
        let file = Self::read(paths)?;
        let fault = file.malformed().next();
        match fault {
            Some(fault) => Err(file.sources(&Outside::default()).tell(&fault)),
            None => Ok(file),
        }
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
        case::expand(self, name, outside, &mut |_, _| {
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

    /// Keys and types that are wrong in a `[base]` or in an experiment's own settings.
    fn malformed(&self) -> impl Iterator<Item = Fault> {
        let bases = self.book.bases.iter().flatten();
        let own = self.book.experiments.iter().map(|declared| &declared.layer);
        bases.chain(own).filter_map(|layer| case::typed(&layer.settings).err())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Result<SpecFile, SpecError> {
        let file = SpecFile::of(Book::of(Path::new("experiments.toml"), text.to_string())?);
        let fault = file.malformed().next();
        match fault {
            Some(fault) => Err(file.sources(&Outside::default()).tell(&fault)),
            None => Ok(file),
        }
    }

    /// The settings of the first case.
    fn first(file: &SpecFile, name: &str, scale: Option<Size>, sets: &[&str]) -> Result<Experiment, SpecError> {
        let outside = Outside {
            scale,
            sets: sets.iter().copied().map(String::from).collect(),
            ..Outside::default()
        };
        Ok(file.cases(name, &outside)?.remove(0).settings)
    }

    const SCENES: &str = r#"
        [experiment.a]
        scale = "tiny"
        towers = "stand-in"
        train = [{ dataset = "scenes", count = 4, size = 64, degradations = [{ kind = "noise", sigma = 25 }] }]
        test = [{ dataset = "scenes", count = 2, size = 64, degradations = [{ kind = "haze" }] }]
        restore = { training = { steps = 7 } }
    "#;

    #[test]
    fn the_shipped_experiments_are_well_formed() {
        let shipped = file(files::SHIPPED).unwrap();
        for name in shipped.names() {
            shipped.cases(name, &Outside::default()).unwrap();
        }
    }

    #[test]
    fn an_experiment_lies_over_its_scale_and_a_scale_from_outside_replaces_both() {
        let file = file(SCENES).unwrap();
        let own = first(&file, "a", None, &[]).unwrap();
        assert_eq!((own.restore.training.steps, own.restore.size), (7, Size::Tiny));
        let small = first(&file, "a", Some(Size::Small), &[]).unwrap();
        assert_eq!((small.restore.training.steps, small.restore.size), (8000, Size::Small));
        let set = first(&file, "a", Some(Size::Small), &["restore.training.steps=5"]).unwrap();
        assert_eq!(set.restore.training.steps, 5);
    }

    #[test]
    fn a_slip_in_a_key_names_line_and_neighbour() {
        let error = file("[experiment.a]\nscale = \"tiny\"\n[experiment.a.restore.training]\nstpes = 3\n").unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("experiments.toml:4:1: unknown field `stpes`"),
            "{error}"
        );
        assert!(format!("{:?}", miette::Diagnostic::help(&error).map(|help| help.to_string())).contains("`steps`"));
    }

    #[test]
    fn an_impossible_value_is_blamed_on_who_gave_it() {
        let file = file(SCENES).unwrap();
        let error = first(&file, "a", None, &["restore.cfe=false"]).unwrap_err();
        assert!(error.to_string().contains("restore.loss.contrastive"), "{error}");
        let error = first(&file, "a", None, &["prompts.tokens=90"]).unwrap_err();
        assert!(error.to_string().starts_with("--set prompts.tokens=90"), "{error}");
        let error = first(&file, "a", None, &["prompts.tokns=9"]).unwrap_err();
        assert!(error.to_string().contains("unknown field `tokns`"), "{error}");
    }

    #[test]
    fn an_unknown_experiment_names_its_neighbour() {
        let error = first(&file(SCENES).unwrap(), "b", None, &[]).unwrap_err();
        assert!(error.unknown_name);
    }
}
