//! `experiments.toml`: named experiments, parsed at the edge into typed settings.
//!
//! An experiment's settings are laid over its scale's preset ([`scale`]), which lies over the paper's own values (the
//! `Default` of every settings type). `--set a.b=c` lies over all.

pub mod error;
pub mod experiment;
mod locate;
pub mod medium;
pub mod negatives;
pub mod pictures;
pub mod prompts;
pub mod restore;
pub mod scale;
mod set;
pub mod size;
pub mod training;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;

pub use error::SpecError;
pub use experiment::{Experiment, Towers};
pub use size::Size;

/// The experiments that the program brings along, for a folder without an `experiments.toml`.
const SHIPPED: &str = include_str!("../../../experiments.toml");

/// One `experiments.toml`, read and found to be well formed.
#[derive(Debug)]
pub struct SpecFile {
    pub path: PathBuf,
    pub text: String,
    experiments: BTreeMap<String, toml::Table>,
}

/// The file's shape, for serde to check keys and types against.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    #[serde(default)]
    experiment: BTreeMap<String, Experiment>,
}

impl SpecFile {
    /// Reads `path`; without one, `experiments.toml` of the current folder, or else the experiments shipped inside.
    pub fn open(path: Option<&Path>) -> Result<Self, SpecError> {
        let default = Path::new("experiments.toml");
        match path {
            None if !default.exists() => Self::parse(Path::new("experiments.toml (shipped)"), SHIPPED.to_string()),
            given => {
                let path = given.unwrap_or(default);
                let text = std::fs::read_to_string(path).map_err(|source| SpecError::read(path, source))?;
                Self::parse(path, text)
            }
        }
    }

    fn parse(path: &Path, text: String) -> Result<Self, SpecError> {
        let typed: Shape = toml::from_str(&text).map_err(|error| SpecError::toml(path, &text, &error))?;
        #[derive(Deserialize)]
        struct Tables {
            #[serde(default)]
            experiment: BTreeMap<String, toml::Table>,
        }
        let Tables { experiment } = toml::from_str(&text).map_err(|error| SpecError::toml(path, &text, &error))?;
        debug_assert_eq!(typed.experiment.len(), experiment.len());
        Ok(Self {
            path: path.to_path_buf(),
            text,
            experiments: experiment,
        })
    }

    /// The experiments' names, in alphabetical order.
    pub fn names(&self) -> Vec<&str> {
        self.experiments.keys().map(String::as_str).collect()
    }

    /// The experiment's own entry, as TOML, for the record.
    pub fn entry(&self, name: &str) -> String {
        self.experiments.get(name).map(ToString::to_string).unwrap_or_default()
    }

    /// The settings of experiment `name`, with `--scale` and `--set` from outside laid over it.
    pub fn resolve(&self, name: &str, outside_scale: Option<Size>, sets: &[String]) -> Result<Experiment, SpecError> {
        let Some(own) = self.experiments.get(name) else {
            return Err(SpecError::unknown_experiment(name, &self.path, &self.names()));
        };
        let mut own = own.clone();
        for text in sets {
            set::apply(&mut own, text)?;
        }
        let merged = scale::merge(own, outside_scale)?;
        let experiment: Experiment = merged
            .try_into()
            .map_err(|error: toml::de::Error| SpecError::set(sets, &error))?;
        match experiment.check().first() {
            None => Ok(experiment),
            Some((key, what)) => {
                if let Some(set) = sets.iter().rfind(|set| set::concerns(set, key)) {
                    return Err(SpecError::impossible_set(set, name, key, what));
                }
                let span = locate::key(&self.text, &format!("experiment.{name}.{key}"));
                Err(SpecError::impossible(name, key, what, &self.path, &self.text, span))
            }
        }
    }
}
