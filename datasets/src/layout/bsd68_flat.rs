//! CBSD68 in one folder, under the numbers of BSD: FFDNet's and Restormer's `CBSD68`, AirNet's and AdaIR's `bsd68`.

use super::claim::{Claim, Reading, Role, SURE};
use super::names::{capture, unpadded};
use super::{FolderId, Layout, Tree, bsd_flat};
use crate::catalogue::cbsd68;

pub static LAYOUT: Layout = Layout {
    id: "bsd68-flat",
    dataset: "cbsd68",
    of: "FFDNet, Restormer, AirNet, PromptIR, AdaIR",
    tree: "CBSD68/101085.png | test/denoise/bsd68/3096.jpg",
    border: 0,
    recognise,
    split_by_size: None,
};

fn recognise(tree: &Tree, certain: bool) -> Vec<Claim> {
    tree.ids().filter_map(|folder| claim(tree, folder, certain)).collect()
}

fn claim(tree: &Tree, folder: FolderId, certain: bool) -> Option<Claim> {
    if bsd_flat::is_made(&tree.folder(folder).name) && !certain {
        return None;
    }
    let mut claim = Claim::new(SURE);
    let tally = claim.take(tree, folder, Role::Clean, true, |stem| {
        let [digits] = capture("#", stem)?;
        let id = unpadded(digits)?;
        cbsd68::IDS
            .binary_search(&id)
            .is_ok()
            .then(|| Reading::new("test", digits))
    });
    // BSDS500's val holds all 68 among its 100: such a folder is the archive's, not this set.
    let enough = tally.fit > 0 && (certain || tally.fit * 5 >= tally.of * 4);
    enough.then_some(claim)
}
