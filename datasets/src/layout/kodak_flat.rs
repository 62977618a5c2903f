//! Kodak's photographs in one folder. Their crops and the whole pictures bear the same names; the size tells them apart.

use super::claim::{Claim, Reading, Role, SURE};
use super::names::capture;
use super::{FolderId, Layout, Tree};

pub static LAYOUT: Layout = Layout {
    id: "kodak-flat",
    dataset: "kodak24",
    of: "FFDNet, Restormer, AdaIR; the suite itself",
    tree: "Kodak24/kodim01.png",
    border: 0,
    recognise,
    split_by_size: Some(|_, width, height| if (width, height) == (500, 500) { "test" } else { "full" }),
};

fn recognise(tree: &Tree, _: bool) -> Vec<Claim> {
    tree.ids().filter_map(|folder| claim(tree, folder)).collect()
}

fn claim(tree: &Tree, folder: FolderId) -> Option<Claim> {
    let mut claim = Claim::new(SURE);
    let tally = claim.take(tree, folder, Role::Clean, true, |stem| {
        let [number] = capture("kodim#", stem)?;
        let in_set = number.parse().is_ok_and(|number: u32| (1..=24).contains(&number));
        in_set.then(|| Reading::new("test", format!("kodim{number:0>2}")))
    });
    tally.is_most().then_some(claim)
}
