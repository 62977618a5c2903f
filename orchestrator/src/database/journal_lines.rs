//! What a journal has gained since it was last read: whole lines only.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use crate::journal::Line;

/// Whole lines of a journal, and where the first of them starts.
pub struct Fresh {
    pub start: u64,
    pub bytes: Vec<u8>,
}

/// A whole line that is no journal line.
pub struct Unreadable {
    pub seq: u64,
    pub why: String,
}

/// Whole lines from `offset` on: about `at_most` bytes of them, or one line where that is longer. A file shorter than
/// `offset` was replaced: it is read from its start.
pub fn read_whole_lines(path: &Path, offset: u64, at_most: u64) -> io::Result<Fresh> {
    let mut fresh = Fresh {
        start: offset,
        bytes: Vec::new(),
    };
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(fresh),
        Err(error) => return Err(error),
    };
    if file.metadata()?.len() < offset {
        fresh.start = 0;
    }
    file.seek(SeekFrom::Start(fresh.start))?;
    loop {
        let before = fresh.bytes.len();
        let read = (&mut file).take(at_most).read_to_end(&mut fresh.bytes)?;
        let newline = fresh.bytes[before..].iter().rposition(|byte| *byte == b'\n');
        if newline.is_some() || read == 0 {
            fresh.bytes.truncate(newline.map_or(0, |newline| before + newline + 1));
            return Ok(fresh);
        }
    }
}

/// The lines after `imported`. A line without a readable number gets the one that would have come next.
pub fn parse(bytes: &[u8], imported: u64) -> (Vec<Line>, Vec<Unreadable>) {
    let mut lines = Vec::new();
    let mut unreadable = Vec::new();
    let mut seq = imported;
    for text in bytes.split(|byte| *byte == b'\n').filter(|text| !text.is_empty()) {
        match serde_json::from_slice::<Line>(text) {
            Ok(line) if line.seq > imported => {
                seq = line.seq;
                lines.push(line);
            }
            Ok(_) => {}
            Err(error) => {
                seq += 1;
                let why = format!("line not understood ({error}): {}", String::from_utf8_lossy(text));
                unreadable.push(Unreadable { seq, why });
            }
        }
    }
    (lines, unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_in_whole_lines_whatever_the_batch() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.jsonl");
        let whole = "a\nbcd\n\nefghijklmnop\nq\n";
        std::fs::write(&path, format!("{whole}cut")).unwrap();
        for at_most in 1..40 {
            let (mut offset, mut text) = (0, String::new());
            loop {
                let fresh = read_whole_lines(&path, offset, at_most).unwrap();
                if fresh.bytes.is_empty() {
                    break;
                }
                assert_eq!((fresh.start, fresh.bytes.last()), (offset, Some(&b'\n')));
                offset += fresh.bytes.len() as u64;
                text += std::str::from_utf8(&fresh.bytes).unwrap();
            }
            assert_eq!(text, whole, "{at_most} bytes at a time");
        }
    }
}
