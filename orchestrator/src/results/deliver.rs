//! Where a table goes: stdout, or a file that is whole or not there.

use std::fs;
use std::path::Path;

use crate::failure::{Exit, Failure};
use crate::show;

/// Writes to `file`, under another name until it is whole; to stdout where there is none.
pub fn deliver(bytes: &[u8], file: Option<&Path>) -> Result<(), Failure> {
    let Some(file) = file else {
        return show::out(&String::from_utf8_lossy(bytes));
    };
    if let Some(folder) = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir())
    {
        let message = format!("cannot write {}: {} is no folder", file.display(), folder.display());
        return Err(Failure::new(Exit::Disk, message).help("make the folder first, or name another file"));
    }
    let mut unfinished = file.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let unfinished = Path::new(&unfinished);
    fs::write(unfinished, bytes)
        .and_then(|()| fs::rename(unfinished, file))
        .map_err(|error| {
            // Of a full disk, say, half a file may be there.
            let _ = fs::remove_file(unfinished);
            Failure::io(format!("cannot write {}", file.display()), &error)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("table7.csv");
        fs::write(&file, "an older and longer table").unwrap();
        deliver(b"new", Some(&file)).unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_place_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let failure = deliver(b"new", Some(&folder.path().join("no/such/folder.csv"))).unwrap_err();
        assert_eq!(failure.exit, Exit::Disk);
        assert!(failure.message.contains("no/such/folder.csv"), "{}", failure.message);
        // A folder of that name cannot be replaced by a file.
        let failure = deliver(b"new", Some(folder.path())).unwrap_err();
        assert!(failure.message.contains("cannot write"), "{}", failure.message);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
