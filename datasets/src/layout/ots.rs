//! RESIDE-β's outdoor training set as its archive has it, hazy pictures in one folder or in parts.

use super::claim::{Claim, Sides};
use super::haze::{INSIDE, Outdoor, claims};
use super::{Layout, Tree};

pub static LAYOUT: Layout = Layout {
    id: "reside-ots",
    dataset: "reside",
    of: "RESIDE-β archive",
    tree: "OTS/{haze,hazy}/[part1..4/]0025_0.8_0.04.jpg + OTS/clear/0025.jpg",
    border: 0,
    recognise,
    split_by_size: None,
};

fn recognise(tree: &Tree, certain: bool) -> Vec<Claim> {
    let sides = Sides {
        degraded: &["haze", "hazy", "ots"],
        clean: &["clear", "clean", "gt", "clear_images"],
        inside: &INSIDE,
        lone: true,
    };
    claims(tree, certain, Outdoor::Ots, &sides)
}
