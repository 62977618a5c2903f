//! Urban100 as SelfExSR has it. The high-resolution pictures of factor 4 are the benchmark's; those of factor 2 are half as
//! large under nearly the same names.

use super::claim::{Claim, Decoy, LIKELY, Reading, Role, SURE};
use super::names::{capture, split_ending};
use super::{FolderId, Layout, Tree};

pub static LAYOUT: Layout = Layout {
    id: "selfexsr",
    dataset: "urban100",
    of: "SelfExSR",
    tree: "Urban100/image_SRF_4/img_001_SRF_4_HR.png",
    border: 0,
    recognise,
    split_by_size: None,
};

fn recognise(tree: &Tree, certain: bool) -> Vec<Claim> {
    tree.ids().filter_map(|root| claim(tree, root, certain)).collect()
}

fn claim(tree: &Tree, root: FolderId, certain: bool) -> Option<Claim> {
    // The repository has Set5, Set14 and BSD100 under the same file names.
    let name = tree.folder(root).name.as_str();
    let is_another = ["set5", "set14", "bsd100", "sun"]
        .iter()
        .any(|word| name.contains(word));
    if is_another && !certain {
        return None;
    }
    let mut claim = Claim::new(if name.contains("urban") { SURE } else { LIKELY });
    for child in tree.folder(root).children.iter().copied() {
        let folder = tree.folder(child);
        let Some([factor]) = capture::<1>("image_srf_#", &folder.name) else {
            continue;
        };
        if factor != "4" {
            claim.shun(
                tree,
                child,
                "made for another factor, at another size than the benchmark's pictures",
            );
            continue;
        }
        claim.take(tree, child, Role::Clean, true, |stem| {
            number(stem).map(|number| Reading::new("test", number))
        });
        let files: Vec<_> = tree
            .pictures(child)
            .filter(|(_, name)| number(split_ending(name).0).is_none())
            .map(|(file, _)| file)
            .collect();
        if !files.is_empty() {
            claim.decoys.push(Decoy {
                path: folder.path.clone(),
                files,
                reason: "not of the high-resolution pictures (…_HR.png): small ones and other methods' results",
            });
        }
    }
    (!claim.is_empty()).then_some(claim)
}

fn number(stem: &str) -> Option<&str> {
    let [number, _] = capture("img_#_SRF_#_HR", stem)?;
    Some(number)
}
