//! `--set` on what tells the cases of an experiment apart: all of them would get one value and keep their names.

use super::fault::Fault;
use super::grid::{Combination, Point};
use super::tree::Node;

/// Refuses a `--set` of what the chosen cases vary; where all of them have its value already, it says nothing new.
pub fn check(sets: &[Node], cases: &[Combination], experiment: &str) -> Result<(), Fault> {
    let dimensions = cases.first().map_or(0, |case| case.points.len());
    if sets.is_empty() {
        return Ok(());
    }
    for dimension in 0..dimensions {
        let points = distinct(cases.iter().map(|case| case.points[dimension]));
        for set in sets {
            for (key, value) in leaves(set) {
                if let Some(fault) = conflict(&key, value, &points, experiment) {
                    return Err(fault.at(set.origin));
                }
            }
        }
    }
    Ok(())
}

/// Each point once, in order of appearance.
fn distinct<'a>(points: impl Iterator<Item = &'a Point>) -> Vec<&'a Point> {
    let mut seen = std::collections::HashSet::new();
    points.filter(|point| seen.insert(std::ptr::from_ref(*point))).collect()
}

/// Every value that a `--set` writes, with its dotted key.
fn leaves(node: &Node) -> Vec<(String, &Node)> {
    let Some(table) = node.table() else {
        return vec![(String::new(), node)];
    };
    let inner = table.iter().flat_map(|(key, entry)| {
        leaves(&entry.node)
            .into_iter()
            .map(move |(below, value)| match below.as_str() {
                "" => (key.to_string(), value),
                below => (format!("{key}.{below}"), value),
            })
    });
    inner.collect()
}

/// What a point says about the setting itself, a part of it, or a whole that would hold it; a whole that is a table
/// without it says nothing.
fn said<'a>(point: &'a Point, key: &'a str) -> Option<&'a Node> {
    let parts = key.split('.').count();
    let along: Vec<&Node> = point.settings.along(key).collect();
    let last = along.last().copied()?;
    (along.len() == parts || last.table().is_none()).then_some(last)
}

fn conflict(key: &str, value: &Node, points: &[&Point], experiment: &str) -> Option<Fault> {
    let varies = |point: &&&Point| said(point, key).is_some();
    let has_it = |point: &&&Point| said(point, key).is_some_and(|own| own.same(value));
    if points.iter().all(|point| has_it(&point)) {
        return None;
    }
    let other = points.iter().find(|point| varies(point) && !has_it(point));
    let one = other.or_else(|| points.iter().find(varies))?;
    let what = if one.explicit {
        format!("case {} of experiment {experiment} sets {key}", one.label)
    } else {
        format!("the grid of experiment {experiment} varies {key}")
    };
    let equal = points.iter().find(has_it);
    let silent = points.iter().find(|point| !varies(point));
    let help = match equal.or(silent) {
        Some(point) if equal.is_some() => format!("--only '*{}*' chooses its cases", point.label),
        Some(point) => format!("--only '*{}*' chooses cases that leave it open", point.label),
        None => "no case has this value: write it in the file, beside the others".into(),
    };
    Some(Fault::new(what).with_help(help))
}
