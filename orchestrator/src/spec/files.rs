//! Files of experiments: reading them with what they include, and taking each experiment apart into its settings and
//! the words that make cases of them.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::SpecError;
use super::error::{Source, Sources};
use super::fault::Fault;
use super::tree::{Entry, Node, Origin};

/// The experiments that the program brings along, for a folder without an `experiments.toml`.
pub const SHIPPED: &str = include_str!("../../../experiments.toml");

/// In `include`: the experiments that the program brings along.
const THE_SHIPPED: &str = "shipped";

/// The keys of `[experiment.NAME]` that are no settings.
pub const WORDS: &[&str] = &["extends", "abstract", "seeds", "cases", "matrix", "zip", "exclude"];

/// The words among them that make a grid.
const GRID: &[&str] = &["cases", "matrix", "zip", "exclude"];

/// All that was read.
#[derive(Debug, Default)]
pub struct Book {
    pub sources: Vec<Source>,
    /// Words that are misspelt or out of place, and words of the wrong type, but for settings.
    pub slips: Vec<Fault>,
    /// `[base]` of each file, where it has one.
    pub bases: Vec<Option<Layer>>,
    /// The experiments in the order in which they were written.
    pub experiments: Vec<Declared>,
}

/// Settings as one place of a file lays them over others, with the number of repetitions where it says one.
#[derive(Clone, Debug)]
pub struct Layer {
    pub settings: Node,
    pub seeds: Option<Node>,
}

/// One `[experiment.NAME]`.
#[derive(Debug)]
pub struct Declared {
    pub name: String,
    /// Where its name stands.
    pub at: Origin,
    pub file: usize,
    /// The whole entry as it was written.
    pub entry: Node,
    pub layer: Layer,
    pub extends: Vec<(String, Origin)>,
    pub is_abstract: bool,
    /// `cases`, `matrix`, `zip` and `exclude`, where it has any.
    pub grid: Option<Node>,
}

impl Book {
    /// Reads these files and all that they include, each once.
    pub fn read(paths: &[PathBuf]) -> Result<Self, SpecError> {
        let mut book = Self::default();
        for path in paths {
            let text = std::fs::read_to_string(path).map_err(|source| SpecError::read(path, &source))?;
            book.add(path, text).map_err(|fault| book.tell(&fault))?;
        }
        Ok(book)
    }

    /// The experiments that the program brings along.
    pub fn shipped() -> Result<Self, SpecError> {
        Self::of(Path::new("experiments.toml (shipped)"), SHIPPED.to_string())
    }

    /// One text, as if it had been read from `path`.
    pub fn of(path: &Path, text: String) -> Result<Self, SpecError> {
        let mut book = Self::default();
        book.add(path, text).map_err(|fault| book.tell(&fault))?;
        Ok(book)
    }

    fn tell(&self, fault: &Fault) -> SpecError {
        let sources = Sources {
            files: &self.sources,
            sets: &[],
        };
        sources.tell(fault)
    }

    fn has_read(&self, path: &Path) -> bool {
        let same = |a: &Path, b: &Path| match (a.canonicalize(), b.canonicalize()) {
            (Ok(a), Ok(b)) => a == b,
            _ => a == b,
        };
        self.sources.iter().any(|source| same(&source.path, path))
    }

    fn add(&mut self, path: &Path, text: String) -> Result<(), Fault> {
        if self.has_read(path) {
            return Ok(());
        }
        let file = self.sources.len();
        self.sources.push(Source {
            path: path.to_path_buf(),
            text,
        });
        self.bases.push(None);
        let origin = |span: std::ops::Range<usize>| Origin::File {
            file: file as u32,
            start: span.start as u32,
            end: span.end as u32,
        };
        let whole = Node::parse(&self.sources[file].text, &origin)?;
        let mut include = None;
        let mut experiments = Vec::new();
        for (key, entry) in whole.table().into_iter().flatten() {
            match key.as_ref() {
                "include" => include = Some(&entry.node),
                "base" => self.bases[file] = Some(base(&entry.node, &mut self.slips)?),
                "experiment" => {
                    let table = entry.node.table().ok_or_else(|| {
                        Fault::new("experiment is a table of experiments: [experiment.NAME]").at(entry.node.origin)
                    })?;
                    experiments.extend(table);
                }
                other => {
                    let fault = Fault::new(format!("unknown field `{other}`"));
                    let fault = fault.naming(other, ["include", "base", "experiment"]);
                    self.slips.push(fault.at(entry.key));
                }
            }
        }
        experiments.sort_by_key(|(_, entry)| match entry.key {
            Origin::File { start, .. } => start,
            _ => 0,
        });
        for (name, entry) in experiments {
            let declared = declare(name, entry, file, &mut self.slips)?;
            if let Some(first) = self.experiments.iter().find(|other| other.name == declared.name) {
                let sources = Sources {
                    files: &self.sources,
                    sets: &[],
                };
                let place = sources.place(first.at, false);
                return Err(Fault::new(format!("experiment {name:?} is there already, at {place}")).at(declared.at));
            }
            self.experiments.push(declared);
        }
        match include {
            Some(include) => self.include(path, include),
            None => Ok(()),
        }
    }

    fn include(&mut self, from: &Path, include: &Node) -> Result<(), Fault> {
        for (name, at) in texts(include)? {
            if name == THE_SHIPPED {
                self.add(Path::new("experiments.toml (shipped)"), SHIPPED.to_string())?;
                continue;
            }
            let path = from.with_file_name(&name);
            let text = std::fs::read_to_string(&path).map_err(|error| {
                Fault::new(format!("cannot read {}: {error}", path.display()))
                    .at(at)
                    .with_help("a file is included by its path from the folder of this file, the program's own experiments as \"shipped\"")
            })?;
            self.add(&path, text)?;
        }
        Ok(())
    }
}

fn base(node: &Node, slips: &mut Vec<Fault>) -> Result<Layer, Fault> {
    let mut settings = node.clone();
    if settings.table().is_none() {
        return Err(Fault::new("base is a table of settings").at(node.origin));
    }
    let seeds = settings.remove("seeds").map(|entry| entry.node);
    for word in WORDS {
        if let Some(entry) = settings.remove(word) {
            let text = format!("`{word}` belongs to an experiment, not to the base of all");
            slips.push(Fault::new(text).at(entry.key));
        }
    }
    Ok(Layer { settings, seeds })
}

fn declare(name: &str, entry: &Entry, file: usize, slips: &mut Vec<Fault>) -> Result<Declared, Fault> {
    let node = &entry.node;
    if node.table().is_none() {
        return Err(
            Fault::new(format!("experiment {name} is a table of settings: [experiment.{name}]")).at(node.origin),
        );
    }
    if name.is_empty() || name.contains(char::is_control) {
        return Err(Fault::new("an experiment needs a name of visible letters").at(entry.key));
    }
    let mut settings = node.clone();
    let seeds = settings.remove("seeds").map(|entry| entry.node);
    let extends = settings.remove("extends").map(|entry| texts(&entry.node));
    let extends = well_typed(extends, slips);
    let is_abstract = settings.remove("abstract").map(|entry| bool::deserialize(&entry.node));
    let is_abstract = well_typed(is_abstract, slips);
    let mut grid = Node::empty(node.origin);
    for word in GRID {
        if let (Some(entry), Some(grid)) = (settings.remove(word), grid.table_mut()) {
            grid.insert((*word).into(), entry);
        }
    }
    let has_grid = grid.table().is_some_and(|grid| !grid.is_empty());
    Ok(Declared {
        name: name.into(),
        at: entry.key,
        file,
        entry: node.clone(),
        layer: Layer { settings, seeds },
        extends,
        is_abstract,
        grid: has_grid.then_some(grid),
    })
}

/// What a word says, or what it would without being there; its fault is noted.
fn well_typed<T: Default>(word: Option<Result<T, Fault>>, slips: &mut Vec<Fault>) -> T {
    word.transpose()
        .unwrap_or_else(|fault| {
            slips.push(fault);
            None
        })
        .unwrap_or_default()
}

/// One text or a list of texts, each with its place.
fn texts(node: &Node) -> Result<Vec<(String, Origin)>, Fault> {
    let one = |node: &Node| Ok((String::deserialize(node)?, node.origin));
    match node.list() {
        Some(list) => list.iter().map(one).collect(),
        None => Ok(vec![one(node)?]),
    }
}
