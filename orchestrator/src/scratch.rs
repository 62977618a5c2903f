//! A small home inside the home, in which one job is done again without touching what is there: the artefacts that it
//! reads, the listings and the weights are links into the real one, everything that it writes stays inside.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::database::Database;
use crate::failure::Failure;
use crate::home::Home;
use crate::stage::Job;
use crate::stage::context::create_folder;

pub struct Scratch {
    home: Home,
}

impl Scratch {
    /// The scratch home `name`, made for `job` or found as an interrupted one left it.
    pub fn open(home: &Home, name: &str, job: &Job, database: &Database) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::io(format!("cannot use the home {}", home.root().display()), &error);
        // Links are read from where they lie.
        let real = Home::at(home.root().canonicalize().map_err(failed)?);
        let scratch = Home::at(home.reproductions().join(name));
        create_folder(&scratch.artefacts())?;
        let mut inputs = job.inputs();
        while let Some(key) = inputs.pop() {
            let link = scratch.artefact(&key);
            if fs::symlink_metadata(&link).is_ok() {
                continue;
            }
            lay(&real.artefact(&key), &link)?;
            // What an artefact points to lies beside it.
            let of = database.artefact(&key)?;
            let of = of.and_then(|artefact| serde_json::from_str::<Job>(&artefact.settings).ok());
            inputs.extend(of.iter().flat_map(Job::inputs));
        }
        for folder in ["listings", "weights"] {
            let link = scratch.root().join(folder);
            if fs::symlink_metadata(&link).is_err() {
                lay(&real.root().join(folder), &link)?;
            }
        }
        Ok(Self { home: scratch })
    }

    pub fn home(&self) -> &Home {
        &self.home
    }

    /// Moves the journals of runs that the real record knows to where the others are.
    pub fn move_journals(&self, home: &Home) -> Result<(), Failure> {
        let folder = self.home.journals();
        let failed =
            |error: io::Error| Failure::io(format!("cannot move the journals of {}", folder.display()), &error);
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            entries => entries.map_err(failed)?,
        };
        create_folder(&home.journals())?;
        for entry in entries {
            let entry = entry.map_err(failed)?;
            fs::rename(entry.path(), home.journals().join(entry.file_name())).map_err(failed)?;
        }
        Ok(())
    }

    /// Puts the artefact that was made here in the place of the home's, and removes the old one and this.
    pub fn exchange(self, home: &Home, key: &str) -> Result<(), Failure> {
        let (made, place) = (self.home.artefact(key), home.artefact(key));
        let away = self.home.work_of("replaced");
        let failed = |error: io::Error| Failure::io(format!("cannot replace {}", place.display()), &error);
        create_folder(&self.home.work())?;
        if place.exists() {
            fs::rename(&place, &away).map_err(failed)?;
        }
        // Killed between the two, the made one lies here and is found by whoever tries again.
        fs::rename(&made, &place).map_err(failed)?;
        self.remove()
    }

    /// Removes it; what its links point to stays.
    pub fn remove(self) -> Result<(), Failure> {
        let root = self.home.root();
        fs::remove_dir_all(root).map_err(|error| Failure::io(format!("cannot remove {}", root.display()), &error))
    }
}

fn lay(target: &Path, link: &Path) -> Result<(), Failure> {
    symlink(target, link).map_err(|error| Failure::io(format!("cannot make {}", link.display()), &error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::tests::database;
    use crate::stage::degrade::Degrade;
    use crate::stage::pairs::Listing;

    fn job(input: &str) -> Job {
        Job::from(Degrade {
            dataset: "scenes".into(),
            clean: Listing::Artefact(input.into()),
            recipe: serde_json::from_value(serde_json::json!({"kind": "noise", "sigma": 25})).unwrap(),
            seed: 0,
        })
    }

    #[test]
    fn inputs_are_seen_and_only_the_result_is_exchanged() {
        let (folder, database) = database();
        let home = Home::at(folder.path().join("home"));
        fs::create_dir_all(home.artefact("clean")).unwrap();
        fs::write(home.artefact("clean").join("pairs.json"), "[]").unwrap();
        fs::create_dir_all(home.artefact("noisy")).unwrap();
        fs::write(home.artefact("noisy").join("old"), "old").unwrap();
        for _ in 0..2 {
            let scratch = Scratch::open(&home, "again", &job("clean"), &database).unwrap();
            assert!(scratch.home().artefact("clean").join("pairs.json").exists());
        }
        let scratch = Scratch::open(&home, "again", &job("clean"), &database).unwrap();
        fs::create_dir_all(scratch.home().artefact("noisy")).unwrap();
        fs::write(scratch.home().artefact("noisy").join("new"), "new").unwrap();
        scratch.exchange(&home, "noisy").unwrap();
        assert!(home.artefact("noisy").join("new").exists() && !home.artefact("noisy").join("old").exists());
        assert!(home.artefact("clean").join("pairs.json").exists());
        assert!(!home.reproductions().join("again").exists());
    }
}
