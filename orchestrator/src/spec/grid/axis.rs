//! `[experiment.NAME.matrix]` and `[experiment.NAME.zip]`: keys of settings, each with the list of values that it takes.

use std::sync::Arc;

use super::explicit::check_name;
use super::{Point, name};
use crate::spec::fault::Fault;
use crate::spec::tree::{Entry, Node, Origin, Table, Value};

/// One key of the grid with its values.
#[derive(Debug)]
pub struct Axis {
    /// The dotted key of the setting.
    pub key: String,
    parts: Vec<(Arc<str>, Origin)>,
    pub values: Vec<Named>,
    at: Origin,
}

/// A value with what it is called.
#[derive(Clone, Debug)]
pub struct Named {
    pub name: String,
    pub node: Node,
}

/// The axes of a `matrix` or `zip`, by their keys. Keys may be dotted in quotes, without, or by tables in tables.
pub fn axes(word: &str, node: &Node) -> Result<Vec<Axis>, Fault> {
    let table = node
        .table()
        .ok_or_else(|| Fault::new(format!("{word} is a table of keys and lists of values")).at(node.origin))?;
    let mut axes = Vec::new();
    collect(table, &[], &mut axes)?;
    if axes.is_empty() {
        return Err(Fault::new(format!("an empty grid: no key in the {word}")).at(node.origin));
    }
    axes.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(axes)
}

fn collect(table: &Table, above: &[(Arc<str>, Origin)], axes: &mut Vec<Axis>) -> Result<(), Fault> {
    for (key, entry) in table {
        let mut parts = above.to_vec();
        parts.extend(split(key, entry.key));
        match &entry.node.value {
            Value::Table(table) => collect(table, &parts, axes)?,
            Value::List(list) => axes.push(axis(parts, list, entry)?),
            _ => {
                let fault = Fault::new(format!("`{key}` needs a list of values: {key} = [...]"));
                return Err(fault.at(entry.node.origin));
            }
        }
    }
    Ok(())
}

fn axis(parts: Vec<(Arc<str>, Origin)>, list: &[Node], entry: &Entry) -> Result<Axis, Fault> {
    let key = parts
        .iter()
        .map(|(part, _)| part.as_ref())
        .collect::<Vec<_>>()
        .join(".");
    if key == "seed" {
        return Err(
            Fault::new("repetitions are not swept: results show their mean and spread")
                .at(entry.key)
                .with_help("seeds = 3, beside the grid"),
        );
    }
    if key == "scale" {
        return Err(
            Fault::new("a scale is not swept: it chooses what lies under the settings")
                .at(entry.key)
                .with_help("sweep restore.size or restore.training.steps, or write out cases, each with its scale"),
        );
    }
    if list.is_empty() {
        return Err(Fault::new(format!("an empty grid: `{key}` has no values")).at(entry.node.origin));
    }
    let mut values: Vec<Named> = Vec::with_capacity(list.len());
    for (position, node) in list.iter().enumerate() {
        values.push(named(node, position)?);
    }
    Ok(Axis {
        key,
        parts,
        values,
        at: entry.key,
    })
}

/// The words of a key that is dotted in quotes, each with its place.
fn split(key: &str, at: Origin) -> Vec<(Arc<str>, Origin)> {
    let mut offset = 1;
    key.split('.')
        .map(|part| {
            let place = match at {
                Origin::File { file, start, end } if (end - start) as usize == key.len() + 2 => Origin::File {
                    file,
                    start: start + offset,
                    end: start + offset + part.len() as u32,
                },
                other => other,
            };
            offset += part.len() as u32 + 1;
            (part.into(), place)
        })
        .collect()
}

/// A value by its name: `{ name = "haze", value = … }`, a table with a `name` or `label` of its own, or any other value.
fn named(node: &Node, position: usize) -> Result<Named, Fault> {
    let mut rest = node.clone();
    let own = ["name", "label"].iter().find_map(|word| {
        node.get(word)?.text()?;
        rest.remove(word)
    });
    let label = own.as_ref().and_then(|entry| entry.node.text());
    let value = match rest.table() {
        Some(table) if table.len() == 1 && label.is_some() => table.get("value").map(|entry| entry.node.clone()),
        _ => None,
    };
    let node = value.unwrap_or(rest);
    let name = label.map_or_else(|| name::of_value(&node, position), String::from);
    check_name(&name, own.as_ref().map_or(node.origin, |entry| entry.node.origin))?;
    Ok(Named { name, node })
}

/// No two axes may decide the same setting.
pub fn check(axes: &[&Axis]) -> Result<(), Fault> {
    let within = |inner: &str, outer: &str| {
        inner
            .strip_prefix(outer)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    for (index, axis) in axes.iter().enumerate() {
        for other in &axes[..index] {
            if within(&axis.key, &other.key) || within(&other.key, &axis.key) {
                let text = format!("`{}` and `{}` are two axes of one setting", other.key, axis.key);
                return Err(Fault::new(text).at(axis.at));
            }
        }
    }
    Ok(())
}

impl Axis {
    /// One point for every value; the axis has this number and this short name.
    pub fn points(&self, number: usize, short: &str) -> Vec<Point> {
        let points = self.values.iter().enumerate();
        points
            .map(|(index, value)| Point {
                label: format!("{short}={}", value.name),
                at: value.node.origin,
                settings: value.node.clone().under(&self.parts),
                coordinates: vec![(number, index)],
                explicit: false,
            })
            .collect()
    }
}

/// The points of axes that are walked together; the first of them has this number.
pub fn zipped(axes: &[Axis], first: usize, short: &[String]) -> Result<Option<Vec<Point>>, Fault> {
    let Some(longest) = axes.iter().max_by_key(|axis| axis.values.len()) else {
        return Ok(None);
    };
    let count = longest.values.len();
    if let Some(shorter) = axes.iter().find(|axis| axis.values.len() != count) {
        let text = format!(
            "`{}` has {} values and `{}` {count}: a zip walks lists of one length",
            shorter.key,
            shorter.values.len(),
            longest.key
        );
        return Err(Fault::new(text).at(shorter.at));
    }
    let mut together: Option<Vec<Point>> = None;
    for (index, axis) in axes.iter().enumerate() {
        let points = axis.points(first + index, &short[first + index]);
        together = Some(match together {
            None => points,
            Some(before) => before.into_iter().zip(points).map(|(a, b)| a.with(b)).collect(),
        });
    }
    Ok(together)
}

impl Point {
    fn with(mut self, other: Self) -> Self {
        self.label = format!("{},{}", self.label, other.label);
        self.settings.lay(&other.settings);
        self.coordinates.extend(other.coordinates);
        self
    }
}
