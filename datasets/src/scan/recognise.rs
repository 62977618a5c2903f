//! From a tree to claims that do not overlap: each picture is of one dataset.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::path::PathBuf;

use rayon::prelude::*;

use super::report::ScanError;
use crate::catalogue::{self, Degradation, Entry};
use crate::layout::{Claim, FileId, LAYOUTS, Layout, Role, Tree, custom};

/// A claim with the layout that made it; none is the custom layout.
pub struct Claimed {
    pub dataset: String,
    pub layout: Option<&'static Layout>,
    pub claim: Claim,
}

/// The claims that stand.
pub fn recognise(tree: &Tree, dataset: Option<&str>) -> Result<Vec<Claimed>, ScanError> {
    let Some(name) = dataset else {
        return Ok(settle(tree, claims(tree, &LAYOUTS, false)));
    };
    let begins_well = name.starts_with(|first: char| first.is_ascii_alphanumeric());
    if !begins_well
        || !name
            .chars()
            .all(|sign| sign.is_ascii_alphanumeric() || "-_.".contains(sign))
    {
        return Err(ScanError::BadName { name: name.to_owned() });
    }
    let Some(entry) = catalogue::find(name) else {
        return Ok(vec![Claimed {
            dataset: name.to_owned(),
            layout: None,
            claim: custom::claim(tree, &[]),
        }]);
    };
    let own: Vec<&'static Layout> = LAYOUTS
        .into_iter()
        .filter(|layout| layout.dataset == entry.name)
        .collect();
    // What is plainly of the dataset is better evidence than what could be of it.
    for certain in [false, true] {
        let found = settle(tree, claims(tree, &own, certain));
        if !found.is_empty() {
            return Ok(found);
        }
    }
    by_word(tree, entry, &own)
}

/// No layout fits, but the user says that it is this dataset: pairs by name, or a folder of pictures.
fn by_word(tree: &Tree, entry: &Entry, own: &[&'static Layout]) -> Result<Vec<Claimed>, ScanError> {
    let splits: Vec<&'static str> = entry.splits.iter().map(|split| split.name).collect();
    let mut claim = custom::claim(tree, &splits);
    let is_without_partner = entry.degradation == Degradation::Noise || entry.is_without_references();
    claim.members.retain(|member| member.alone == is_without_partner);
    if entry.is_without_references() {
        for member in &mut claim.members {
            member.role = Role::Degraded;
        }
    }
    if claim.members.is_empty() {
        return Err(ScanError::NotThisDataset {
            dataset: entry.name.to_owned(),
            paths: given(tree),
            expected: own.iter().map(|layout| layout.tree).collect(),
        });
    }
    Ok(vec![Claimed {
        dataset: entry.name.to_owned(),
        layout: None,
        claim,
    }])
}

/// The folders that the user gave.
pub fn given(tree: &Tree) -> Vec<PathBuf> {
    let given = tree.tops.iter().flat_map(|top| &tree.folder(*top).children);
    given.map(|folder| tree.folder(*folder).path.clone()).collect()
}

fn claims(tree: &Tree, layouts: &[&'static Layout], certain: bool) -> Vec<Claimed> {
    let claims = layouts.par_iter().flat_map_iter(|layout| {
        (layout.recognise)(tree, certain).into_iter().map(|claim| Claimed {
            dataset: layout.dataset.to_owned(),
            layout: Some(*layout),
            claim,
        })
    });
    claims.collect()
}

/// The surest claims first, then the larger, then the earlier in the registry; a claim falls if one of its pictures is taken.
fn settle(tree: &Tree, mut claims: Vec<Claimed>) -> Vec<Claimed> {
    claims.sort_by_key(|claimed| (Reverse(claimed.claim.confidence), Reverse(claimed.claim.members.len())));
    let mut taken: HashSet<FileId> = HashSet::with_capacity(tree.count());
    let mut standing = Vec::new();
    for claimed in claims {
        let files = || claimed.claim.members.iter().map(|member| member.file);
        if files().any(|file| taken.contains(&file)) {
            continue;
        }
        taken.extend(files());
        taken.extend(
            claimed
                .claim
                .decoys
                .iter()
                .flat_map(|decoy| decoy.files.iter().copied()),
        );
        standing.push(claimed);
    }
    standing
}
