//! LOL in two folders, as AdaIR has it; a picture's number tells its split.

use super::claim::{Claim, LIKELY, Reading, Sides};
use super::names::{capture, unpadded};
use super::{Layout, Tree};
use crate::catalogue::lol;

pub static LAYOUT: Layout = Layout {
    id: "lol-pairs",
    dataset: "lol",
    of: "AdaIR",
    tree: "data/Train/Enhance/{low,gt}/2.png | test/enhance/lol/{input,target}/1.png",
    border: 0,
    recognise,
    split_by_size: None,
};

fn recognise(tree: &Tree, certain: bool) -> Vec<Claim> {
    let sides = Sides {
        degraded: &["low", "input"],
        clean: &["high", "gt", "target"],
        inside: &[],
        lone: certain,
    };
    let read = |stem: &str| {
        let [number] = capture("#", stem)?;
        let count = unpadded(number)?;
        let split = if lol::EVAL15.binary_search(&count).is_ok() {
            "test"
        } else {
            "train"
        };
        (count < 800).then(|| Reading::new(split, number))
    };
    tree.ids()
        .filter(|root| {
            // Bare numbers are evidence of nothing; LOL's second version is another dataset.
            let name = tree.folder(*root).name.as_str();
            certain || (name.starts_with("lol") && !name.contains("v2")) || name == "enhance"
        })
        .filter_map(|root| sides.claim(tree, root, LIKELY, read, read))
        .collect()
}
