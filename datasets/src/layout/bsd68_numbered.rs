//! CBSD68 counted from 0000, with noisy copies beside it, as the CBSD68-dataset repository has it.

use super::claim::{Claim, Reading, Role, SURE};
use super::names::capture;
use super::{FolderId, Layout, Tree};

pub static LAYOUT: Layout = Layout {
    id: "bsd68-numbered",
    dataset: "cbsd68",
    of: "CBSD68-dataset",
    tree: "CBSD68/original_png/0000.png",
    border: 0,
    recognise,
    split_by_size: None,
};

fn recognise(tree: &Tree, _: bool) -> Vec<Claim> {
    tree.ids().filter_map(|root| claim(tree, root)).collect()
}

fn claim(tree: &Tree, root: FolderId) -> Option<Claim> {
    let original = tree.child(root, &["original_png", "original"])?;
    let children = tree.folder(root).children.iter().copied();
    let noisy: Vec<FolderId> = children
        .filter(|child| tree.folder(*child).name.starts_with("noisy"))
        .collect();
    if noisy.is_empty() && !tree.folder(root).name.contains("bsd68") {
        return None;
    }
    let mut claim = Claim::new(SURE);
    let tally = claim.take(tree, original, Role::Clean, true, |stem| {
        let [number] = capture("#", stem)?;
        let in_set = number.len() == 4 && number.parse().is_ok_and(|number: u32| number < 68);
        in_set.then(|| Reading::new("test", number))
    });
    for folder in noisy {
        claim.shun(
            tree,
            folder,
            "noise made by others; here noise is made from the clean pictures",
        );
    }
    tally.is_most().then_some(claim)
}
