//! Which restored picture is compared with which clean one.

use std::collections::{BTreeMap, btree_map::Entry};
use std::path::{Path, PathBuf};

use crate::command::restore::pictures_in;
use crate::failure::{Exit, Failure};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The restored picture's file name.
    pub name: String,
    pub restored: PathBuf,
    /// `None`: what needs no clean picture is measured.
    pub clean: Option<PathBuf>,
}

/// The pairs in the order of their names.
#[derive(Debug)]
pub struct Pairing {
    pub pairs: Vec<Pair>,
    /// Pictures of either folder that the other has no picture for.
    pub alone: Vec<PathBuf>,
}

/// Two pictures, or the pictures of two folders by their names without endings.
///
/// # Errors
/// [`Exit::Pictures`] for what is not there, a folder without pictures or with two of one name, and folders that share no
/// name; [`Exit::Usage`] for a picture and a folder.
pub fn of(restored: &Path, clean: Option<&Path>) -> Result<Pairing, Failure> {
    for path in std::iter::once(restored).chain(clean) {
        if !path.exists() {
            return Err(Failure::new(
                Exit::Pictures,
                format!("there is no picture or folder {}", path.display()),
            ));
        }
    }
    if let Some(clean) = clean.filter(|clean| clean.is_dir() != restored.is_dir()) {
        let kind = |path: &Path| if path.is_dir() { "a folder" } else { "a picture" };
        let text = format!(
            "{} is {} and {} is {}",
            restored.display(),
            kind(restored),
            clean.display(),
            kind(clean)
        );
        return Err(Failure::new(Exit::Usage, text).help("compare a picture with a picture, or a folder with a folder"));
    }
    if !restored.is_dir() {
        let pair = pair(restored.to_path_buf(), clean.map(Path::to_path_buf));
        return Ok(Pairing {
            pairs: vec![pair],
            alone: Vec::new(),
        });
    }
    let Some(clean) = clean else {
        let pictures = by_name(restored, pictures_in(restored)?)?;
        return Ok(Pairing {
            pairs: pictures.into_values().map(|path| pair(path, None)).collect(),
            alone: Vec::new(),
        });
    };
    let restored_pictures = by_name(restored, pictures_in(restored)?)?;
    let mut clean_pictures = by_name(clean, pictures_in(clean)?)?;
    let (mut pairs, mut alone) = (Vec::new(), Vec::new());
    for (name, path) in restored_pictures {
        match clean_pictures.remove(&name) {
            Some(partner) => pairs.push(pair(path, Some(partner))),
            None => alone.push(path),
        }
    }
    alone.extend(clean_pictures.into_values());
    if pairs.is_empty() {
        let text = format!(
            "no picture of {} has the name of one of {}",
            restored.display(),
            clean.display()
        );
        return Err(Failure::new(Exit::Pictures, text).help("pictures are paired by their names without endings"));
    }
    Ok(Pairing { pairs, alone })
}

fn pair(restored: PathBuf, clean: Option<PathBuf>) -> Pair {
    let name = restored.file_name().unwrap_or(restored.as_os_str());
    Pair {
        name: name.to_string_lossy().into_owned(),
        restored,
        clean,
    }
}

/// The pictures of `folder` by their names without endings.
fn by_name(folder: &Path, pictures: Vec<PathBuf>) -> Result<BTreeMap<String, PathBuf>, Failure> {
    let mut named = BTreeMap::new();
    for path in pictures {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        match named.entry(name) {
            Entry::Vacant(free) => {
                free.insert(path);
            }
            Entry::Occupied(taken) => {
                let taken: &PathBuf = taken.get();
                let text = format!("{} and {} have one name", taken.display(), path.display());
                return Err(Failure::new(Exit::Pictures, text).help("put one of them into another folder"));
            }
        }
    }
    if named.is_empty() {
        return Err(
            Failure::new(Exit::Pictures, format!("there is no picture in {}", folder.display()))
                .help("PNG, JPEG, BMP, TIFF and WebP are read; folders below it are not looked into"),
        );
    }
    Ok(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with empty files: pairing looks at names alone.
    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            std::fs::create_dir_all(folder.path().join(file).parent().unwrap()).unwrap();
            std::fs::write(folder.path().join(file), "").unwrap();
        }
        folder
    }

    #[test]
    fn pictures_meet_by_name_whatever_their_endings_and_the_rest_is_named() {
        let desk = folder(&[
            "a/1.png",
            "a/2.png",
            "a/3.png",
            "a/notes.txt",
            "b/1.jpg",
            "b/2.png",
            "b/4.bmp",
        ]);
        let path = |name: &str| desk.path().join(name);
        let Pairing { pairs, alone } = of(&path("a"), Some(&path("b"))).unwrap();
        let met: Vec<_> = pairs
            .iter()
            .map(|pair| (pair.name.as_str(), pair.clean.clone()))
            .collect();
        assert_eq!(
            met,
            [("1.png", Some(path("b/1.jpg"))), ("2.png", Some(path("b/2.png")))]
        );
        assert_eq!(alone, [path("a/3.png"), path("b/4.bmp")]);
        assert_eq!(of(&path("a"), None).unwrap().pairs.len(), 3);
    }

    #[test]
    fn what_cannot_be_paired_is_refused() {
        let desk = folder(&["a/1.png", "b/2.png", "c/1.png", "c/1.jpg", "d/notes.txt"]);
        let path = |name: &str| desk.path().join(name);
        let exit = |a: &str, b: &str| of(&path(a), Some(&path(b))).unwrap_err().exit;
        assert_eq!(exit("a", "b"), Exit::Pictures);
        assert_eq!(exit("a", "c"), Exit::Pictures);
        assert_eq!(exit("d", "a"), Exit::Pictures);
        assert_eq!(exit("a", "none"), Exit::Pictures);
        assert_eq!(exit("a", "b/2.png"), Exit::Usage);
        // Two given pictures need no common name.
        assert!(of(&path("a/1.png"), Some(&path("b/2.png"))).is_ok());
    }
}
