//! RESIDE-β's outdoor training set in the trainers' folders; the clear pictures are JPEG or PNG.

use super::claim::{Claim, Sides};
use super::haze::{INSIDE, Outdoor, claims};
use super::{Layout, Tree};

pub static LAYOUT: Layout = Layout {
    id: "promptir-dehaze",
    dataset: "reside",
    of: "AirNet, PromptIR, AdaIR",
    tree: "data/Train/Dehaze/synthetic/part1..4/0025_0.8_0.04.jpg + data/Train/Dehaze/original/0025.{jpg,png}",
    border: 0,
    recognise,
    split_by_size: None,
};

fn recognise(tree: &Tree, certain: bool) -> Vec<Claim> {
    let sides = Sides {
        degraded: &["synthetic"],
        clean: &["original"],
        inside: &INSIDE,
        lone: true,
    };
    claims(tree, certain, Outdoor::Ots, &sides)
}
