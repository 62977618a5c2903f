//! BSD400 as the BSDS500 archive has it: train and test together, val left out.

use super::claim::{Claim, Reading, Role, SURE, Tally};
use super::{FolderId, Layout, Tree, bsd_flat};

pub static LAYOUT: Layout = Layout {
    id: "bsds500",
    dataset: "bsd400",
    of: "BSDS500 archive",
    tree: "BSDS500/data/images/{train,test}/100075.jpg",
    border: 0,
    recognise,
    split_by_size: None,
};

fn recognise(tree: &Tree, _: bool) -> Vec<Claim> {
    tree.ids().filter_map(|root| claim(tree, root)).collect()
}

fn claim(tree: &Tree, root: FolderId) -> Option<Claim> {
    // Surer than the flat layout, which would take train and test for two halves.
    let mut claim = Claim::new(SURE + 5);
    let mut tally = Tally::default();
    for half in ["train", "test"] {
        if let Some(folder) = tree.child(root, &[half]) {
            tally.add(claim.take(tree, folder, Role::Clean, true, |stem| {
                bsd_flat::number(stem).map(|id| Reading::new("train", id))
            }));
        }
    }
    if !tally.is_most() {
        return None;
    }
    if let Some(folder) = tree.child(root, &["val"]) {
        claim.shun(tree, folder, "BSDS500's val is no part of BSD400: CBSD68 is among it");
    }
    Some(claim)
}
