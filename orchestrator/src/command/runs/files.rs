//! Sizes of files.

use std::fs;
use std::io;
use std::path::Path;

/// Bytes of a file, or of all files below a folder; links count as nothing. 0 for what is not there.
pub fn bytes_of(path: &Path) -> u64 {
    fn walk(path: &Path) -> io::Result<u64> {
        let found = fs::symlink_metadata(path)?;
        if !found.is_dir() {
            return Ok(if found.is_file() { found.len() } else { 0 });
        }
        let mut sum = 0;
        for entry in fs::read_dir(path)? {
            sum += walk(&entry?.path())?;
        }
        Ok(sum)
    }
    walk(path).unwrap_or(0)
}
