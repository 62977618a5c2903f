//! Anybody's pictures, under the name that the user gives them.
//!
//! A folder of photographs, however deep, is a set of clean pictures. Two folders side by side with a word for degraded and
//! one for clean are pairs by name. Folders `train`, `test` and `val` at the top are splits. There is nothing to recognise
//! here: the user has said what it is.

use super::claim::{Claim, Member, Role};
use super::names::split_ending;
use super::{FolderId, Tree};

/// The id that a scan reports for these.
pub const ID: &str = "custom";

/// Names of folders of degraded pictures, in the order of preference.
pub const DEGRADED: [&str; 16] = [
    "input",
    "lq",
    "low",
    "degraded",
    "hazy",
    "haze",
    "rainy",
    "rain",
    "blur",
    "blurry",
    "noisy",
    "raw",
    "synthetic",
    "underwater",
    "dark",
    "lowlight",
];

/// Names of folders of their clean partners, in the order of preference.
pub const CLEAN: [&str; 12] = [
    "target",
    "gt",
    "high",
    "clean",
    "clear",
    "sharp",
    "reference",
    "norain",
    "groundtruth",
    "ground_truth",
    "hq",
    "original",
];

const SPLITS: [(&str, &str); 5] = [
    ("train", "train"),
    ("training", "train"),
    ("test", "test"),
    ("val", "val"),
    ("validation", "val"),
];

/// Everything below the given folders as one claim; `splits` are the dataset's if it is a known one, the first of them
/// being where pictures of no split go.
pub fn claim(tree: &Tree, splits: &[&'static str]) -> Claim {
    let mut claim = Claim::new(1);
    for top in tree.tops.iter().copied() {
        visit(
            tree,
            top,
            splits.first().copied().unwrap_or("train"),
            "",
            splits,
            &mut claim,
        );
    }
    claim
}

fn visit(tree: &Tree, folder: FolderId, split: &'static str, prefix: &str, splits: &[&'static str], claim: &mut Claim) {
    let above_given = tree.folder(folder).parent.is_none();
    for (file, name) in tree.pictures(folder) {
        let name = join(prefix, split_ending(name).0);
        claim.members.push(Member {
            file,
            role: Role::Clean,
            split,
            key: name.to_lowercase(),
            name,
            alone: true,
        });
    }
    let with_pictures = |words: &[&str]| {
        tree.child(folder, words)
            .filter(|side| !tree.folder(*side).pictures.is_empty())
    };
    let mut sides = [
        (with_pictures(&DEGRADED), Role::Degraded),
        (with_pictures(&CLEAN), Role::Clean),
    ];
    // A given folder's own name says nothing, unless its partner was given with it. A clean side alone is clean pictures.
    if sides[0].0.is_none() || (above_given && sides[1].0.is_none()) {
        sides = [(None, Role::Degraded), (None, Role::Clean)];
    }
    for (side, role) in sides {
        let pictures = side.into_iter().flat_map(|side| tree.pictures(side));
        claim.members.extend(pictures.map(|(file, name)| {
            let name = join(prefix, split_ending(name).0);
            Member {
                file,
                role,
                split,
                key: format!("pair {}", name.to_lowercase()),
                name,
                alone: false,
            }
        }));
    }
    for child in tree.folder(folder).children.iter().copied() {
        if sides.iter().any(|(side, _)| *side == Some(child)) {
            continue;
        }
        let name = tree.folder(child).name.as_str();
        let known = |split: &&str| splits.is_empty() || splits.contains(split);
        let named = SPLITS
            .iter()
            .find(|(word, _)| *word == name)
            .map(|(_, split)| *split)
            .filter(known);
        match named {
            _ if above_given => visit(tree, child, split, prefix, splits, claim),
            Some(split) if prefix.is_empty() => visit(tree, child, split, prefix, splits, claim),
            _ => visit(tree, child, split, &join(prefix, name), splits, claim),
        }
    }
}

/// Pairs' names may become file names, so folders are joined by a dash.
fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() {
        name.to_owned()
    } else {
        format!("{prefix}-{name}")
    }
}
