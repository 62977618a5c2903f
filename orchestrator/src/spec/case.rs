//! The cases of an experiment: typed settings, repeated by seeds, with what is impossible in them.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::check::Problems;
use super::error::SpecError;
use super::expand::expand;
use super::fault::Fault;
use super::files::WORDS;
use super::slips::slips;
use super::tree::{Node, Origin};
use super::{Experiment, Size, SpecFile};

/// More repetitions than this are a slip.
const MOST_SEEDS: u32 = 10_000;

/// What the command line says over a file.
#[derive(Clone, Debug, Default)]
pub struct Outside {
    /// Replaces the experiment's own scale, and what a scale decides.
    pub scale: Option<Size>,
    /// Each `key=value`.
    pub sets: Vec<String>,
    /// Names of cases, in which `*` stands for anything; none: all cases.
    pub only: Vec<String>,
    /// How many repetitions; none: as many as the experiment says.
    pub seeds: Option<u32>,
}

/// One repetition of one case, fully resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    pub experiment: String,
    pub name: String,
    /// The experiment's seed and those after it, one a repetition.
    pub seed: u64,
    pub settings: Experiment,
}

/// One case before it is repeated, with where each of its settings comes from.
#[derive(Clone, Debug)]
pub struct Resolved {
    pub name: String,
    pub settings: Experiment,
    /// All layers above the defaults.
    pub layers: Node,
}

impl SpecFile {
    /// Every repetition of every chosen case of an experiment: case by case, seed by seed.
    ///
    /// # Errors
    /// A name that does not exist, or all that is wrong with the settings of its cases.
    pub fn cases(&self, name: &str, outside: &Outside) -> Result<Vec<Case>, SpecError> {
        let mut problems = Problems::default();
        let cases = self.repeated(name, outside, &mut problems);
        let cases = cases.map_err(|fault| self.sources(outside).tell(&fault))?;
        match self.sources(outside).tell_all(&problems.told) {
            Some(error) => Err(error),
            None => Ok(cases),
        }
    }

    /// The cases without those that have a problem.
    fn repeated(&self, name: &str, outside: &Outside, problems: &mut Problems) -> Result<Vec<Case>, Fault> {
        let seeds = self.seeds(name, outside)?;
        let mut cases = Vec::new();
        expand(self, name, outside, &mut |case, tree| {
            let mut settings = match sound(tree) {
                Ok(settings) => settings,
                Err(faults) => {
                    problems.add(faults, name, case);
                    return Ok(());
                }
            };
            for (place, proxy) in settings.negatives.proxies.iter_mut().enumerate() {
                let key = format!("negatives.proxies.{place}");
                proxy.start_from(&self.folder_of(tree.along(&key).last()));
            }
            let first = settings.seed;
            for seed in (first..).take(seeds as usize) {
                cases.push(Case {
                    experiment: name.into(),
                    name: case.into(),
                    seed,
                    settings: Experiment {
                        seed,
                        ..settings.clone()
                    },
                });
            }
            Ok(())
        })?;
        Ok(cases)
    }

    /// The folder of the file that a value was written in; the current one for what no file says.
    fn folder_of(&self, node: Option<&Node>) -> PathBuf {
        let file = match node.map(|node| node.origin) {
            Some(Origin::File { file, .. }) => self.book.sources.get(file as usize),
            _ => None,
        };
        let folder = file.and_then(|source| source.path.parent());
        folder.unwrap_or(Path::new("")).to_path_buf()
    }

    /// Every chosen case once, with where each of its settings comes from.
    pub fn resolved(&self, name: &str, outside: &Outside) -> Result<Vec<Resolved>, SpecError> {
        let mut cases = Vec::new();
        expand(self, name, outside, &mut |case, tree| {
            cases.push(Resolved {
                name: case.into(),
                settings: typed(tree)?,
                layers: tree.clone(),
            });
            Ok(())
        })
        .map_err(|fault| self.sources(outside).tell(&fault))?;
        Ok(cases)
    }

    /// How often each case of an experiment is run.
    pub fn seeds(&self, name: &str, outside: &Outside) -> Result<u32, Fault> {
        if let Some(seeds) = outside.seeds {
            return possible(seeds, "--seeds ");
        }
        let line = self.book.line(self.concrete(name)?)?;
        let layers = self.book.layers(&line);
        let Some(node) = layers.iter().rev().find_map(|layer| layer.seeds.as_ref()) else {
            return Ok(1);
        };
        possible(u32::deserialize(node)?, "seeds = ").map_err(|fault| fault.at(node.origin))
    }
}

/// A number of repetitions that can be meant.
fn possible(seeds: u32, word: &str) -> Result<u32, Fault> {
    match seeds {
        1..=MOST_SEEDS => Ok(seeds),
        _ => Err(Fault::new(format!(
            "{word}{seeds}: 1 to {MOST_SEEDS} repetitions are possible"
        ))),
    }
}

/// The settings of all layers, over the defaults.
pub fn typed(tree: &Node) -> Result<Experiment, Fault> {
    Experiment::deserialize(tree).map_err(|fault| {
        let at_the_top = |at| {
            tree.table()
                .is_some_and(|table| table.values().any(|entry| entry.key == at))
        };
        match fault.at {
            Some(at) if at_the_top(at) => fault.or_one_of(WORDS),
            _ => fault,
        }
    })
}

/// The settings of all layers, or all that is wrong with them.
pub fn sound(tree: &Node) -> Result<Experiment, Vec<Fault>> {
    let settings = typed(tree).map_err(|_| slips(tree))?;
    match wrong(&settings, tree) {
        faults if faults.is_empty() => Ok(settings),
        faults => Err(faults),
    }
}

/// What is impossible in the settings, each with the place of the value that makes it so.
fn wrong(settings: &Experiment, tree: &Node) -> Vec<Fault> {
    let to_fault = |(key, what): (String, String)| {
        // A preset is right in itself: what lies over it makes it impossible.
        let written = |node: &Node| (!matches!(node.origin, Origin::Preset(_))).then_some(node.origin);
        let at = tree.along(&key).filter_map(written).last().unwrap_or(tree.origin);
        Fault::new(format!("{key}: {what}")).at(at)
    };
    settings.check().into_iter().map(to_fault).collect()
}

/// The same fault with the words that say whose it is.
pub fn of_case(mut fault: Fault, experiment: &str, case: &str) -> Fault {
    if !fault.is_of_form() {
        let case = if case == super::grid::BASE {
            String::new()
        } else {
            format!(", case {case}")
        };
        fault.message = format!("experiment {experiment}{case}: {}", fault.message);
    }
    fault
}
