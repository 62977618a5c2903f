//! `[[experiment.NAME.cases]]`: cases that are written out, each with a name and any settings.

use serde::Deserialize;

use super::{Point, axis::Axis, exclude};
use crate::spec::fault::Fault;
use crate::spec::files::WORDS;
use crate::spec::tree::{Node, Origin};

pub fn points(node: &Node, axes: &[&Axis]) -> Result<Vec<Point>, Fault> {
    let list = node
        .list()
        .ok_or_else(|| Fault::new("cases are a list of tables: [[experiment.NAME.cases]]").at(node.origin))?;
    if list.is_empty() {
        return Err(Fault::new("an empty grid: no case in the list of cases").at(node.origin));
    }
    let mut points: Vec<Point> = Vec::with_capacity(list.len());
    for (index, case) in list.iter().enumerate() {
        let point = point(case, index, axes)?;
        if points.iter().any(|other| other.label == point.label) {
            return Err(Fault::new(format!("two cases are called {:?}", point.label)).at(point.at));
        }
        points.push(point);
    }
    Ok(points)
}

fn point(case: &Node, index: usize, axes: &[&Axis]) -> Result<Point, Fault> {
    let mut settings = case.clone();
    let Some(entry) = settings.remove("name") else {
        let fault = match case.table() {
            Some(_) => "a case needs a name: name = \"…\"",
            None => "a case is a table with a name and settings",
        };
        return Err(Fault::new(fault).at(case.origin));
    };
    let label = String::deserialize(&entry.node)?;
    check_name(&label, entry.node.origin)?;
    if let Some((word, entry)) = settings
        .table()
        .and_then(|table| table.iter().find(|(key, _)| WORDS.contains(&&***key)))
    {
        return Err(Fault::new(format!("`{word}` belongs to the experiment, not to one case of it")).at(entry.key));
    }
    for axis in axes {
        let parts = axis.key.split('.').count();
        if let Some(own) = settings.along(&axis.key).nth(parts - 1) {
            let text = format!("case {label:?} sets {}, which the grid varies", axis.key);
            return Err(Fault::new(text).at(own.origin));
        }
    }
    Ok(Point {
        label,
        at: case.origin,
        settings,
        coordinates: vec![(exclude::CASES, index)],
        explicit: true,
    })
}

/// A name can be typed after `--only` and printed in a table.
pub fn check_name(name: &str, at: Origin) -> Result<(), Fault> {
    let fault = if name.is_empty() || name.trim() != name {
        "a name begins and ends with a letter, not with a space"
    } else if name.contains('*') || name.contains(char::is_control) {
        "a name has no * and no line breaks: --only NAME must mean it"
    } else {
        return Ok(());
    };
    Err(Fault::new(format!("{name:?}: {fault}")).at(at))
}
