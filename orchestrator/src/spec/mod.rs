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
pub mod upkeep;

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

/// The same file as bare tables, for one to be laid over another.
#[derive(Deserialize)]
struct Tables {
    #[serde(default)]
    experiment: BTreeMap<String, toml::Table>,
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
        // The scale chooses the preset that everything else lies over, so it is taken first.
        let (scales, others): (Vec<&String>, Vec<&String>) = sets.iter().partition(|set| set::key(set) == "scale");
        for text in scales {
            set::apply(&mut own, text)?;
        }
        let mut merged = scale::merge(own, outside_scale)?;
        for text in others {
            set::apply(&mut merged, text)?;
        }
        let experiment: Experiment = merged
            .try_into()
            .map_err(|error: toml::de::Error| SpecError::set(sets, &error))?;
        let Some((key, what)) = experiment.check().into_iter().next() else {
            return Ok(experiment);
        };
        if let Some(set) = sets.iter().rfind(|set| set::concerns(set, &key)) {
            return Err(SpecError::impossible_set(set, name, &key, &what));
        }
        let span = locate::key(&self.text, &format!("experiment.{name}.{key}"));
        Err(SpecError::impossible(name, &key, &what, &self.path, &self.text, span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Result<SpecFile, SpecError> {
        SpecFile::parse(Path::new("experiments.toml"), text.to_string())
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
        let shipped = file(SHIPPED).unwrap();
        for name in shipped.names() {
            shipped.resolve(name, None, &[]).unwrap();
        }
    }

    #[test]
    fn an_experiment_lies_over_its_scale_and_a_scale_from_outside_replaces_both() {
        let file = file(SCENES).unwrap();
        let own = file.resolve("a", None, &[]).unwrap();
        assert_eq!((own.restore.training.steps, own.restore.size), (7, Size::Tiny));
        let small = file.resolve("a", Some(Size::Small), &[]).unwrap();
        assert_eq!((small.restore.training.steps, small.restore.size), (8000, Size::Small));
        let set = file
            .resolve("a", Some(Size::Small), &["restore.training.steps=5".into()])
            .unwrap();
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
        let error = file.resolve("a", None, &["restore.cfe=false".into()]).unwrap_err();
        assert!(error.to_string().contains("restore.loss.contrastive"), "{error}");
        let error = file.resolve("a", None, &["prompts.tokens=90".into()]).unwrap_err();
        assert!(error.to_string().starts_with("--set prompts.tokens=90"), "{error}");
        let error = file.resolve("a", None, &["prompts.tokns=9".into()]).unwrap_err();
        assert!(error.to_string().contains("unknown field `tokns`"), "{error}");
    }

    #[test]
    fn an_unknown_experiment_names_its_neighbour() {
        let error = file(SCENES).unwrap().resolve("b", None, &[]).unwrap_err();
        assert!(error.unknown_name);
    }
}
