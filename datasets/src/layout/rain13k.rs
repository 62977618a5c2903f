//! Rain100L's test set with plain numbers in `input` and `target`: Rain13K, Restormer, PromptIR, AirNet. These pictures are
//! 480x320, the release's 481x321 without their last column and row.

use super::claim::{Claim, LIKELY, Reading, Sides};
use super::names::capture;
use super::rain_flat::key;
use super::{FolderId, Layout, Tree};

pub static LAYOUT: Layout = Layout {
    id: "rain13k",
    dataset: "rain100l",
    of: "Rain13K, Restormer, PromptIR, AdaIR, AirNet",
    tree: "test/Rain100L/{input,target}/1.png | test/derain/[Rain100L/]{input,target}/1.png",
    border: 0,
    recognise,
    split_by_size: None,
};

fn recognise(tree: &Tree, certain: bool) -> Vec<Claim> {
    tree.ids().filter_map(|root| claim(tree, root, certain)).collect()
}

fn claim(tree: &Tree, root: FolderId, certain: bool) -> Option<Claim> {
    // Bare numbers are evidence of nothing; the folder's own name must say it.
    let name = tree.folder(root).name.as_str();
    if !(certain || name.contains("rain100l") || name == "derain") {
        return None;
    }
    let sides = Sides {
        degraded: &["input"],
        clean: &["target", "gt"],
        inside: &[],
        lone: true,
    };
    let read = |stem: &str| {
        let [number] = capture("#", stem)?;
        let in_set = number.parse().is_ok_and(|number: u32| (1..=100).contains(&number));
        in_set.then(|| Reading::new("test", key(number)))
    };
    sides.claim(tree, root, LIKELY, read, read)
}
