//! Rain100L in one folder: PReNet's release of the test set (`rain-001.png`) and of the training set (`rain-1.png`).

use super::claim::{Claim, Member, Role, SURE, Tally};
use super::names::{capture, split_ending};
use super::{FolderId, Layout, Tree};

pub static LAYOUT: Layout = Layout {
    id: "rain-flat",
    dataset: "rain100l",
    of: "PReNet, JORDER",
    tree: "Rain100L/{rain-001.png,norain-001.png} | RainTrainL/{rain-1.png,norain-1.png}",
    border: 0,
    recognise,
    split_by_size: None,
};

/// The heavy set and later ones use the same file names; only their folders' own names tell.
pub fn is_another(folder: &str) -> bool {
    ["100h", "trainh", "heavy", "rain12", "200l", "200h", "800", "1400"]
        .iter()
        .any(|word| folder.contains(word))
}

/// The split that these numbers belong to. Training numbers run to 200 and are not padded; test numbers run to 100, with
/// three digits.
pub fn split<'a>(folder: &str, numbers: impl Iterator<Item = &'a str> + Clone) -> &'static str {
    let value = |number: &str| number.parse().unwrap_or(0_u32);
    if numbers.clone().any(|number| value(number) > 100) || folder.contains("train") {
        "train"
    } else if folder.contains("test") || folder == "rain100l" || numbers.clone().any(|number| number.starts_with('0')) {
        "test"
    } else if numbers.clone().any(|number| number.len() < 3) {
        "train"
    } else {
        "test"
    }
}

/// One key for `1` and `001`: the releases number the same pictures with and without padding.
pub fn key(number: &str) -> String {
    format!("{:0>3}", number.trim_start_matches('0'))
}

fn recognise(tree: &Tree, certain: bool) -> Vec<Claim> {
    tree.ids().filter_map(|folder| claim(tree, folder, certain)).collect()
}

fn claim(tree: &Tree, folder: FolderId, certain: bool) -> Option<Claim> {
    let name = tree.folder(folder).name.as_str();
    if is_another(name) && !certain {
        return None;
    }
    let read: Vec<_> = tree
        .pictures(folder)
        .filter_map(|(file, name)| {
            let stem = split_ending(name).0;
            let rainy = capture("rain-#", stem).map(|[number]| (file, Role::Degraded, number));
            rainy.or_else(|| capture("norain-#", stem).map(|[number]| (file, Role::Clean, number)))
        })
        .collect();
    let tally = Tally {
        fit: read.len(),
        of: tree.folder(folder).pictures.len(),
    };
    // One role alone is a side of the layout with two folders.
    let both =
        read.iter().any(|(_, role, _)| *role == Role::Clean) && read.iter().any(|(_, role, _)| *role == Role::Degraded);
    if !tally.is_most() || !(both || certain) {
        return None;
    }
    let split = split(name, read.iter().map(|(_, _, number)| *number));
    let mut claim = Claim::new(SURE);
    claim
        .members
        .extend(read.into_iter().map(|(file, role, number)| Member {
            file,
            role,
            split,
            key: key(number),
            name: key(number),
            alone: false,
        }));
    Some(claim)
}
