//! SOTS-Indoor: hazy 620x460 out of clear 640x480, so a pair is of different sizes by right: 10 pixels on each side.

use super::claim::{Claim, Reading, SURE, Sides};
use super::names::capture;
use super::{Layout, Tree};

pub static LAYOUT: Layout = Layout {
    id: "sots-indoor",
    dataset: "sots",
    of: "RESIDE archive",
    tree: "SOTS/indoor/hazy/1400_1.png + SOTS/indoor/{gt,clear}/1400.png",
    border: 10,
    recognise,
    split_by_size: None,
};

fn recognise(tree: &Tree, certain: bool) -> Vec<Claim> {
    let sides = Sides {
        degraded: &["hazy"],
        clean: &["gt", "clear"],
        inside: &[],
        lone: true,
    };
    let of_set = |number: &str| certain || number.parse().is_ok_and(|number: u32| (1400..1450).contains(&number));
    let hazy = |stem: &str| {
        let [number, _] = capture("#_#", stem)?;
        of_set(number).then(|| Reading::named("indoor", number, stem))
    };
    let clear = |stem: &str| {
        let [number] = capture("#", stem)?;
        of_set(number).then(|| Reading::new("indoor", number))
    };
    tree.ids()
        .filter_map(|root| sides.claim(tree, root, SURE, hazy, clear))
        .collect()
}
