//! SOTS-Outdoor in the trainers' test folder.

use super::claim::{Claim, Sides};
use super::haze::{Outdoor, claims};
use super::{Layout, Tree};

pub static LAYOUT: Layout = Layout {
    id: "promptir-dehaze-test",
    dataset: "sots",
    of: "AirNet, PromptIR, AdaIR",
    tree: "test/dehaze/input/0001_0.8_0.2.jpg + test/dehaze/target/0001.png",
    border: 0,
    recognise,
    split_by_size: None,
};

fn recognise(tree: &Tree, certain: bool) -> Vec<Claim> {
    let sides = Sides {
        degraded: &["input"],
        clean: &["target", "gt"],
        inside: &[],
        lone: true,
    };
    claims(tree, certain, Outdoor::Sots, &sides)
}
