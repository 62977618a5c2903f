//! Layouts: the ways in which people have a dataset on disk, one file each.
//!
//! A layout looks at the [`Tree`] of folders below the given paths and claims pictures: of each it says its role (clean or
//! degraded), its split, and the key under which it meets its partner. Pairing by that key is the same for all and is done
//! by `scan/`; so no layout can pair by sorted order, and one missing file never shifts the others.
//!
//! What a layout may look at: names of files, names of folders at its own level, counts. Never a word in a folder above.
//! A new layout is one file and one line in [`LAYOUTS`]; its id goes into the dataset's entry in the catalogue.

mod bsd68_flat;
mod bsd68_numbered;
mod bsd_flat;
mod bsds500;
mod challenging;
pub mod claim;
pub mod custom;
mod gopro_archive;
mod gopro_flat;
mod gopro_unnamed;
mod haze;
mod kodak_flat;
mod lol_archive;
mod lol_pairs;
pub mod names;
mod ots;
mod ots_promptir;
mod rain13k;
mod rain_flat;
mod rain_folders;
mod reside_its;
mod selfexsr;
mod sots_indoor;
mod sots_outdoor;
mod sots_promptir;
pub mod tree;
mod uieb_archive;
mod urban_flat;
mod wed_flat;

pub use claim::{Claim, Decoy, Member, Role};
pub use tree::{FileId, Folder, FolderId, Tree};

/// Every layout. Of two equally sure claims on the same pictures, the earlier layout's stands.
pub static LAYOUTS: [&Layout; 24] = [
    &bsds500::LAYOUT,
    &bsd_flat::LAYOUT,
    &wed_flat::LAYOUT,
    &ots::LAYOUT,
    &ots_promptir::LAYOUT,
    &reside_its::LAYOUT,
    &rain_flat::LAYOUT,
    &rain_folders::LAYOUT,
    &rain13k::LAYOUT,
    &gopro_archive::LAYOUT,
    &gopro_flat::LAYOUT,
    &gopro_unnamed::LAYOUT,
    &lol_archive::LAYOUT,
    &lol_pairs::LAYOUT,
    &bsd68_flat::LAYOUT,
    &bsd68_numbered::LAYOUT,
    &selfexsr::LAYOUT,
    &urban_flat::LAYOUT,
    &kodak_flat::LAYOUT,
    &sots_outdoor::LAYOUT,
    &sots_promptir::LAYOUT,
    &sots_indoor::LAYOUT,
    &uieb_archive::LAYOUT,
    &challenging::LAYOUT,
];

/// One way in which a dataset lies on disk.
pub struct Layout {
    pub id: &'static str,
    /// The catalogue's name of the dataset.
    pub dataset: &'static str,
    /// Whose layout it is.
    pub of: &'static str,
    /// The tree, drawn in one line a folder.
    pub tree: &'static str,
    /// Pixels that the clean picture has more on each side, and loses when paired.
    pub border: u32,
    /// Every place in the tree where this layout stands. `certain`: the user has named the dataset, so that folder names
    /// need not prove it.
    pub recognise: fn(tree: &Tree, certain: bool) -> Vec<Claim>,
    /// The split by the picture's size, where names cannot tell.
    pub split_by_size: Option<fn(split: &'static str, width: u32, height: u32) -> &'static str>,
}

/// The layout of this id.
pub fn find(id: &str) -> Option<&'static Layout> {
    LAYOUTS.into_iter().find(|layout| layout.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::CATALOGUE;

    #[test]
    fn the_catalogue_and_the_registry_name_the_same_layouts() {
        for entry in CATALOGUE {
            let registered: Vec<&str> = LAYOUTS
                .iter()
                .filter(|layout| layout.dataset == entry.name)
                .map(|layout| layout.id)
                .collect();
            assert_eq!(registered, entry.layouts, "{}", entry.name);
        }
        assert!(
            LAYOUTS
                .iter()
                .all(|layout| CATALOGUE.iter().any(|entry| entry.name == layout.dataset))
        );
    }
}
