//! A worker's own output, kept short: whatever a library prints, it does not fill the disk.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom, Write},
    path::Path,
};

/// A log longer than this is cut.
const LONGEST: u64 = 8 << 20;

/// What is kept of its end.
const KEPT: u64 = 256 << 10;

/// Cuts a log that has grown too long down to its end. The worker appends, so it simply goes on behind what is kept.
pub fn keep_short(path: &Path) {
    // A log that cannot be cut is not worth ending a run for.
    let _ = cut(path);
}

fn cut(path: &Path) -> std::io::Result<()> {
    let length = path.metadata()?.len();
    if length <= LONGEST {
        return Ok(());
    }
    let mut end = Vec::new();
    let mut file = File::options().read(true).append(true).open(path)?;
    file.seek(SeekFrom::Start(length - KEPT))?;
    file.read_to_end(&mut end)?;
    file.set_len(0)?;
    file.write_all(format!("[{} bytes of earlier output are not kept]\n", length - KEPT).as_bytes())?;
    file.write_all(&end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_log_keeps_its_end_and_is_written_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("output.log");
        let mut writer = File::options().append(true).create(true).open(&path).unwrap();
        writer.write_all(b"short\n").unwrap();
        keep_short(&path);
        assert_eq!(std::fs::read(&path).unwrap(), b"short\n");
        writer.write_all(&vec![b'x'; LONGEST as usize]).unwrap();
        writer.write_all(b"the end\n").unwrap();
        keep_short(&path);
        writer.write_all(b"and on\n").unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.len() < 2 * KEPT as usize && text.ends_with("the end\nand on\n"));
        assert!(text.starts_with('['));
    }
}
