//! The home: the one folder that holds everything the program remembers (`--home DIR`, `PERCEIVE_HOME`, default `runs/`).
//!
//! This file alone knows what is called how in there. It also holds the writer's lock: one orchestrator at a time runs
//! stages in a home or removes their artefacts; reading needs no lock.

use std::fs::{self, File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::failure::{Exit, Failure};

/// The places of one home.
#[derive(Clone, Debug)]
pub struct Home {
    root: PathBuf,
}

/// The writer's lock, held until dropped (or until the process ends, however it ends).
#[derive(Debug)]
pub struct Hold {
    file: File,
}

impl Home {
    /// The home at `root`; touches nothing.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Makes the folder.
    ///
    /// # Errors
    /// [`Exit::Disk`] where it cannot be made (read-only, full, a file of that name).
    pub fn create(&self) -> Result<(), Failure> {
        fs::create_dir_all(&self.root).map_err(|error| {
            let mut failure = Failure::io(format!("cannot make the home {}", self.root.display()), &error);
            failure.exit = Exit::Disk;
            failure.help("choose a folder that you may write to with --home DIR or PERCEIVE_HOME")
        })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The SQLite database.
    pub fn database(&self) -> PathBuf {
        self.root.join("perceive.sqlite")
    }

    /// Whole artefacts, one folder each.
    pub fn artefacts(&self) -> PathBuf {
        self.root.join("artefacts")
    }

    /// The whole artefact `key`. Artefacts lie side by side, so that one can point to another.
    pub fn artefact(&self, key: &str) -> PathBuf {
        self.artefacts().join(key)
    }

    /// The pairs of a dataset as its index held them, named by their digest.
    pub fn listing(&self, digest: &str) -> PathBuf {
        self.listings().join(format!("{digest}.json"))
    }

    /// What is known of pictures and other files outside.
    pub fn listings(&self) -> PathBuf {
        self.root.join("listings")
    }

    /// Hashes of the files of one folder outside, named by the hash of its path.
    pub fn hashes(&self, name: &str) -> PathBuf {
        self.listings().join(format!("hashes-{name}.json"))
    }

    /// Journals, one file a run.
    pub fn journals(&self) -> PathBuf {
        self.root.join("journals")
    }

    /// The journal of the run `id`.
    pub fn journal(&self, id: &str) -> PathBuf {
        self.journals().join(format!("{id}.jsonl"))
    }

    /// Weights of the frozen towers, as imported.
    pub fn weights(&self) -> PathBuf {
        self.root.join("weights")
    }

    /// Published weights on their way here: parts of files, and what each is a part of.
    pub fn downloads(&self) -> PathBuf {
        self.weights().join("downloads")
    }

    /// The state of unfinished artefacts: temporary, resumable.
    pub fn work(&self) -> PathBuf {
        self.root.join("work")
    }

    /// The state of the unfinished artefact `key`.
    pub fn work_of(&self, key: &str) -> PathBuf {
        self.work().join(key)
    }

    /// What people asked for and is not settled yet, one file a request.
    pub fn queue(&self) -> PathBuf {
        self.root.join("queue")
    }

    /// Small homes beside the work, in which runs are made again.
    pub fn reproductions(&self) -> PathBuf {
        self.root.join("reproduce")
    }

    /// The writer's lock; holds the process id of the holder.
    pub fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// Takes the writer's lock, at once or not at all.
    ///
    /// # Errors
    /// [`Exit::Database`] when another process holds it, with that process's id; [`Exit::Disk`] when it cannot be made.
    pub fn hold(&self) -> Result<Hold, Failure> {
        self.try_hold()?.ok_or_else(|| self.held())
    }

    /// Whether nobody holds the lock just now.
    pub fn is_free(&self) -> bool {
        match File::open(self.lock()) {
            Ok(file) => file.try_lock_shared().is_ok(),
            Err(_) => true,
        }
    }

    /// Takes the writer's lock, unless somebody else has it.
    ///
    /// # Errors
    /// [`Exit::Disk`] when it cannot be made.
    pub fn try_hold(&self) -> Result<Option<Hold>, Failure> {
        self.create()?;
        let path = self.lock();
        let unwritable = |error| {
            let failure = Failure::io(format!("cannot lock {}", path.display()), &error);
            Failure {
                exit: Exit::Disk,
                ..failure
            }
        };
        let opened = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path);
        let mut file = opened.map_err(unwritable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(unwritable(error)),
        }
        file.set_len(0).map_err(unwritable)?;
        write!(file, "{}", std::process::id()).map_err(unwritable)?;
        Ok(Some(Hold { file }))
    }

    /// The process that holds the writer's lock now; `None` where nobody does, or nobody can tell.
    pub fn holder(&self) -> Option<u32> {
        let mut file = File::open(self.lock()).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                file.read_to_string(&mut holder).ok()?;
                holder.trim().parse().ok()
            }
            _ => None,
        }
    }

    fn held(&self) -> Failure {
        let who = self
            .holder()
            .map_or("another process".to_string(), |holder| format!("process {holder}"));
        Failure::new(
            Exit::Database,
            format!(
                "{who} is at work in {} (lock: {})",
                self.root.display(),
                self.lock().display()
            ),
        )
        .help("wait until it ends, stop it (Ctrl-C keeps its state), or work in another home with --home DIR")
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // Only a courtesy to people who look into the file: the lock itself goes when the file closes.
        let _ = self.file.rewind();
        let _ = self.file.set_len(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_is_told_who_holds_and_where() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path().join("home"));
        let hold = home.hold().unwrap();
        let refused = home.hold().unwrap_err();
        assert_eq!(refused.exit, Exit::Database);
        let text = refused.to_string();
        assert!(text.contains(&format!("process {}", std::process::id())), "{text}");
        assert!(text.contains(&home.lock().display().to_string()), "{text}");
        assert_eq!(home.holder(), Some(std::process::id()));
        drop(hold);
        assert_eq!(home.holder(), None);
        assert!(home.hold().is_ok());
    }

    #[test]
    fn a_home_that_cannot_be_made_is_a_disk_failure() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "not a folder").unwrap();
        for place in [file.clone(), file.join("below")] {
            let refused = Home::at(&place).create().unwrap_err();
            assert_eq!(refused.exit, Exit::Disk);
            assert!(refused.to_string().contains(&place.display().to_string()), "{refused}");
        }
    }

    #[test]
    fn naming_a_home_touches_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path().join("home"));
        assert!(home.journal("0198").ends_with("journals/0198.jsonl"));
        assert!(!home.root().exists());
    }
}
