//! Rain100L in two folders: the trainers' `Derain/{rainy,gt}`, JORDER's `{rain,norain}`, where the rainy file may bear the
//! clean one's name (`rain/norain-56.png`, `rain/X2/norain-001x2.png`).

use super::claim::{Claim, Reading, SURE, Sides};
use super::names::capture;
use super::rain_flat::{is_another, key, split};
use super::{FolderId, Layout, Tree};

pub static LAYOUT: Layout = Layout {
    id: "rain-folders",
    dataset: "rain100l",
    of: "AirNet, PromptIR, AdaIR; JORDER",
    tree: "data/Train/Derain/rainy/rain-1.png + data/Train/Derain/gt/norain-1.png | {rain,norain}/norain-001.png",
    border: 0,
    recognise,
    split_by_size: None,
};

fn recognise(tree: &Tree, certain: bool) -> Vec<Claim> {
    tree.ids().filter_map(|root| claim(tree, root, certain)).collect()
}

fn claim(tree: &Tree, root: FolderId, certain: bool) -> Option<Claim> {
    let name = tree.folder(root).name.as_str();
    if is_another(name) && !certain {
        return None;
    }
    let sides = Sides {
        degraded: &["rainy", "rain"],
        clean: &["gt", "norain"],
        inside: &["x2"],
        lone: true,
    };
    let read = |stem: &str| number(stem).map(|number| Reading::new("train", number));
    let mut claim = sides.claim(tree, root, SURE, read, read)?;
    let split = split(name, claim.members.iter().map(|member| member.key.as_str()));
    for member in &mut claim.members {
        member.split = split;
        member.key = key(&member.key);
        member.name.clone_from(&member.key);
    }
    Some(claim)
}

fn number(stem: &str) -> Option<&str> {
    let patterns = ["rain-#", "norain-#", "rain-#x2", "norain-#x2"];
    let [number] = patterns.iter().find_map(|pattern| capture(pattern, stem))?;
    Some(number)
}
