//! From an experiment to the layers of its cases: inheritance, grid, and the settings from outside.
//!
//! Layers, lowest first: the defaults of the types (the paper's values), the scale's preset, `[base]` of each file that
//! the experiment comes from, what it extends, the experiment, the point of its grid, `--set`. What all cases share is
//! laid together once; cases that follow each other share what their first points say.

use super::fault::Fault;
use super::files::Declared;
use super::grid::{Combination, Grid, Point};
use super::tree::Node;
use super::{Outside, Size, SpecFile, only, scale, set, varied};

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
    varied::check(&common.sets, &combinations, name)?;
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
        for layer in file.book.layers(&line) {
            own.lay(&layer.settings);
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
        if let (Some(scale), Some(set)) = (outside.scale, sets.iter().find(|set| set.get("scale").is_some())) {
            return Err(Fault::new(format!("and --scale {scale} choose a scale: one of them"))
                .at(set.get("scale").map(|node| node.origin)));
        }
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
