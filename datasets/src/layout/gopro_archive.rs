//! GoPro as its archive has it: a folder a sequence, in it blurred and sharp frames of the same names.

use std::collections::BTreeMap;

use super::claim::{Claim, Reading, SURE, Sides};
use super::names::capture;
use super::{FolderId, Layout, Tree};
use crate::catalogue::gopro;

pub static LAYOUT: Layout = Layout {
    id: "gopro-archive",
    dataset: "gopro",
    of: "GOPRO_Large archive",
    tree: "GOPRO_Large/{train,test}/GOPR0384_11_00/{blur,sharp}/000001.png",
    border: 0,
    recognise,
    split_by_size: None,
};

/// The split of a sequence: by the lists, or for one of neither list by the word in the folder that holds it.
pub fn split(sequence: &str, folder: &str) -> &'static str {
    if gopro::TEST.binary_search(&sequence).is_ok() {
        "test"
    } else if gopro::TRAIN.binary_search(&sequence).is_ok() || !folder.contains("test") {
        "train"
    } else {
        "test"
    }
}

fn recognise(tree: &Tree, _: bool) -> Vec<Claim> {
    let mut claims: BTreeMap<Option<FolderId>, Claim> = BTreeMap::new();
    for folder in tree.ids() {
        let Some(found) = sequence(tree, folder) else {
            continue;
        };
        let claim = claims.entry(tree.folder(folder).parent).or_default();
        claim.confidence = claim.confidence.max(found.confidence);
        claim.members.extend(found.members);
        claim.decoys.extend(found.decoys);
    }
    claims.into_values().collect()
}

fn sequence(tree: &Tree, folder: FolderId) -> Option<Claim> {
    let name = tree.folder(folder).name.to_uppercase();
    capture::<3>("gopr#_#_#", &name)?;
    let above = tree
        .folder(folder)
        .parent
        .map_or("", |parent| tree.folder(parent).name.as_str());
    let split = split(&name, above);
    let sides = Sides {
        degraded: &["blur"],
        clean: &["sharp"],
        inside: &[],
        lone: true,
    };
    let read = |stem: &str| capture("#", stem).map(|[frame]| Reading::new(split, format!("{name}-{frame}")));
    let mut claim = sides.claim(tree, folder, SURE, read, read)?;
    if let Some(gamma) = tree.child(folder, &["blur_gamma"]) {
        claim.shun(
            tree,
            gamma,
            "blurred in linear light; the papers measure the pictures in blur/",
        );
    }
    Some(claim)
}
