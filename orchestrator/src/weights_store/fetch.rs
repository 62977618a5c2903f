//! Fetching: a published file is downloaded, held against what is known of it, and only then imported.

use std::fs;
use std::path::{Path, PathBuf};

use perceive_model::weights::Checkpoint;

use super::download::{DownloadError, Event, download, length};
use super::fingerprint::fingerprint;
use super::{Imported, Kind, Overrides, Publication, Source, WeightsStore, by_hand, how_to_import};
use crate::disk::free_space;
use crate::failure::{Exit, Failure};
use crate::show::bytes;

/// A published file that can be fetched: from where, to where.
#[derive(Clone, Debug)]
pub struct Fetch {
    pub kind: &'static Kind,
    pub publication: &'static Publication,
    /// Where it comes from: the official address, or a mirror's.
    pub address: String,
    /// Where it lies once it is whole; until then a part lies beside.
    pub file: PathBuf,
}

impl Fetch {
    /// Bytes that are there already.
    pub fn there(&self) -> u64 {
        length(&self.file)
    }

    /// Bytes that the disk must take: what is still to come, and the weights as f32 beside it.
    fn room(&self) -> u64 {
        let to_come = self.publication.bytes.saturating_sub(self.there());
        to_come + size_of::<f32>() as u64 * self.publication.parameters as u64
    }

    fn failed(&self, error: DownloadError) -> Failure {
        let by_hand = by_hand(self.kind, self.publication);
        let message = error.to_string();
        match error {
            DownloadError::Unreachable { .. } | DownloadError::Refused { .. } => {
                Failure::new(Exit::Weights, message).help(format!("try again later; or {by_hand}"))
            }
            DownloadError::Cut { .. } => Failure::new(Exit::Weights, message).help(format!(
                "what came is kept, and the same command goes on from there; or {by_hand}"
            )),
            DownloadError::Busy { .. } => Failure::new(Exit::Database, message).help("wait until it ends"),
            DownloadError::Disk { doing, source } => Failure::io(doing, &source),
        }
    }
}

impl WeightsStore {
    /// How the published file of `kind` is fetched: from `mirror`, behind whose address its name is put, or from where it
    /// is published.
    ///
    /// # Errors
    /// [`Exit::Weights`] for a kind that is not published as one file, with its page; [`Exit::Usage`] for a mirror that is
    /// no address.
    pub fn to_fetch(&self, kind: &'static Kind, mirror: Option<&str>) -> Result<Fetch, Failure> {
        let Some(publication) = &kind.publication else {
            let text = format!("{} is not published as one file that could be fetched", kind.title);
            return Err(Failure::new(Exit::Weights, text).help(how_to_import(kind)));
        };
        let address = match mirror {
            None => publication.url.to_owned(),
            Some(base) if ["http://", "https://"].iter().any(|scheme| base.starts_with(scheme)) => {
                format!("{}/{}", base.trim_end_matches('/'), publication.file())
            }
            Some(base) => {
                let text = format!("--from: {base:?} is no address; it begins with https:// or http://");
                return Err(Failure::new(Exit::Usage, text).help("for a file that is already here: `weights import`"));
            }
        };
        Ok(Fetch {
            kind,
            publication,
            address,
            file: self.downloads.join(publication.file()),
        })
    }

    /// Whether the weights of `kind` are installed under its own name, and are what was imported.
    pub fn has(&self, kind: &Kind) -> Result<bool, Failure> {
        Ok(self.entry(kind.name)?.is_some_and(|entry| self.check(&entry).is_ok()))
    }

    /// Downloads what is not here yet, checks it and imports it. An earlier, unfinished fetch is continued; afterwards
    /// only the installed weights are left.
    ///
    /// # Errors
    /// [`Exit::Weights`] where the file cannot be had (what came of it is kept), or is not the published one (nothing is
    /// kept); [`Exit::Disk`] where there is no room; [`Exit::Database`] where another process fetches it.
    pub fn fetch(&self, fetch: &Fetch, tell: &mut dyn FnMut(Event)) -> Result<Imported, Failure> {
        hold_to_room(fetch.room(), free_space(&self.downloads), &self.downloads)?;
        let imported = have(fetch, tell).and_then(|()| self.take(fetch));
        // Goes if nothing else is on its way here.
        let _ = fs::remove_dir(&self.downloads);
        imported
    }

    /// Checks and imports what was downloaded; what is not the published file goes.
    fn take(&self, fetch: &Fetch) -> Result<Imported, Failure> {
        let source = Source {
            kind: fetch.kind,
            file: &fetch.file,
            name: None,
            overrides: &Overrides::default(),
        };
        let taken = examined(fetch).and_then(|()| self.import(source));
        // What the disk did not take, say, may be taken another time.
        let keep = matches!(&taken, Err(failure) if failure.exit != Exit::Weights);
        if !keep {
            fs::remove_file(&fetch.file)
                .map_err(|error| Failure::io(format!("cannot remove {}", fetch.file.display()), &error))?;
        }
        taken
    }
}

fn have(fetch: &Fetch, tell: &mut dyn FnMut(Event)) -> Result<(), Failure> {
    // A fetch may have been stopped between download and import.
    if fetch.file.is_file() {
        return Ok(());
    }
    download(&fetch.address, &fetch.file, tell).map_err(|error| fetch.failed(error))
}

/// Refuses what is not the published file.
fn examined(fetch: &Fetch) -> Result<(), Failure> {
    let found = fingerprint(&fetch.file)
        .map_err(|error| Failure::io(format!("cannot read {}", fetch.file.display()), &error))?;
    if fetch.publication.is_of(&found.sha256) {
        return Ok(());
    }
    let message = format!(
        "what {} sent is not the published file: {}, that of the {} which came is {}",
        fetch.address,
        fetch.publication.hash_in_words(),
        bytes(found.bytes),
        found.sha256
    );
    let what = Checkpoint::probe(&fetch.file).map_or_else(|is| format!("{is}\n"), |()| String::new());
    let by_hand = by_hand(fetch.kind, fetch.publication);
    Err(Failure::new(Exit::Weights, message).help(format!("{what}nothing of it is kept; {by_hand}")))
}

fn hold_to_room(needed: u64, free: Option<u64>, folder: &Path) -> Result<(), Failure> {
    match free {
        Some(free) if free < needed => {
            let text = format!(
                "{} needs {}, and {} are free there",
                folder.display(),
                bytes(needed),
                bytes(free)
            );
            Err(Failure::new(Exit::Disk, text).help("free some space, or choose another home with --home DIR"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::home::Home;
    use crate::weights_store::kind;

    #[test]
    fn a_mirror_has_the_file_by_its_name_and_the_official_address_stands_in_the_kind() {
        let store = WeightsStore::of(&Home::at("home"));
        let of = |kind, mirror| store.to_fetch(kind, mirror);
        let official = of(&kind::vgg16::KIND, None).unwrap();
        assert_eq!(official.address, official.publication.url);
        assert!(official.file.ends_with("weights/downloads/vgg16-397923af.pth"));
        for base in ["http://mirror/towers", "http://mirror/towers/"] {
            let mirrored = of(&kind::vgg16::KIND, Some(base)).unwrap();
            assert_eq!(mirrored.address, "http://mirror/towers/vgg16-397923af.pth");
        }
        assert_eq!(of(&kind::vgg16::KIND, Some("mirror")).unwrap_err().exit, Exit::Usage);
        let refused = of(&kind::promptir::KIND, None).unwrap_err();
        assert_eq!(refused.exit, Exit::Weights);
        assert!(refused.with_help().contains(kind::promptir::KIND.page.unwrap()));
    }

    #[test]
    fn a_full_disk_is_told_before_anything_is_fetched() {
        let store = WeightsStore::of(&Home::at("home"));
        let fetch = store.to_fetch(&kind::lpips::ALEX, None).unwrap();
        assert_eq!(fetch.room(), 6009 + 4 * 1152);
        let folder = Path::new("home");
        assert!(hold_to_room(10, Some(10), folder).is_ok() && hold_to_room(10, None, folder).is_ok());
        let full = hold_to_room(2_000_000, Some(1000), folder).unwrap_err();
        assert_eq!(full.exit, Exit::Disk);
        assert_eq!(full.to_string(), "home needs 2.0 MB, and 1.0 kB are free there");
    }
}
