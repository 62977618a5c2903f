//! C60 as UIEB's archive has it: degraded pictures without references, under any names.

use super::claim::{Claim, Reading, Role, SURE};
use super::{Layout, Tree};

pub static LAYOUT: Layout = Layout {
    id: "challenging-60",
    dataset: "c60",
    of: "UIEB archive",
    tree: "UIEB/challenging-60/*.png",
    border: 0,
    recognise,
    split_by_size: None,
};

const NAMES: [&str; 6] = [
    "challenging-60",
    "challenging_60",
    "challenging60",
    "challenge-60",
    "c60",
    "uieb-challenging",
];

fn recognise(tree: &Tree, _: bool) -> Vec<Claim> {
    let folders = tree
        .ids()
        .filter(|folder| NAMES.contains(&tree.folder(*folder).name.as_str()));
    folders
        .map(|folder| {
            let mut claim = Claim::new(SURE);
            claim.take(tree, folder, Role::Degraded, true, |stem| {
                Some(Reading::new("test", stem.to_lowercase()))
            });
            claim
        })
        .filter(|claim| !claim.is_empty())
        .collect()
}
