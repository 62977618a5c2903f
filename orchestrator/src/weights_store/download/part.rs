//! A file on its way here: what came of it (`FILE.part`), and of what it is a part (`FILE.part.json`).
//!
//! Bytes go into the part as they come, and it is renamed when whole; so a kill at any moment leaves a part that can be
//! continued, or nothing. One process at a time has it, by a lock on the part.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::DownloadError;

/// What a server said of the file that a part is of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    pub address: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// As the server wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
    /// Of the whole file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

impl Origin {
    /// What `If-Range` may say: an entity tag that stands for the very bytes, or else the time.
    pub fn validator(&self) -> Option<&str> {
        let strong = self.etag.as_deref().filter(|etag| !etag.starts_with("W/"));
        strong.or(self.last_modified.as_deref())
    }
}

/// A part that this process may write to.
#[derive(Debug)]
pub struct Part {
    file: File,
    /// What it becomes.
    whole: PathBuf,
    path: PathBuf,
    note: PathBuf,
    length: u64,
    origin: Option<Origin>,
}

/// How many bytes of `whole` are there: all of them, or those of a part.
pub fn length(whole: &Path) -> u64 {
    let of = |path: &Path| fs::metadata(path).map(|file| file.len());
    of(whole).or_else(|_| of(&beside(whole, ".part"))).unwrap_or(0)
}

impl Part {
    /// The part of `whole`, empty if there was none; makes the folder.
    ///
    /// # Errors
    /// [`DownloadError::Busy`] if another process has it; [`DownloadError::Disk`].
    pub fn open(whole: &Path) -> Result<Self, DownloadError> {
        let path = beside(whole, ".part");
        let note = beside(whole, ".part.json");
        let cannot = |source| disk("cannot write", &path, source);
        if let Some(folder) = whole.parent() {
            fs::create_dir_all(folder).map_err(|source| disk("cannot make", folder, source))?;
        }
        let file = File::options().create(true).append(true).open(&path).map_err(cannot)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(DownloadError::Busy { part: path }),
            Err(TryLockError::Error(source)) => return Err(cannot(source)),
        }
        let length = file.metadata().map_err(cannot)?.len();
        // A note that is not there, or broken, leaves a part of nobody knows what.
        let origin = fs::read(&note).ok().and_then(|text| serde_json::from_slice(&text).ok());
        Ok(Self {
            file,
            whole: whole.to_owned(),
            path,
            note,
            length,
            origin,
        })
    }

    /// Bytes that are there.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Of what it is a part, if it can be continued from `address`.
    pub fn continues(&self, address: &str) -> Option<&Origin> {
        let fits = |origin: &&Origin| {
            self.length > 0 && origin.address == address && origin.bytes.is_none_or(|bytes| self.length <= bytes)
        };
        self.origin.as_ref().filter(fits)
    }

    /// Throws away what is there, and starts a part of `origin`.
    pub fn begin(&mut self, origin: Origin) -> Result<(), DownloadError> {
        self.forget()?;
        let text = serde_json::to_vec_pretty(&origin).map_err(io::Error::from);
        let fresh = beside(&self.note, ".new");
        text.and_then(|text| fs::write(&fresh, text))
            .and_then(|()| fs::rename(&fresh, &self.note))
            .map_err(|source| disk("cannot write", &self.note, source))?;
        self.origin = Some(origin);
        Ok(())
    }

    /// Throws away what is there.
    pub fn forget(&mut self) -> Result<(), DownloadError> {
        // The bytes first: a note about nothing does no harm.
        self.file.set_len(0).map_err(|source| self.unwritable(source))?;
        (self.length, self.origin) = (0, None);
        Ok(())
    }

    /// Writes what came behind what is there.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), DownloadError> {
        let written = self.file.write_all(bytes);
        written.map_err(|source| self.unwritable(source))?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Gives the whole file its name.
    pub fn finish(self) -> Result<(), DownloadError> {
        self.file.sync_all().map_err(|source| self.unwritable(source))?;
        fs::rename(&self.path, &self.whole).map_err(|source| disk("cannot make", &self.whole, source))?;
        // It is of no more use.
        let _ = fs::remove_file(&self.note);
        Ok(())
    }

    fn unwritable(&self, source: io::Error) -> DownloadError {
        disk("cannot write", &self.path, source)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Nothing came, so there is nothing to go on with.
        if self.length == 0 {
            let _ = fs::remove_file(&self.path);
            let _ = fs::remove_file(&self.note);
        }
    }
}

fn disk(doing: &str, path: &Path, source: io::Error) -> DownloadError {
    DownloadError::Disk {
        doing: format!("{doing} {}", path.display()),
        source,
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> Origin {
        Origin {
            address: "http://a/net.pth".into(),
            etag: Some("\"one\"".into()),
            last_modified: None,
            bytes: Some(6),
        }
    }

    #[test]
    fn a_part_is_taken_up_by_the_next_and_becomes_the_whole() {
        let folder = tempfile::tempdir().unwrap();
        let whole = folder.path().join("downloads/net.pth");
        let mut part = Part::open(&whole).unwrap();
        part.begin(origin()).unwrap();
        part.append(b"abc").unwrap();
        drop(part);
        assert_eq!(length(&whole), 3);

        let mut part = Part::open(&whole).unwrap();
        assert_eq!(part.length(), 3);
        assert_eq!(part.continues("http://a/net.pth"), Some(&origin()));
        assert_eq!(part.continues("http://mirror/net.pth"), None);
        part.append(b"def").unwrap();
        part.finish().unwrap();
        assert_eq!(fs::read(&whole).unwrap(), b"abcdef");
        assert_eq!(fs::read_dir(whole.parent().unwrap()).unwrap().count(), 1);
        assert_eq!(length(&whole), 6);
    }

    #[test]
    fn a_part_of_nobody_knows_what_or_longer_than_its_whole_is_not_continued() {
        let folder = tempfile::tempdir().unwrap();
        let whole = folder.path().join("net.pth");
        fs::write(beside(&whole, ".part"), "abc").unwrap();
        let mut part = Part::open(&whole).unwrap();
        assert_eq!(part.continues("http://a/net.pth"), None);
        part.begin(origin()).unwrap();
        assert_eq!((part.length(), length(&whole)), (0, 0));
        part.append(b"abcdefg").unwrap();
        assert_eq!(part.continues("http://a/net.pth"), None);
        drop(part);
        fs::write(beside(&whole, ".part.json"), "{").unwrap();
        assert_eq!(Part::open(&whole).unwrap().continues("http://a/net.pth"), None);
    }

    #[test]
    fn one_at_a_time_has_a_part() {
        let folder = tempfile::tempdir().unwrap();
        let whole = folder.path().join("net.pth");
        let held = Part::open(&whole).unwrap();
        assert!(matches!(Part::open(&whole), Err(DownloadError::Busy { .. })));
        drop(held);
        assert!(Part::open(&whole).is_ok());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_weak_tag_is_no_validator() {
        let mut of = origin();
        assert_eq!(of.validator(), Some("\"one\""));
        of.etag = Some("W/\"one\"".into());
        assert_eq!(of.validator(), None);
        of.last_modified = Some("Tue, 19 Jan 2021 00:00:00 GMT".into());
        assert_eq!(of.validator(), of.last_modified.as_deref());
    }
}
