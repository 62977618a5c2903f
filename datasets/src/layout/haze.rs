//! What RESIDE's outdoor sets share: `0025_0.8_0.04.jpg` is `0025` under atmospheric light 0.8 and scattering 0.04.
//!
//! OTS (training) and SOTS-Outdoor (test) write their names alike, and people keep both in folders of the same names. What
//! tells them apart is weighed here: OTS has 35 hazy pictures of each clear one, SOTS one.

use std::collections::HashSet;

use super::claim::{Claim, Reading, Role, SURE, Sides};
use super::names::{capture, is_jpeg};
use super::{FolderId, Tree};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outdoor {
    Ots,
    Sots,
}

/// Folders inside a side that belong to it.
pub const INSIDE: [&str; 10] = [
    "part1",
    "part2",
    "part3",
    "part4",
    "ots",
    "haze",
    "hazy",
    "clear",
    "clear_images",
    "images",
];

/// Reads a hazy picture's name: the clear picture's, then light and scattering. Indoor names have a scattering above 0.5.
pub fn hazy(stem: &str, split: &'static str) -> Option<Reading> {
    let [clear, light, scattering] = capture("#_%_%", stem)?;
    let light: f32 = light.parse().ok()?;
    let scattering: f32 = scattering.parse().ok()?;
    ((0.5..=1.2).contains(&light) && scattering <= 0.4).then(|| Reading::named(split, clear, stem))
}

/// Reads a clear picture's name: its number.
pub fn clear(stem: &str, split: &'static str) -> Option<Reading> {
    let [number] = capture("#", stem)?;
    Some(Reading::new(split, number))
}

/// The claims of one of the two sets with these names of sides, wherever the evidence is for it.
pub fn claims(tree: &Tree, certain: bool, wanted: Outdoor, sides: &Sides) -> Vec<Claim> {
    let split = match wanted {
        Outdoor::Ots => "train",
        Outdoor::Sots => "test",
    };
    let claim = |root| sides.claim(tree, root, SURE, |stem| hazy(stem, split), |stem| clear(stem, split));
    let roots = tree.ids().filter_map(|root| Some((root, claim(root)?)));
    let has_hazy = |claim: &Claim| claim.members.iter().any(|member| member.role == Role::Degraded);
    roots
        .filter(|(root, claim)| has_hazy(claim) && (certain || judge(tree, *root, claim) == wanted))
        .map(|(_, claim)| claim)
        .collect()
}

fn judge(tree: &Tree, root: FolderId, claim: &Claim) -> Outdoor {
    let hazy = claim.members.iter().filter(|member| member.role == Role::Degraded);
    let numbers: HashSet<&str> = hazy.clone().map(|member| member.key.as_str()).collect();
    let folders: HashSet<FolderId> = claim.members.iter().map(|member| member.file.folder).collect();
    let named = |word: &str| folders.iter().any(|folder| tree.folder(*folder).name.starts_with(word));
    let mut clean = claim.members.iter().filter(|member| member.role == Role::Clean);
    let root = tree.folder(root).name.as_str();
    let is_sots = root.contains("sots") || root.contains("outdoor");
    let many = hazy.count() >= numbers.len() * 2;
    let mut ots = 3 * i32::from(many);
    ots += 2 * i32::from(named("part"));
    ots += 2 * i32::from(named("synthetic") || named("original"));
    ots += 2 * i32::from(root.contains("ots") && !is_sots);
    ots += i32::from(clean.next().is_some_and(|member| is_jpeg(tree.name(member.file))));
    let mut sots = 1 - i32::from(many);
    sots += 2 * i32::from(is_sots);
    sots += 2 * i32::from(named("input") || named("target"));
    if ots > sots { Outdoor::Ots } else { Outdoor::Sots }
}
