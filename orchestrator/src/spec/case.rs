//! From an experiment to its cases: layers, grid and the settings from outside, resolved into typed settings.
//!
//! Layers, lowest first: the defaults of the types (the paper's values), the scale's preset, `[base]` of each file that
//! the experiment comes from, what it extends, the experiment, the point of its grid, `--set`. What all cases share is
//! laid together once; cases that follow each other share what their first points say.

use serde::Deserialize;

use super::error::SpecError;
use super::fault::Fault;
use super::files::{Declared, WORDS};
use super::grid::{Combination, Grid, Point};
use super::tree::{Node, Origin};
use super::{Experiment, Size, SpecFile, only, scale, set};

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

/// Everything that the cases of one experiment share.
struct Common<'a> {
    declared: &'a Declared,
    /// `[base]`, `extends` and the experiment.
    own: Node,
    /// The scale that they name.
    scale: Size,
    sets: Vec<Node>,
    outside: Option<Size>,
}

/// Calls `each` with every chosen case: its name and the layers above the defaults.
pub fn expand(
    file: &SpecFile,
    name: &str,
    outside: &Outside,
    each: &mut dyn FnMut(&str, &Node) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let declared = file.concrete(name)?;
    let line = file.book.line(declared)?;
    let common = Common::new(file, declared, outside)?;
    let grid = line.iter().rev().find_map(|declared| declared.grid.as_ref());
    let mut grid = Grid::of(grid, declared.at)?;
    grid.points_mut().try_for_each(|point| common.prepare(point))?;
    let mut combinations = grid.combinations()?;
    only::choose(&mut combinations, &outside.only, name)?;
    let mut stack: Vec<Node> = Vec::new();
    let (mut before, mut laid): (Option<Size>, Vec<&Point>) = (None, Vec::new());
    for Combination { name, points } in &combinations {
        let scale = common.scale_at(points)?;
        if before != Some(scale) {
            stack = vec![common.under(scale)?];
            laid.clear();
            before = Some(scale);
        }
        let shared = laid
            .iter()
            .zip(points)
            .take_while(|(a, b)| std::ptr::eq(**a, **b))
            .count();
        stack.truncate(shared + 1);
        for point in &points[shared..] {
            let mut tree = stack[stack.len() - 1].clone();
            tree.lay(&point.settings);
            stack.push(tree);
        }
        laid.clone_from(points);
        let tree = &stack[stack.len() - 1];
        if common.sets.is_empty() {
            each(name, tree)?;
        } else {
            let mut tree = tree.clone();
            common.sets.iter().for_each(|set| tree.lay(set));
            each(name, &tree)?;
        }
    }
    Ok(())
}

impl<'a> Common<'a> {
    fn new(file: &SpecFile, declared: &'a Declared, outside: &Outside) -> Result<Self, Fault> {
        let line = file.book.line(declared)?;
        let mut own = Node::empty(declared.at);
        let mut bases: Vec<usize> = Vec::new();
        for declared in &line {
            if !bases.contains(&declared.file) {
                bases.push(declared.file);
            }
        }
        for base in bases
            .iter()
            .filter_map(|file_number| file.book.bases[*file_number].as_ref())
        {
            own.lay(&base.settings);
        }
        for parent in &line {
            own.lay(&parent.layer.settings);
        }
        // A parent's sentence is not about its child.
        if declared.layer.settings.get("about").is_none() {
            own.remove("about");
        }
        own.origin = declared.at;
        let sets = outside.sets.iter().enumerate();
        let sets = sets
            .map(|(index, text)| set::parse(text, index))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            declared,
            scale: scale::named(&own)?.unwrap_or(Size::Paper),
            own,
            sets,
            outside: outside.scale,
        })
    }

    /// The preset of a scale and what lies over it for every case.
    fn under(&self, scale: Size) -> Result<Node, Fault> {
        let mut tree = scale::preset(scale)?;
        let mut own = self.own.clone();
        if let Some(outside) = self.outside.filter(|outside| *outside != self.scale) {
            scale::yield_to(outside, &mut own);
            tree.lay(&scale::from_outside(outside));
        }
        tree.lay(&own);
        tree.origin = self.declared.at;
        Ok(tree)
    }

    /// An explicit case yields to a scale from outside as its experiment does; a grid varies what it varies at any scale.
    fn prepare(&self, point: &mut Point) -> Result<(), Fault> {
        let Some(outside) = self.outside else { return Ok(()) };
        let named = scale::named(&point.settings)?.unwrap_or(self.scale);
        if outside == named {
            return Ok(());
        }
        if point.explicit {
            scale::yield_to(outside, &mut point.settings);
        } else {
            scale::take_what_there_is(outside, &mut point.settings);
        }
        Ok(())
    }

    /// The scale of a case: from outside, by `--set`, by its own point, or the experiment's.
    fn scale_at(&self, points: &[&Point]) -> Result<Size, Fault> {
        if let Some(outside) = self.outside {
            return Ok(outside);
        }
        let layers = points.iter().map(|point| &point.settings).chain(&self.sets);
        let mut named = self.scale;
        for layer in layers {
            named = scale::named(layer)?.unwrap_or(named);
        }
        Ok(named)
    }
}

impl SpecFile {
    /// Every repetition of every chosen case of an experiment: case by case, seed by seed.
    ///
    /// # Errors
    /// A name that does not exist, or the first thing that is wrong with the settings of a case.
    pub fn cases(&self, name: &str, outside: &Outside) -> Result<Vec<Case>, SpecError> {
        self.repeated(name, outside)
            .map_err(|fault| self.sources(outside).tell(&fault))
    }

    fn repeated(&self, name: &str, outside: &Outside) -> Result<Vec<Case>, Fault> {
        let seeds = self.seeds(name, outside)?;
        let mut cases = Vec::new();
        expand(self, name, outside, &mut |case, tree| {
            let settings = typed(tree).and_then(|settings| match wrong(&settings, tree).into_iter().next() {
                None => Ok(settings),
                Some(fault) => Err(fault),
            });
            let settings = settings.map_err(|fault| of_case(fault, name, case))?;
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
        let bases = line
            .iter()
            .filter_map(|declared| self.book.bases[declared.file].as_ref());
        let layers = bases.chain(line.iter().map(|declared| &declared.layer));
        let Some(node) = layers.filter_map(|layer| layer.seeds.as_ref()).next_back() else {
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

/// What is impossible in the settings, each with the place of the value that makes it so.
pub fn wrong(settings: &Experiment, tree: &Node) -> Vec<Fault> {
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
