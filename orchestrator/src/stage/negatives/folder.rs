//! Pictures that were restored elsewhere, and which file is whose.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use perceive_datasets::picture::is_picture;

use super::{
    misfits::{self, Fit},
    names::{self, Ambiguous},
};
use crate::{
    failure::{Exit, Failure},
    hashes,
    home::Home,
    show::Talk,
    stage::pairs::{Pair, Set, file_name},
};

/// A folder of pictures.
pub struct Restored {
    path: PathBuf,
    /// From the folder, ascending.
    files: Vec<PathBuf>,
    /// Of their names and contents; empty where nobody asked for it.
    pub digest: String,
}

impl Restored {
    /// Finds the pictures below a folder, in all depths.
    ///
    /// # Errors
    /// [`Exit::Pictures`] where it is no folder, holds no pictures, or cannot be read.
    pub fn list(path: &Path) -> Result<Self, Failure> {
        let wrong = |what: &str| Failure::new(Exit::Pictures, format!("{} {what}", path.display()));
        if !path.is_dir() {
            let what = if path.exists() { "is no folder" } else { "is not there" };
            return Err(wrong(what));
        }
        let hidden = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with('.');
        let walk = walkdir::WalkDir::new(path).follow_links(true).sort_by_file_name();
        let mut files = Vec::new();
        for entry in walk
            .into_iter()
            .filter_entry(|entry| entry.depth() == 0 || !hidden(entry.file_name()))
        {
            let entry = entry.map_err(|error| wrong(&format!("cannot be read: {error}")))?;
            if entry.file_type().is_file() && is_picture(entry.path()) {
                files.extend(entry.path().strip_prefix(path).map(Path::to_path_buf));
            }
        }
        files.sort();
        Ok(Self {
            path: path.to_path_buf(),
            files,
            digest: String::new(),
        })
    }

    /// The same with the digest of names and contents, which moving the folder does not change.
    pub fn look(path: &Path, home: &Home, talk: Talk) -> Result<Self, Failure> {
        let mut restored = Self::list(path)?;
        if restored.files.is_empty() {
            let text = format!("{} holds no pictures", path.display());
            return Err(Failure::new(Exit::Pictures, text).help("PNG, JPEG, BMP, TIFF and WebP are read"));
        }
        let paths: Vec<PathBuf> = restored.files.iter().map(|file| path.join(file)).collect();
        let mut hasher = blake3::Hasher::new_derive_key("perceive-ir folder of restored pictures 1");
        for (file, hash) in restored.files.iter().zip(hashes::of_files(path, &paths, home, talk)?) {
            hasher.update(file.as_os_str().as_encoded_bytes());
            hasher.update(format!("\n{hash}\n").as_bytes());
        }
        restored.digest = hasher.finalize().to_hex()[..32].to_string();
        Ok(restored)
    }

    /// The files of these pictures. A set's are looked for in the subfolder of its name, where there is one, or else in
    /// the folder itself.
    ///
    /// # Errors
    /// [`Exit::Pictures`] with everything that is missing, of another size, or no picture, and what nobody asked for.
    pub fn fit(&self, wanted: &[(&Set, &Pair)]) -> Result<Fit, Failure> {
        let mut of_sets: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (place, (set, _)) in wanted.iter().enumerate() {
            of_sets.entry(set.folder()).or_default().push(place);
        }
        let mut found: Vec<Option<usize>> = vec![None; wanted.len()];
        for (set, places) in &of_sets {
            let (files, names) = self.below(set, &of_sets);
            let pictures: Vec<Vec<String>> = places.iter().map(|place| names_of(wanted[*place].1)).collect();
            let matched = names::find(&pictures, &names).map_err(|ambiguous| self.ambiguous(set, &files, ambiguous))?;
            for (place, file) in places.iter().zip(matched) {
                found[*place] = file.map(|file| files[file]);
            }
        }
        misfits::fit(&self.path, &self.files, wanted, &found)
    }

    /// The files among which a set's are looked for, with their names as pictures are named.
    fn below(&self, set: &str, sets: &BTreeMap<String, Vec<usize>>) -> (Vec<usize>, Vec<String>) {
        let top = |file: &Path| file.iter().next().map(|part| part.to_string_lossy().into_owned());
        let in_set = |file: &Path, set: &str| file.iter().count() > 1 && top(file).is_some_and(|top| top == set);
        let own = self.files.iter().any(|file| in_set(file, set));
        let all = self.files.iter().enumerate();
        let mine = all.filter(|(_, file)| {
            if own {
                in_set(file, set)
            } else {
                !sets.keys().any(|other| in_set(file, other))
            }
        });
        let name = |file: &Path| {
            let file = if own {
                file.strip_prefix(set).unwrap_or(file)
            } else {
                file
            };
            file_name(&file.with_extension("").to_string_lossy())
        };
        mine.map(|(place, file)| (place, name(file))).unzip()
    }

    fn ambiguous(&self, set: &str, files: &[usize], ambiguous: Ambiguous) -> Failure {
        let here = self.path.display();
        match ambiguous {
            Ambiguous::Twice(one, other) => {
                let [one, other] = [one, other].map(|file| self.files[files[file]].display());
                Failure::new(
                    Exit::Pictures,
                    format!("{here} has two pictures of one name: {one} and {other}"),
                )
                .help("take one of them away")
            }
            Ambiguous::Suffixes(one, other) => {
                let text = format!("{here}: of {set} there are pictures that end in {one:?} and as many in {other:?}");
                Failure::new(Exit::Pictures, text)
                    .help("keep those of one kind in the folder, or name them as the degraded ones")
            }
        }
    }
}

/// The names that a pair's restored picture may have.
fn names_of(pair: &Pair) -> Vec<String> {
    let stem = pair.degraded.file_stem().unwrap_or_default().to_string_lossy();
    vec![file_name(&pair.name), file_name(&stem)]
}

#[cfg(test)]
mod tests {
    use perceive_datasets::picture::Picture;

    use super::*;
    use crate::stage::pairs::Listing;

    fn set(label: &str) -> Set {
        Set {
            label: label.into(),
            kind: "noise25".into(),
            group: "scenes train".into(),
            weight: 1.0,
            noise: None,
            without_references: false,
            listing: Listing::Index(String::new()),
        }
    }

    fn pair(name: &str, degraded: PathBuf) -> Pair {
        Pair {
            name: name.into(),
            clean: degraded.clone(),
            degraded,
            border: 0,
        }
    }

    fn save(path: &Path, width: usize) -> PathBuf {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        Picture::new(width, 4).save_png(path).unwrap();
        path.to_path_buf()
    }

    #[test]
    fn sets_have_subfolders_and_everything_wrong_is_told_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let (own, restored) = (folder.path().join("degraded"), folder.path().join("restored"));
        let sets = [set("BSD noise25"), set("BSD haze")];
        let pairs: Vec<Pair> = ["a", "b", "c"]
            .map(|name| pair(name, save(&own.join(name).with_extension("png"), 4)))
            .into();
        let wanted: Vec<(&Set, &Pair)> = sets
            .iter()
            .flat_map(|set| pairs.iter().map(move |pair| (set, pair)))
            .collect();
        for set in ["BSD_noise25", "BSD_haze"] {
            for name in ["a_out", "b_out", "c_out"] {
                save(&restored.join(set).join(name).with_extension("png"), 4);
            }
        }
        let fit = Restored::list(&restored).unwrap().fit(&wanted).unwrap();
        assert_eq!(fit.files[4], restored.join("BSD_haze/b_out.png"));
        assert!(fit.extra.is_empty());
        save(&restored.join("BSD_haze/z.png"), 4);
        let fit = Restored::list(&restored).unwrap().fit(&wanted).unwrap();
        assert_eq!(fit.extra, [PathBuf::from("BSD_haze/z.png")]);

        std::fs::remove_file(restored.join("BSD_haze/a_out.png")).unwrap();
        save(&restored.join("BSD_haze/b_out.png"), 5);
        std::fs::write(restored.join("BSD_noise25/c_out.png"), "no picture").unwrap();
        let failure = Restored::list(&restored).unwrap().fit(&wanted).unwrap_err();
        assert_eq!(failure.exit, Exit::Pictures);
        for says in [
            "1 missing, 1 of another size, 1 broken, 1 extra",
            "missing   BSD_haze/a",
            "size      BSD_haze/b_out.png is 5x4, not 4x4",
            "broken    BSD_noise25/c_out.png is broken: not a picture",
            "extra     BSD_haze/z.png",
        ] {
            assert!(failure.message.contains(says), "no {says:?} in {}", failure.message);
        }
    }

    #[test]
    fn one_file_does_not_serve_two_degradations() {
        let folder = tempfile::tempdir().unwrap();
        let pair = pair("a", save(&folder.path().join("degraded/a.png"), 4));
        save(&folder.path().join("restored/a.png"), 4);
        let sets = [set("BSD noise15"), set("BSD noise25")];
        let wanted = [(&sets[0], &pair), (&sets[1], &pair)];
        let restored = Restored::list(&folder.path().join("restored")).unwrap();
        assert_eq!(restored.fit(&wanted[..1]).unwrap().files.len(), 1);
        let failure = restored.fit(&wanted).unwrap_err();
        assert!(
            failure.message.contains("a.png for BSD_noise15/a and BSD_noise25/a"),
            "{failure}"
        );
    }

    #[test]
    fn a_digest_is_of_names_and_contents_alone() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path().join("home"));
        let digest = |name: &str| {
            Restored::look(&folder.path().join(name), &home, Talk::Quiet)
                .unwrap()
                .digest
        };
        save(&folder.path().join("one/x/a.png"), 4);
        std::fs::write(folder.path().join("one/notes.txt"), "mine").unwrap();
        save(&folder.path().join("two/x/a.png"), 4);
        assert_eq!(digest("one"), digest("two"));
        save(&folder.path().join("two/x/a.png"), 5);
        assert_ne!(digest("one"), digest("two"));
        std::fs::create_dir(folder.path().join("empty")).unwrap();
        assert!(Restored::look(&folder.path().join("empty"), &home, Talk::Quiet).is_err());
    }
}
