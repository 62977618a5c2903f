//! From paths to datasets: walk, recognise, read headers, pair, and name all that does not fit.
//!
//! A scan only reads, and its result does not depend on the order in which a disk lists its files.

mod headers;
mod pairing;
mod recognise;
mod report;
#[cfg(test)]
mod tests;
mod verify;
mod walk;

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

pub use report::{Found, Known, PairFile, PictureFile, Problem, Report, ScanError, Skipped};
pub use verify::{Verified, verify};

use crate::catalogue;
use crate::layout::{FileId, FolderId, Tree, custom};
use recognise::Claimed;

/// What the user asks of a scan.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ScanOptions {
    /// The dataset that the pictures are of: one of the catalogue, whose layouts are then tried before pairs by name, or a
    /// new name for pictures of one's own. None: recognise.
    pub dataset: Option<String>,
}

/// Looks for datasets below the given folders. `known` says what an earlier scan has learnt of a picture; a file that has
/// not changed since is not opened.
pub fn scan(
    paths: &[PathBuf],
    options: &ScanOptions,
    known: &dyn Fn(&Path) -> Option<Known>,
) -> Result<Report, ScanError> {
    let (tree, skipped) = walk::walk(paths)?;
    if tree.count() == 0 {
        return Err(ScanError::Empty { paths: paths.to_vec() });
    }
    let mut report = of_tree(&tree, options, known)?;
    report.skipped = skipped;
    Ok(report)
}

fn of_tree(tree: &Tree, options: &ScanOptions, known: &dyn Fn(&Path) -> Option<Known>) -> Result<Report, ScanError> {
    let claims = recognise::recognise(tree, options.dataset.as_deref())?;
    let leftovers = Leftovers::new(tree, &claims);
    if claims.is_empty() {
        return Err(ScanError::Unknown {
            folders: leftovers.unknown,
            known: catalogue::names(),
        });
    }
    let files = claims
        .iter()
        .flat_map(|claimed| &claimed.claim.members)
        .map(|member| member.file);
    let headers = headers::read(tree, files, known);
    let mut found = Vec::new();
    for (claimed, strays) in claims.into_iter().zip(leftovers.strays) {
        let from = found.len();
        found.extend(pairing::found(tree, claimed, &headers));
        if let Some(first) = found.get_mut(from) {
            first.problems.extend(strays);
            first.problems.sort();
        }
    }
    Ok(Report {
        found: in_order(found),
        unknown: leftovers.unknown,
        skipped: Vec::new(),
    })
}

/// The catalogue's order, then splits in its order, then the most complete first; and names that come again are noted.
fn in_order(mut found: Vec<Found>) -> Vec<Found> {
    let rank = |found: &Found| {
        let names = catalogue::names();
        let dataset = names
            .iter()
            .position(|name| *name == found.dataset)
            .unwrap_or(names.len());
        let splits = catalogue::find(&found.dataset).map_or(&[][..], |entry| entry.splits);
        let split = splits
            .iter()
            .position(|split| split.name == found.split)
            .unwrap_or(splits.len());
        (
            dataset,
            found.dataset.clone(),
            split,
            found.split.clone(),
            Reverse(found.count()),
            found.root.clone(),
        )
    };
    found.sort_by_cached_key(rank);
    let mut before: HashSet<String> = HashSet::new();
    for i in 0..found.len() {
        let is_new = i == 0 || (&found[i].dataset, &found[i].split) != (&found[i - 1].dataset, &found[i - 1].split);
        if is_new {
            before.clear();
        }
        let names = found[i].pairs.iter().map(|pair| pair.name.clone());
        found[i].repeats = names.filter(|name| !before.insert(name.clone())).collect();
    }
    found
}

/// Pictures that no claim took: strays among a claim's own, or folders of no known dataset.
struct Leftovers {
    /// For each claim, in order.
    strays: Vec<Vec<Problem>>,
    unknown: Vec<PathBuf>,
}

impl Leftovers {
    fn new(tree: &Tree, claims: &[Claimed]) -> Self {
        let mut taken: HashSet<FileId> = HashSet::with_capacity(tree.count());
        let mut owners: HashMap<FolderId, HashMap<usize, usize>> = HashMap::new();
        for (which, claimed) in claims.iter().enumerate() {
            for member in &claimed.claim.members {
                taken.insert(member.file);
                *owners.entry(member.file.folder).or_default().entry(which).or_default() += 1;
            }
            taken.extend(
                claimed
                    .claim
                    .decoys
                    .iter()
                    .flat_map(|decoy| decoy.files.iter().copied()),
            );
        }
        let mut strays: Vec<Vec<Problem>> = claims.iter().map(|_| Vec::new()).collect();
        let mut unknown = Vec::new();
        for folder in tree.ids() {
            let left: Vec<&str> = tree
                .pictures(folder)
                .filter(|(file, _)| !taken.contains(file))
                .map(|(_, name)| name)
                .collect();
            let foreign = tree.folder(folder).foreign.iter().map(String::as_str);
            let path = |name: &str| tree.folder(folder).path.join(name);
            let owner = owners
                .get(&folder)
                .and_then(|owners| owners.iter().max_by_key(|(which, count)| (**count, Reverse(**which))));
            if let Some((which, _)) = owner {
                let stray = |name: &str, reason: &str| Problem::Stray {
                    path: path(name),
                    reason: reason.to_owned(),
                };
                strays[*which].extend(left.iter().map(|name| stray(name, "its name does not fit the others")));
                strays[*which].extend(foreign.map(|name| stray(name, "a format that is not read")));
            } else if !left.is_empty() {
                unknown.push(home(tree, folder));
            }
        }
        unknown.sort();
        unknown.dedup();
        Self { strays, unknown }
    }
}

/// The folder to name for unknown pictures: above two sides, what holds both.
fn home(tree: &Tree, folder: FolderId) -> PathBuf {
    let own = tree.folder(folder);
    let name = own.name.as_str();
    let is_side = custom::DEGRADED.contains(&name) || custom::CLEAN.contains(&name);
    match own.parent.map(|parent| tree.folder(parent)) {
        Some(above) if is_side && !above.name.is_empty() => above.path.clone(),
        _ => own.path.clone(),
    }
}
