//! UIEB as its archive has it: `153_img_.png` in `raw-890` and in `reference-890`.

use super::claim::{Claim, Reading, SURE, Sides};
use super::names::capture;
use super::{Layout, Tree};

pub static LAYOUT: Layout = Layout {
    id: "uieb-archive",
    dataset: "uieb",
    of: "UIEB archive",
    tree: "UIEB/{raw-890,reference-890}/153_img_.png",
    border: 0,
    recognise,
    split_by_size: None,
};

fn recognise(tree: &Tree, certain: bool) -> Vec<Claim> {
    let archive = Sides {
        degraded: &["raw-890", "raw_890", "raw890"],
        clean: &["reference-890", "reference_890", "reference890"],
        inside: &[],
        lone: true,
    };
    let renamed = Sides {
        degraded: &["raw", "input"],
        clean: &["reference", "gt", "target"],
        inside: &[],
        lone: certain,
    };
    let any = |stem: &str| Some(Reading::new("test", stem.to_lowercase()));
    let own = |stem: &str| {
        let is_own = certain || capture::<1>("#_img_", stem).is_some();
        is_own.then(|| Reading::new("test", stem.to_lowercase()))
    };
    tree.ids()
        .filter_map(|root| {
            let of_archive = archive.claim(tree, root, SURE, any, any);
            of_archive.or_else(|| renamed.claim(tree, root, SURE, own, own))
        })
        .collect()
}
