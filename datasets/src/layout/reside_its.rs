//! RESIDE's indoor training set, ten hazy pictures of each clear one: `1_1_0.90179.png` is picture 1, its first haze.

use super::claim::{Claim, Reading, SURE, Sides};
use super::names::capture;
use super::{Layout, Tree};

pub static LAYOUT: Layout = Layout {
    id: "reside-its",
    dataset: "reside",
    of: "RESIDE archive",
    tree: "ITS_v2/hazy/1_1_0.90179.png + ITS_v2/clear/1.png",
    border: 0,
    recognise,
    split_by_size: None,
};

fn recognise(tree: &Tree, _: bool) -> Vec<Claim> {
    let sides = Sides {
        degraded: &["hazy", "haze"],
        clean: &["clear", "gt"],
        inside: &[],
        lone: false,
    };
    let hazy = |stem: &str| {
        let [number, which, scattering] = capture("#_#_%", stem)?;
        let scattering: f32 = scattering.parse().ok()?;
        // Outdoor names hold a light of 1 in the middle and a scattering of 0.2 or less.
        (which.len() <= 2 && scattering > 0.4).then(|| Reading::named("indoor", number, stem))
    };
    let clear = |stem: &str| capture("#", stem).map(|[number]| Reading::new("indoor", number));
    tree.ids()
        .filter_map(|root| sides.claim(tree, root, SURE, hazy, clear))
        .collect()
}
