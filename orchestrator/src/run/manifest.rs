//! `manifest.json` of an artefact: the job that it is of, and each file's size and blake3. It is written last, so that a
//! whole artefact can be checked, and recorded anew, without a database.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::hashes;
use crate::stage::Job;
use crate::stage::context::{read_json, write_json};

const STEM: &str = "manifest";

/// What an artefact consists of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    pub job: Job,
    /// All other files, ascending by path.
    pub files: Vec<Listed>,
}

/// One file of an artefact.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Listed {
    /// Relative to the artefact's folder, with `/` between its parts.
    pub path: String,
    /// In bytes.
    pub size: u64,
    /// In hex.
    pub blake3: String,
}

/// Lists all files of the artefact in `folder`, which `job` has just made.
pub fn write(folder: &Path, job: &Job) -> Result<(), Failure> {
    let failed = |error| Failure::io(format!("cannot read {}", folder.display()), &error);
    let paths = files(folder).map_err(failed)?;
    let listed = paths.par_iter().map(|path| {
        let blake3 =
            hashes::of_file(path).map_err(|error| Failure::io(format!("cannot read {}", path.display()), &error))?;
        Ok(Listed {
            path: name_in(folder, path),
            size: fs::metadata(path).map_err(failed)?.len(),
            blake3,
        })
    });
    let manifest = Manifest {
        job: job.clone(),
        files: listed.collect::<Result<_, Failure>>()?,
    };
    write_json(&folder.join(STEM).with_extension("json"), &manifest)
}

impl Manifest {
    /// The manifest of the artefact in `folder`; `None` where the artefact was made before there were manifests.
    pub fn read(folder: &Path) -> Result<Option<Self>, Failure> {
        let path = folder.join(STEM).with_extension("json");
        path.exists().then(|| read_json(&path)).transpose()
    }

    /// What is wrong with the artefact's files: missing, changed, or not listed. `advance` hears of each file.
    pub fn faults(&self, folder: &Path, advance: &(impl Fn() + Sync)) -> Vec<String> {
        let mut faults: Vec<String> = self
            .damaged(folder, advance)
            .into_iter()
            .map(|(_, fault)| fault)
            .collect();
        let there = files(folder).unwrap_or_default();
        let names = there.iter().map(|path| name_in(folder, path));
        let listed = |name: &String| self.files.binary_search_by(|listed| listed.path.cmp(name)).is_ok();
        faults.extend(
            names
                .filter(|name| !listed(name))
                .map(|name| format!("{name} is not its own")),
        );
        faults
    }

    /// Its files that are missing or changed, each with what is wrong. `advance` hears of each file.
    pub fn damaged(&self, folder: &Path, advance: &(impl Fn() + Sync)) -> Vec<(&Listed, String)> {
        let damaged = self.files.par_iter().filter_map(|listed| {
            let fault = listed.fault(&folder.join(&listed.path));
            advance();
            Some((listed, fault?))
        });
        damaged.collect()
    }

    /// How many of its files are missing or of another size; what is in them is not read.
    pub fn misfits(&self, folder: &Path) -> usize {
        let fits =
            |listed: &&Listed| fs::metadata(folder.join(&listed.path)).is_ok_and(|file| file.len() == listed.size);
        self.files.iter().filter(|listed| !fits(listed)).count()
    }

    /// In bytes.
    pub fn size(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }
}

impl Listed {
    fn fault(&self, path: &Path) -> Option<String> {
        let size = fs::metadata(path).map(|file| file.len());
        match (size, hashes::of_file(path)) {
            (Err(_), _) => Some(format!("{} is missing", self.path)),
            (Ok(size), _) if size != self.size => Some(format!("{} has {size} bytes, not {}", self.path, self.size)),
            (_, Err(error)) => Some(format!("{} cannot be read: {error}", self.path)),
            (_, Ok(blake3)) => (blake3 != self.blake3).then(|| format!("{} has other contents", self.path)),
        }
    }
}

/// All files below a folder, sorted by their names in it.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            // Its own, of a worker that was killed before the artefact got its name.
            if entry.path().file_stem().is_some_and(|stem| stem == STEM) {
                continue;
            }
            let into = if entry.file_type()?.is_dir() {
                &mut folders
            } else {
                &mut found
            };
            into.push(entry.path());
        }
    }
    found.sort_by_cached_key(|path| name_in(folder, path));
    Ok(found)
}

fn name_in(folder: &Path, path: &Path) -> String {
    let name = path.strip_prefix(folder).unwrap_or(path);
    name.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/")
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::stage::scenes::Scenes;

    /// A job that nobody ever does.
    pub fn job() -> Job {
        Job::from(Scenes {
            split: "train".into(),
            count: 3,
            size: 40,
            seed: 7,
        })
    }

    #[test]
    fn every_kind_of_damage_is_found_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let artefact = folder.path();
        fs::create_dir(artefact.join("restored")).unwrap();
        let names = [
            "model.safetensors",
            "restored/a.png",
            "restored/b.png",
            "restored/c.png",
        ];
        for name in names {
            fs::write(artefact.join(name), name).unwrap();
        }
        write(artefact, &job()).unwrap();
        write(artefact, &job()).unwrap();
        let manifest = Manifest::read(artefact).unwrap().unwrap();
        assert_eq!(manifest.job.key(), job().key());
        assert_eq!(manifest.faults(artefact, &|| ()), Vec::<String>::new());
        assert_eq!(manifest.size(), names.iter().map(|name| name.len() as u64).sum::<u64>());

        fs::remove_file(artefact.join("restored/a.png")).unwrap();
        fs::write(artefact.join("restored/b.png"), "restored/B.png").unwrap();
        fs::write(artefact.join("restored/c.png"), "").unwrap();
        fs::write(artefact.join("notes.txt"), "mine").unwrap();
        let faults = manifest.faults(artefact, &|| ());
        let expected = [
            "restored/a.png is missing",
            "restored/b.png has other contents",
            "restored/c.png has 0 bytes, not 14",
            "notes.txt is not its own",
        ];
        assert_eq!(faults, expected);
    }
}
