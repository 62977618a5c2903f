//! The checkpoints of one training on disk: `work/KEY/checkpoints/step-00001200.safetensors`, each whole and with the hash
//! of its contents, or not there.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use perceive_model::weights::{Checkpoint, WeightsError};

use crate::failure::Failure;

/// Where the checkpoints of an unfinished artefact are, below its work folder.
pub fn checkpoints(work: &Path) -> PathBuf {
    work.join("checkpoints")
}

/// The file name of the checkpoint or the weights of a step.
pub fn file_name(step: u64) -> String {
    format!("step-{step:08}.safetensors")
}

/// One training's checkpoints.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// The checkpoints in the work folder `work`; touches nothing.
    pub fn of(work: &Path) -> Self {
        Self {
            path: checkpoints(work),
        }
    }

    pub fn file(&self, step: u64) -> PathBuf {
        self.path.join(file_name(step))
    }

    /// The steps that there are checkpoints of, in order.
    pub fn steps(&self) -> Result<Vec<u64>, Failure> {
        let mut steps: Vec<u64> = self.names()?.iter().filter_map(|name| step_of(name)).collect();
        steps.sort_unstable();
        Ok(steps)
    }

    /// Reads a checkpoint and holds it against its hash.
    pub fn read(&self, step: u64) -> Result<Checkpoint, WeightsError> {
        Checkpoint::read_sealed(self.file(step))
    }

    /// Writes a checkpoint: the file has its name when everything is on the disk.
    pub fn write(&self, step: u64, checkpoint: &mut Checkpoint) -> Result<(), WeightsError> {
        fs::create_dir_all(&self.path).map_err(|source| WeightsError::Write {
            path: self.path.clone(),
            source,
        })?;
        checkpoint.write_sealed(self.file(step))
    }

    /// Removes a checkpoint; one that is gone already is no error.
    pub fn remove(&self, step: u64) -> Result<(), Failure> {
        remove(&self.file(step))
    }

    /// Removes what a kill left half-written.
    pub fn sweep(&self) -> Result<(), Failure> {
        let mut files = self.names()?.into_iter().map(|name| self.path.join(name));
        files.try_for_each(|file| match file.extension() {
            Some(ending) if ending == "part" => remove(&file),
            _ => Ok(()),
        })
    }

    fn names(&self) -> Result<Vec<String>, Failure> {
        let failed = |error| Failure::io(format!("cannot read {}", self.path.display()), &error);
        let entries = match fs::read_dir(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed)?,
        };
        entries
            .map(|entry| Ok(entry.map_err(failed)?.file_name().to_string_lossy().into_owned()))
            .collect()
    }
}

fn step_of(name: &str) -> Option<u64> {
    name.strip_prefix("step-")?.strip_suffix(".safetensors")?.parse().ok()
}

fn remove(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Failure::io(format!("cannot remove {}", path.display()), &error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_come_in_order_and_nothing_else_counts() {
        let work = tempfile::tempdir().unwrap();
        let folder = Folder::of(work.path());
        assert_eq!(folder.steps().unwrap(), [0_u64; 0]);
        for step in [1200, 7, 123_456_789] {
            folder.write(step, &mut Checkpoint::default()).unwrap();
        }
        let half = checkpoints(work.path()).join("step-00000009.safetensors.17.part");
        fs::write(&half, "half").unwrap();
        assert_eq!(folder.steps().unwrap(), [7, 1200, 123_456_789]);
        assert!(folder.file(1200).ends_with("checkpoints/step-00001200.safetensors"));
        folder.sweep().unwrap();
        assert!(!half.exists());
        folder.remove(7).unwrap();
        folder.remove(7).unwrap();
        assert_eq!(folder.steps().unwrap(), [1200, 123_456_789]);
    }
}
