//! Hashes of files; those of files that lie outside the home are kept there beside size and time, so that what has not
//! changed is not read again.

use std::{
    collections::HashMap,
    fs::{File, Metadata},
    io,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    failure::{Exit, Failure},
    home::Home,
    show::{Talk, progress::Progress},
    stage::context::{create_folder, read_json, write_json},
};

/// What was known of a file when it was hashed last.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Known {
    path: PathBuf,
    size: u64,
    /// Nanoseconds since the Unix epoch.
    modified: i64,
    blake3: String,
}

impl Known {
    fn is_of(&self, metadata: &Metadata) -> bool {
        (self.size, self.modified) == (metadata.len(), modified(metadata))
    }
}

/// The blake3 of a file, in hex.
pub fn of_file(path: &Path) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path)?)?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// The blake3, in hex, of each of these files. `of`: the file or folder that they belong to, for messages and to find
/// again what was known of them.
///
/// # Errors
/// [`Exit::Pictures`] for the first that cannot be read.
pub fn of_files(of: &Path, files: &[PathBuf], home: &Home, talk: Talk) -> Result<Vec<String>, Failure> {
    let kept = home.hashes(&blake3::hash(of.as_os_str().as_encoded_bytes()).to_hex()[..32]);
    // Whatever is wrong with what was kept, the files themselves tell.
    let known: Vec<Known> = read_json(&kept).unwrap_or_default();
    let known: HashMap<&Path, &Known> = known.iter().map(|known| (known.path.as_path(), known)).collect();
    let metadata = files
        .iter()
        .map(|path| std::fs::metadata(path).map_err(|error| unreadable(path, &error)))
        .collect::<Result<Vec<_>, _>>()?;
    let is_known = |path: &Path, metadata| known.get(path).filter(|known| known.is_of(metadata)).copied();
    let new = files
        .iter()
        .zip(&metadata)
        .filter(|(path, metadata)| is_known(path, metadata).is_none());
    let new = new.count();
    let bar = (new > 0).then(|| Progress::new(talk).bar(&format!("hashing {}", of.display()), new as u64, "files"));
    let now = files
        .par_iter()
        .zip(&metadata)
        .map(|(path, metadata)| {
            if let Some(known) = is_known(path, metadata) {
                return Ok(known.clone());
            }
            let blake3 = of_file(path).map_err(|error| unreadable(path, &error))?;
            if let Some(bar) = &bar {
                bar.advance();
            }
            Ok(Known {
                path: path.clone(),
                size: metadata.len(),
                modified: modified(metadata),
                blake3,
            })
        })
        .collect::<Result<Vec<Known>, Failure>>()?;
    if new > 0 {
        // A home that cannot be written to costs time, nothing else.
        let _ = kept
            .parent()
            .map_or(Ok(()), create_folder)
            .and_then(|()| write_json(&kept, &now));
    }
    Ok(now.into_iter().map(|known| known.blake3).collect())
}

fn modified(metadata: &Metadata) -> i64 {
    let since = metadata
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |since| since.as_nanos() as i64)
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(
        Exit::Pictures,
        format!("cannot read {}: {}", path.display(), crate::failure::plain(error)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_again_only_when_it_changed() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path().join("home"));
        let path = folder.path().join("weights");
        let hash = || {
            of_files(&path, std::slice::from_ref(&path), &home, Talk::Quiet)
                .unwrap()
                .remove(0)
        };
        std::fs::write(&path, "one").unwrap();
        assert_eq!(hash(), blake3::hash(b"one").to_hex().as_str());
        // What is kept is believed as long as size and time are the same.
        let kept = std::fs::read_dir(home.listings())
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path();
        let text = std::fs::read_to_string(&kept).unwrap();
        std::fs::write(&kept, text.replace(&hash(), "kept")).unwrap();
        assert_eq!(hash(), "kept");
        std::fs::write(&path, "other").unwrap();
        assert_eq!(hash(), blake3::hash(b"other").to_hex().as_str());
        std::fs::write(&kept, "damaged").unwrap();
        assert_eq!(hash(), blake3::hash(b"other").to_hex().as_str());
        let gone = folder.path().join("gone");
        let failure = of_files(&gone, std::slice::from_ref(&gone), &home, Talk::Quiet).unwrap_err();
        assert!(failure.message.contains("gone"), "{failure}");
    }
}
