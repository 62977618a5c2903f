//! LOL as its archive has it: our485 to train, eval15 to test, the same name in `low` and `high`.

use super::claim::{Claim, Reading, SURE, Sides};
use super::names::capture;
use super::{FolderId, Layout, Tree};

pub static LAYOUT: Layout = Layout {
    id: "lol-archive",
    dataset: "lol",
    of: "LOL archive",
    tree: "LOLdataset/{our485,eval15}/{low,high}/1.png",
    border: 0,
    recognise,
    split_by_size: None,
};

fn recognise(tree: &Tree, _: bool) -> Vec<Claim> {
    tree.ids()
        .map(|root| claim(tree, root))
        .filter(|claim| !claim.is_empty())
        .collect()
}

fn claim(tree: &Tree, root: FolderId) -> Claim {
    let sides = Sides {
        degraded: &["low"],
        clean: &["high"],
        inside: &[],
        lone: true,
    };
    let mut claim = Claim::new(SURE);
    for (word, split) in [("our485", "train"), ("eval15", "test")] {
        let read = |stem: &str| capture("#", stem).map(|[number]| Reading::new(split, number));
        let half = tree
            .child(root, &[word])
            .and_then(|half| sides.claim(tree, half, SURE, read, read));
        claim.members.extend(half.into_iter().flat_map(|half| half.members));
    }
    claim
}
