//! GoPro in two folders, the sequence in the file's name: `GOPR0384_11_00-000001.png` (Restormer) or
//! `GOPR0384_11_00_000001.png` (MPRNet, AdaIR).

use super::claim::{Claim, Reading, SURE, Sides};
use super::names::capture;
use super::{FolderId, Layout, Tree, gopro_archive};

pub static LAYOUT: Layout = Layout {
    id: "gopro-flat",
    dataset: "gopro",
    of: "MPRNet, Restormer, AdaIR",
    tree: "{train,test}/GoPro/{input,target}/GOPR0384_11_00-000001.png | Train/Deblur/{blur,sharp}/GOPR0372_07_00_000047.png",
    border: 0,
    recognise,
    split_by_size: None,
};

fn recognise(tree: &Tree, _: bool) -> Vec<Claim> {
    tree.ids().filter_map(|root| claim(tree, root)).collect()
}

fn claim(tree: &Tree, root: FolderId) -> Option<Claim> {
    let sides = Sides {
        degraded: &["blur", "input", "blurry"],
        clean: &["sharp", "target", "gt"],
        inside: &[],
        lone: true,
    };
    let read = |stem: &str| {
        let [camera, day, part, frame] = capture("gopr#_#_#-#", stem).or_else(|| capture("gopr#_#_#_#", stem))?;
        let sequence = format!("GOPR{camera}_{day}_{part}");
        let split = gopro_archive::split(&sequence, &tree.folder(root).name);
        Some(Reading::new(split, format!("{sequence}-{frame}")))
    };
    sides.claim(tree, root, SURE, read, read)
}
