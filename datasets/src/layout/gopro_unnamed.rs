//! Test frames of GoPro whose sequence nobody noted, as DeblurGAN's repositories show them: `blur_01.png`, `sharp_01.png`.

use super::claim::{Claim, LIKELY, Reading, Sides};
use super::names::capture;
use super::{Layout, Tree};

pub static LAYOUT: Layout = Layout {
    id: "gopro-unnamed",
    dataset: "gopro",
    of: "DeblurGAN",
    tree: "GoPro…/{blur/blur_01.png,sharp/sharp_01.png}",
    border: 0,
    recognise,
    split_by_size: None,
};

fn recognise(tree: &Tree, certain: bool) -> Vec<Claim> {
    let sides = Sides {
        degraded: &["blur"],
        clean: &["sharp"],
        inside: &[],
        lone: false,
    };
    let read = |number: &str| Reading::new("test", format!("unnamed-{number}"));
    let blur = |stem: &str| capture("blur_#", stem).map(|[number]| read(number));
    let sharp = |stem: &str| capture("sharp_#", stem).map(|[number]| read(number));
    tree.ids()
        .filter(|root| certain || tree.folder(*root).name.contains("gopro"))
        .filter_map(|root| sides.claim(tree, root, LIKELY, blur, sharp))
        .collect()
}
