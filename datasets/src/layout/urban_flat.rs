//! Urban100 in one folder, as most trainers have it: `img_001.png` to `img_100.png`.

use super::claim::{Claim, Reading, Role, SURE};
use super::names::capture;
use super::{FolderId, Layout, Tree};

pub static LAYOUT: Layout = Layout {
    id: "urban-flat",
    dataset: "urban100",
    of: "Restormer, PromptIR, AdaIR",
    tree: "test/denoise/urban100/img_001.png",
    border: 0,
    recognise,
    split_by_size: None,
};

fn recognise(tree: &Tree, certain: bool) -> Vec<Claim> {
    tree.ids().filter_map(|folder| claim(tree, folder, certain)).collect()
}

fn claim(tree: &Tree, folder: FolderId, certain: bool) -> Option<Claim> {
    let mut claim = Claim::new(SURE);
    let tally = claim.take(tree, folder, Role::Clean, true, |stem| {
        let [number] = capture("img_#", stem).or_else(|| capture("img#", stem))?;
        let in_set = number.len() == 3 && number.parse().is_ok_and(|number: u32| (1..=100).contains(&number));
        in_set.then(|| Reading::new("test", number))
    });
    // Anybody's photographs may be called img_001: the folder's name or the whole hundred must say more.
    let named = certain || tree.folder(folder).name.contains("urban");
    (tally.is_most() && (named || (tally.fit == 100 && tally.of == 100))).then_some(claim)
}
