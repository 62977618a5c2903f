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

/// Everything from `offset` to the last newline. A file shorter than `offset` was replaced: it is read from its start.
pub fn read_whole_lines(path: &Path, offset: u64) -> io::Result<Fresh> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Fresh {
                start: offset,
                bytes: Vec::new(),
            });
        }
        Err(error) => return Err(error),
    };
    let start = if file.metadata()?.len() < offset { 0 } else { offset };
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let whole = bytes
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |newline| newline + 1);
    bytes.truncate(whole);
    Ok(Fresh { start, bytes })
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
