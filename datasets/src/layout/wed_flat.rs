//! WED in one folder, alone (its archive's `pristine_images`) or with BSD400 (AirNet, PromptIR, AdaIR).

use super::claim::{Claim, Member, Role, SURE, Tally};
use super::names::{capture, split_ending};
use super::{FolderId, Layout, Tree, bsd_flat};

pub static LAYOUT: Layout = Layout {
    id: "wed-flat",
    dataset: "wed",
    of: "WED archive, AirNet, PromptIR, AdaIR",
    tree: "exploration_database_and_code/pristine_images/00001.bmp | data/Train/Denoise/00001.bmp",
    border: 0,
    recognise,
    split_by_size: None,
};

/// The picture's number of five digits, if it is one of WED's BMPs.
pub fn number<'a>((stem, ending): (&'a str, &str)) -> Option<&'a str> {
    let [digits] = capture("#", stem)?;
    let count: u32 = digits.parse().ok()?;
    (digits.len() == 5 && (1..=4744).contains(&count) && ending.eq_ignore_ascii_case("bmp")).then_some(digits)
}

fn recognise(tree: &Tree, _: bool) -> Vec<Claim> {
    tree.ids().filter_map(|folder| claim(tree, folder)).collect()
}

fn claim(tree: &Tree, folder: FolderId) -> Option<Claim> {
    let mut claim = Claim::new(SURE);
    let mut tally = Tally::default();
    for (file, name) in tree.pictures(folder) {
        let (stem, ending) = split_ending(name);
        if let Some(digits) = number((stem, ending)) {
            tally.add(Tally { fit: 1, of: 1 });
            claim.members.push(Member {
                file,
                role: Role::Clean,
                split: "train",
                key: digits.to_owned(),
                name: digits.to_owned(),
                alone: true,
            });
        } else if bsd_flat::number(stem).is_none() {
            tally.of += 1;
        }
    }
    tally.is_most().then_some(claim)
}
