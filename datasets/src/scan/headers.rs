//! Size, time and dimensions of every claimed picture, in parallel; what an earlier scan knows is not read again.

use std::collections::HashMap;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use rayon::prelude::*;

use super::report::Known;
use crate::layout::{FileId, Tree};
use crate::picture;

/// What is to be known of each file, or why it cannot be.
pub type Headers = HashMap<FileId, Result<Known, String>>;

/// Reads the headers of these files.
pub fn read(tree: &Tree, files: impl Iterator<Item = FileId>, known: &dyn Fn(&Path) -> Option<Known>) -> Headers {
    // The lookup may not be shared between threads (it may be a database), so it is asked first.
    let asked: Vec<(FileId, PathBuf, Option<Known>)> = files
        .map(|file| {
            let path = tree.path(file);
            let known = known(&path);
            (file, path, known)
        })
        .collect();
    asked
        .into_par_iter()
        .map(|(file, path, known)| (file, header(&path, known)))
        .collect()
}

fn header(path: &Path, known: Option<Known>) -> Result<Known, String> {
    let about = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if !about.is_file() {
        return Err("not a file".to_owned());
    }
    let (size, mtime_ns) = (about.len(), mtime_ns(&about));
    if let Some(known) = known
        && (known.size, known.mtime_ns) == (size, mtime_ns)
    {
        return Ok(known);
    }
    let (width, height) = picture::probe(path).map_err(|error| error.reason())?;
    Ok(Known {
        size,
        mtime_ns,
        width,
        height,
    })
}

/// Nanoseconds since 1970, before it negative; 0 where the file system keeps no time.
fn mtime_ns(about: &Metadata) -> i64 {
    let Ok(time) = about.modified() else { return 0 };
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => after.as_nanos() as i64,
        Err(before) => -(before.duration().as_nanos() as i64),
    }
}
