//! The disk: how much room there is, and what a kill left half-written on it.

use std::{fs, io, path::Path};

/// Bytes that this user may still write on the disk of `path`, or of the folder it will be made in.
#[cfg(unix)]
pub fn free_space(path: &Path) -> Option<u64> {
    use std::ffi::CString;
    use std::os::unix::ffi::OsStrExt;

    let absolute = std::path::absolute(path).ok()?;
    let there = absolute.ancestors().find(|folder| folder.exists())?;
    let there = CString::new(there.as_os_str().as_bytes()).ok()?;
    // SAFETY: `statvfs` is plain numbers, for which zeros are valid.
    let mut disk: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: the path ends with a zero byte, and `disk` outlives the call.
    let done = unsafe { libc::statvfs(there.as_ptr(), &raw mut disk) };
    (done == 0).then(|| disk.f_bavail * disk.f_frsize)
}

#[cfg(not(unix))]
pub fn free_space(_path: &Path) -> Option<u64> {
    None
}

/// Removes every file below `folder` that has a temporary name: what a kill, or a full disk, left half-written.
pub fn sweep(folder: &Path) -> io::Result<()> {
    let files = walkdir::WalkDir::new(folder).into_iter().flatten();
    let unfinished = |path: &Path| {
        path.extension()
            .is_some_and(|ending| ending == "part" || ending == "unfinished")
    };
    for file in files.filter(|file| file.file_type().is_file() && unfinished(file.path())) {
        fs::remove_file(file.path())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_half_written_goes() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("restored");
        fs::create_dir(&inner).unwrap();
        let names = [
            "pairs.json",
            "pairs.unfinished",
            "restored/a.png",
            "restored/a.png.71.part",
        ];
        for name in names {
            fs::write(folder.path().join(name), "").unwrap();
        }
        sweep(folder.path()).unwrap();
        let there = names.map(|name| folder.path().join(name).exists());
        assert_eq!(there, [true, false, true, false]);
        sweep(&folder.path().join("nowhere")).unwrap();
    }

    #[test]
    fn there_is_room_where_nothing_is_yet() {
        let folder = tempfile::tempdir().unwrap();
        assert!(free_space(&folder.path().join("not/yet")).is_some_and(|bytes| bytes > 0));
    }
}
