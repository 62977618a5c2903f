//! BSD400 in one folder, alone or with WED: AirNet, AdaIR (`2018.jpg`) and PromptIR's list (`a2018.jpg`).
//!
//! PromptIR silently drops every picture whose `a` is missing; here both names are the same picture.

use super::claim::{Claim, Reading, Role, SURE};
use super::{FolderId, Layout, Tree, wed_flat};
use crate::catalogue::bsd400;
use crate::layout::names::{capture, split_ending, unpadded};

pub static LAYOUT: Layout = Layout {
    id: "bsd-flat",
    dataset: "bsd400",
    of: "AirNet, PromptIR, AdaIR",
    tree: "data/Train/Denoise/{2018.jpg | a2018.jpg}",
    border: 0,
    recognise,
    split_by_size: None,
};

/// The picture's number in BSD400, without the `a`.
pub fn number(stem: &str) -> Option<&str> {
    let [digits] = capture("#", stem).or_else(|| capture("a#", stem))?;
    let id = unpadded(digits)?;
    bsd400::IDS.binary_search(&id).is_ok().then_some(digits)
}

/// A folder of made pictures: noisy ones keep the names of their clean partners.
pub fn is_made(name: &str) -> bool {
    // Not a mere "noise": the trainers' folder of clean pictures is called Denoise.
    let words = ["noisy", "result", "output", "restored", "denoised"];
    name.starts_with("noise") || words.iter().any(|word| name.contains(word))
}

fn recognise(tree: &Tree, certain: bool) -> Vec<Claim> {
    tree.ids().filter_map(|folder| claim(tree, folder, certain)).collect()
}

fn claim(tree: &Tree, folder: FolderId, certain: bool) -> Option<Claim> {
    if is_made(&tree.folder(folder).name) && !certain {
        return None;
    }
    let mut claim = Claim::new(SURE);
    let mut tally = claim.take(tree, folder, Role::Clean, true, |stem| {
        number(stem).map(|id| Reading::new("train", id))
    });
    tally.of -= tree
        .pictures(folder)
        .filter(|(_, name)| wed_flat::number(split_ending(name)).is_some())
        .count();
    tally.is_most().then_some(claim)
}
