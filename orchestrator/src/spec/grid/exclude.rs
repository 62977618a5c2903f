//! `[[experiment.NAME.exclude]]`: points of the grid that are left out. All keys of an entry must match.

use super::{Point, axis::Axis, name};
use crate::spec::fault::Fault;
use crate::spec::tree::{Node, Table};

/// The number that stands for the explicit cases among the axes, and the key that names one of them.
pub const CASES: usize = usize::MAX;
const CASE: &str = "case";

/// An axis as an entry may name it.
#[derive(Debug)]
pub struct Known {
    key: String,
    number: Option<usize>,
    names: Vec<String>,
    nodes: Vec<Node>,
}

impl Known {
    pub fn of(axis: &Axis) -> Self {
        Self {
            key: axis.key.clone(),
            number: None,
            names: axis.values.iter().map(|value| value.name.clone()).collect(),
            nodes: axis.values.iter().map(|value| value.node.clone()).collect(),
        }
    }

    pub fn cases(points: &[Point]) -> Self {
        Self {
            key: CASE.into(),
            number: Some(CASES),
            names: points.iter().map(|point| point.label.clone()).collect(),
            nodes: Vec::new(),
        }
    }
}

/// One entry: the axes that it names, each with the values that a case must have one of to be left out.
#[derive(Debug)]
pub struct Exclude(Vec<(usize, Vec<usize>)>);

impl Exclude {
    pub fn matches(&self, points: &[&Point]) -> bool {
        let has = |axis: usize, values: &[usize]| points.iter().any(|point| point.has(axis, values));
        self.0.iter().all(|(axis, values)| has(*axis, values))
    }
}

pub fn read(node: &Node, known: &[Known]) -> Result<Vec<Exclude>, Fault> {
    let entries = node
        .list()
        .ok_or_else(|| Fault::new("exclude is a list of tables: [[experiment.NAME.exclude]]").at(node.origin))?;
    let mut excludes = Vec::with_capacity(entries.len());
    for entry in entries {
        let table = entry.table().filter(|table| !table.is_empty());
        let table = table.ok_or_else(|| {
            Fault::new("what is left out is named by keys of the grid and their values").at(entry.origin)
        })?;
        let mut coordinates = Vec::new();
        collect(table, "", known, &mut coordinates)?;
        excludes.push(Exclude(coordinates));
    }
    Ok(excludes)
}

fn collect(table: &Table, above: &str, known: &[Known], found: &mut Vec<(usize, Vec<usize>)>) -> Result<(), Fault> {
    for (key, entry) in table {
        let key = if above.is_empty() {
            key.to_string()
        } else {
            format!("{above}.{key}")
        };
        if let Some(number) = known.iter().position(|axis| axis.key == key) {
            found.push((
                known[number].number.unwrap_or(number),
                values(&known[number], &entry.node)?,
            ));
            continue;
        }
        match entry.node.table() {
            Some(table) if !table.is_empty() => collect(table, &key, known, found)?,
            _ => {
                let keys = known.iter().map(|axis| axis.key.as_str());
                let fault = Fault::new(format!("`{key}` is no key of this grid")).naming(&key, keys);
                return Err(fault.at(entry.key));
            }
        }
    }
    Ok(())
}

/// Which values of the axis are meant: the same ones, or those of this name.
fn values(axis: &Known, node: &Node) -> Result<Vec<usize>, Fault> {
    let meant = |index: &usize| {
        let same = axis.nodes.get(*index).is_some_and(|value| value.same(node));
        same || node.text() == Some(axis.names[*index].as_str())
    };
    let found: Vec<usize> = (0..axis.names.len()).filter(meant).collect();
    if found.is_empty() {
        let fault = Fault::new(format!("`{}` takes no such value in this grid", axis.key));
        let fault = fault.naming(&name::of_value(node, 0), axis.names.iter().map(String::as_str));
        return Err(fault.at(node.origin));
    }
    Ok(found)
}
