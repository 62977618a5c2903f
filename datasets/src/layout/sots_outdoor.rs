//! SOTS-Outdoor as RESIDE's archive has it: JPEG hazy, PNG clear, so the ending changes within a pair.

use super::claim::{Claim, Sides};
use super::haze::{Outdoor, claims};
use super::{Layout, Tree};

pub static LAYOUT: Layout = Layout {
    id: "sots-outdoor",
    dataset: "sots",
    of: "RESIDE archive",
    tree: "SOTS/outdoor/hazy/0001_0.8_0.2.jpg + SOTS/outdoor/{gt,clear}/0001.png",
    border: 0,
    recognise,
    split_by_size: None,
};

fn recognise(tree: &Tree, certain: bool) -> Vec<Claim> {
    let sides = Sides {
        degraded: &["hazy", "haze"],
        clean: &["gt", "clear", "clean"],
        inside: &[],
        lone: true,
    };
    claims(tree, certain, Outdoor::Sots, &sides)
}
