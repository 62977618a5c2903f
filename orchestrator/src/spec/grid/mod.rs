//! The grid of an experiment: `cases`, `matrix` and `zip` multiply, `exclude` takes points out again.
//!
//! Each is a dimension: a list of points, each with its part of a case's name and the settings that it lays over the
//! experiment. A case is one point of every dimension. Explicit cases come first, then the axes of the matrix by their
//! keys, then the zip; the last dimension varies fastest.

mod axis;
mod exclude;
mod explicit;
mod name;

use std::collections::HashMap;

use super::fault::Fault;
use super::tree::{Node, Origin};
use axis::Axis;

/// One point of one dimension.
#[derive(Clone, Debug)]
pub struct Point {
    /// Its part of the case's name.
    pub label: String,
    pub at: Origin,
    /// The settings that it lays over the experiment.
    pub settings: Node,
    /// Which value of which axis it stands for: (axis, value), by number.
    coordinates: Vec<(usize, usize)>,
    /// Whether it is an explicit case, whose sizes and steps yield to a scale from outside.
    pub explicit: bool,
}

/// All dimensions of an experiment.
#[derive(Debug)]
pub struct Grid {
    dimensions: Vec<Vec<Point>>,
    excluded: Vec<exclude::Exclude>,
    at: Origin,
}

/// One point of every dimension, with the name that they make together.
#[derive(Debug)]
pub struct Combination<'a> {
    pub name: String,
    pub points: Vec<&'a Point>,
}

/// More cases than this are a slip, not a plan.
const MOST: usize = 1_000_000;

/// The name of the only case of an experiment without a grid.
pub const BASE: &str = "base";

impl Grid {
    /// The grid of an experiment; without one, a single point that changes nothing.
    pub fn of(declared: Option<&Node>, at: Origin) -> Result<Self, Fault> {
        let part = |word: &str| declared.and_then(|grid| grid.get(word));
        let mut grid = Self {
            dimensions: Vec::new(),
            excluded: Vec::new(),
            at,
        };
        let matrix = part("matrix").map(|node| axis::axes("matrix", node)).transpose()?;
        let zip = part("zip").map(|node| axis::axes("zip", node)).transpose()?;
        let (matrix, zip) = (matrix.unwrap_or_default(), zip.unwrap_or_default());
        let axes: Vec<&Axis> = matrix.iter().chain(&zip).collect();
        axis::check(&axes)?;
        let short = name::shortest_suffixes(&axes.iter().map(|axis| axis.key.as_str()).collect::<Vec<_>>());
        let mut known: Vec<exclude::Known> = (axes.iter().map(|axis| exclude::Known::of(axis))).collect();
        if let Some(node) = part("cases") {
            let points = explicit::points(node, &axes)?;
            known.push(exclude::Known::cases(&points));
            grid.dimensions.push(points);
        }
        for (index, axis) in matrix.iter().enumerate() {
            grid.dimensions.push(axis.points(index, &short[index]));
        }
        if let Some(points) = axis::zipped(&zip, matrix.len(), &short)? {
            grid.dimensions.push(points);
        }
        if let Some(node) = part("exclude") {
            grid.at = node.origin;
            grid.excluded = exclude::read(node, &known)?;
        }
        Ok(grid)
    }

    pub fn points_mut(&mut self) -> impl Iterator<Item = &mut Point> {
        self.dimensions.iter_mut().flatten()
    }

    /// Every case, in order.
    pub fn combinations(&self) -> Result<Vec<Combination<'_>>, Fault> {
        let count = self
            .dimensions
            .iter()
            .try_fold(1, |count: usize, points| count.checked_mul(points.len()));
        if count.is_none_or(|count| count > MOST) {
            return Err(Fault::new(format!("this grid has more than {MOST} cases")).at(self.at));
        }
        let mut all: Vec<Vec<&Point>> = vec![Vec::new()];
        for dimension in &self.dimensions {
            let mut longer = Vec::with_capacity(all.len() * dimension.len());
            for points in &all {
                longer.extend(dimension.iter().map(|point| {
                    let mut points = points.clone();
                    points.push(point);
                    points
                }));
            }
            all = longer;
        }
        all.retain(|points| !self.excluded.iter().any(|exclude| exclude.matches(points)));
        if all.is_empty() {
            return Err(Fault::new("exclude leaves no case at all").at(self.at));
        }
        let mut names: HashMap<String, Origin> = HashMap::with_capacity(all.len());
        let mut combinations = Vec::with_capacity(all.len());
        for points in all {
            let name = match points.as_slice() {
                [] => BASE.to_string(),
                points => points
                    .iter()
                    .map(|point| point.label.as_str())
                    .collect::<Vec<_>>()
                    .join(","),
            };
            let at = points.last().map_or(self.at, |point| point.at);
            if names.insert(name.clone(), at).is_some() {
                return Err(Fault::new(format!("two cases are called {name:?}"))
                    .at(at)
                    .with_help("give the values a name each: { name = \"…\", value = … }"));
            }
            combinations.push(Combination { name, points });
        }
        Ok(combinations)
    }
}

impl Point {
    fn has(&self, axis: usize, values: &[usize]) -> bool {
        let mut coordinates = self.coordinates.iter();
        coordinates.any(|(own, value)| *own == axis && values.contains(value))
    }
}
