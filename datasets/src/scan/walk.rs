//! Walking the disk below the given paths.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::report::{ScanError, Skipped};
use crate::layout::Tree;

/// The tree below the given folders, and what could not be looked at.
///
/// Links are followed, except one that leads back to a folder above it. Hidden files and the leavings of archives and
/// desktops (`__MACOSX`, `@eaDir`) are passed over.
pub fn walk(paths: &[PathBuf]) -> Result<(Tree, Vec<Skipped>), ScanError> {
    let given = given(paths)?;
    let mut files = Vec::new();
    let mut skipped = Vec::new();
    for root in &given {
        let entries = WalkDir::new(root).follow_links(true).into_iter();
        for entry in entries.filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry.file_name())) {
            match entry {
                Ok(entry) if entry.file_type().is_dir() => {}
                Ok(entry) if entry.file_name().to_str().is_none() || entry.path().to_str().is_none() => {
                    skipped.push(Skipped {
                        path: entry.path().to_string_lossy().into_owned().into(),
                        reason: "its name is not UTF-8; rename it".to_owned(),
                    });
                }
                Ok(entry) => files.push(entry.into_path()),
                Err(error) if error.loop_ancestor().is_some() => {}
                Err(error) => {
                    let path = error.path().unwrap_or(root).to_path_buf();
                    let reason = error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
                    if error.depth() == 0 {
                        return Err(ScanError::Unreadable { path, reason });
                    }
                    // A link to nowhere under a picture's name is reported with the pictures.
                    if is_dangling(&path) {
                        files.push(path);
                    } else {
                        skipped.push(Skipped { path, reason });
                    }
                }
            }
        }
    }
    skipped.sort();
    Ok((Tree::new(&given, files), skipped))
}

/// The given paths made absolute, in ascending order, without those inside another.
fn given(paths: &[PathBuf]) -> Result<Vec<PathBuf>, ScanError> {
    let mut given = paths.iter().map(|path| absolute(path)).collect::<Result<Vec<_>, _>>()?;
    given.sort();
    let mut apart: Vec<PathBuf> = Vec::new();
    for path in given {
        // Ascending order of components: a folder comes before all that is inside it.
        if !apart.iter().any(|above| path.starts_with(above)) {
            apart.push(path);
        }
    }
    Ok(apart)
}

/// The path from the root of the disk, links in it kept: a link's own name is the name that the user chose.
fn absolute(path: &Path) -> Result<PathBuf, ScanError> {
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => ScanError::Missing {
            path: path.to_path_buf(),
        },
        _ => ScanError::Unreadable {
            path: path.to_path_buf(),
            reason: error.to_string(),
        },
    };
    let about = std::fs::metadata(path).map_err(failed)?;
    if !about.is_dir() {
        return Err(ScanError::NotAFolder {
            path: path.to_path_buf(),
        });
    }
    let goes_up = path.components().any(|part| part == std::path::Component::ParentDir);
    if goes_up {
        path.canonicalize()
    } else {
        std::path::absolute(path)
    }
    .map_err(failed)
}

fn is_hidden(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with('.') || name == "__MACOSX" || name == "@eaDir"
}

fn is_dangling(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|about| about.is_symlink()) && !path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_given_twice_or_inside_another_is_walked_once() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a/b");
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::write(inner.join("1.png"), "").unwrap();
        let paths = [inner.clone(), folder.path().to_path_buf(), inner.join("../b")];
        let (tree, skipped) = walk(&paths).unwrap();
        assert_eq!((tree.count(), skipped), (1, Vec::new()));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_a_folder_is_followed_and_a_loop_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (real, given) = (folder.path().join("real"), folder.path().join("given"));
        std::fs::create_dir_all(&real).unwrap();
        std::fs::create_dir_all(&given).unwrap();
        std::fs::write(real.join("1.png"), "").unwrap();
        std::os::unix::fs::symlink(&real, given.join("linked")).unwrap();
        std::os::unix::fs::symlink(&given, given.join("loop")).unwrap();
        std::os::unix::fs::symlink("nowhere", given.join("2.png")).unwrap();
        let (tree, skipped) = walk(&[given]).unwrap();
        assert_eq!((tree.count(), skipped), (2, Vec::new()));
    }

    #[test]
    fn hidden_files_and_the_leavings_of_archives_are_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("__MACOSX")).unwrap();
        for name in ["__MACOSX/1.png", "._1.png", "1.png"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        assert_eq!(walk(&[folder.path().to_path_buf()]).unwrap().0.count(), 1);
    }

    #[test]
    fn what_is_missing_or_no_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing");
        assert!(matches!(walk(&[missing]), Err(ScanError::Missing { .. })));
        let file = folder.path().join("1.png");
        std::fs::write(&file, "").unwrap();
        assert!(matches!(walk(&[file]), Err(ScanError::NotAFolder { .. })));
    }
}
