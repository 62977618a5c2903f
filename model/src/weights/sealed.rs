//! Checkpoints that know whether they are whole: a blake3 hash among the file's own remarks, over everything else in it.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    fs::File,
    io::{self, Read},
    path::Path,
};

use serde::Deserialize;

use super::{checkpoint::Checkpoint, error::WeightsError};

/// The remark that holds the hash.
const SEAL: &str = "blake3";

/// No file of this program has a longer header.
const LONGEST_HEADER: u64 = 100 << 20;

impl Checkpoint {
    /// Writes the checkpoint with its hash, whole or not at all. The hash becomes one of the remarks.
    pub fn write_sealed(&mut self, path: impl AsRef<Path>) -> Result<(), WeightsError> {
        self.metadata.remove(SEAL);
        let seal = self.seal();
        self.metadata.insert(SEAL.into(), seal);
        self.write(path)
    }

    /// Reads what [`Checkpoint::write_sealed`] wrote.
    ///
    /// # Errors
    /// [`WeightsError::Damaged`] where the contents are not what was written.
    pub fn read_sealed(path: impl AsRef<Path>) -> Result<Self, WeightsError> {
        let path = path.as_ref();
        let damaged = |reason: String| WeightsError::Damaged {
            path: path.to_path_buf(),
            reason,
        };
        let mut checkpoint = Self::read(path).map_err(|error| match error {
            WeightsError::Format { reason, .. } | WeightsError::NotWeights { what: reason, .. } => damaged(reason),
            other => other,
        })?;
        match checkpoint.metadata.remove(SEAL) {
            None => Err(damaged("it has no hash".into())),
            Some(seal) if seal != checkpoint.seal() => Err(damaged("its contents do not match their hash".into())),
            Some(_) => Ok(checkpoint),
        }
    }

    /// The remarks alone, without reading the tensors.
    pub fn remarks(path: impl AsRef<Path>) -> Result<BTreeMap<String, String>, WeightsError> {
        #[derive(Deserialize)]
        struct Header {
            #[serde(rename = "__metadata__", default)]
            remarks: BTreeMap<String, String>,
        }
        let path = path.as_ref();
        let header = read_header(path).map_err(|source| WeightsError::Read {
            path: path.to_path_buf(),
            source,
        })?;
        let header: Header = serde_json::from_slice(&header).map_err(|error| WeightsError::Damaged {
            path: path.to_path_buf(),
            reason: error.to_string(),
        })?;
        Ok(header.remarks)
    }

    fn seal(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.header().as_bytes());
        for array in self.tensors.values() {
            let Ok(()) = array.bytes(|bytes| {
                hasher.update(bytes);
                Ok::<(), Infallible>(())
            });
        }
        hasher.finalize().to_hex().to_string()
    }
}

fn read_header(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let mut length = [0; 8];
    file.read_exact(&mut length)?;
    let mut header = Vec::new();
    file.take(u64::from_le_bytes(length).min(LONGEST_HEADER))
        .read_to_end(&mut header)?;
    Ok(header)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::weights::Array;

    fn checkpoint() -> Checkpoint {
        let mut checkpoint = Checkpoint::default();
        let data = vec![1.5, -0.0, f32::MIN_POSITIVE];
        checkpoint.tensors.insert("a".into(), Array { shape: vec![3], data });
        checkpoint.metadata.insert("step".into(), "7".into());
        checkpoint
    }

    #[test]
    fn what_was_sealed_is_read_back_and_its_remarks_alone_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        checkpoint().write_sealed(&path).unwrap();
        assert_eq!(Checkpoint::read_sealed(&path).unwrap(), checkpoint());
        assert_eq!(Checkpoint::remarks(&path).unwrap()["step"], "7");
    }

    #[test]
    fn any_changed_byte_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        checkpoint().write_sealed(&path).unwrap();
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            fs::write(&path, &changed).unwrap();
            // A header may say the same in another way: between its values any white space is equal.
            if let Ok(read) = Checkpoint::read_sealed(&path) {
                assert_eq!(read, checkpoint(), "byte {at}");
            }
        }
        fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        assert!(matches!(
            Checkpoint::read_sealed(&path),
            Err(WeightsError::Damaged { .. })
        ));
    }

    #[test]
    fn a_file_without_a_hash_is_not_trusted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        checkpoint().write(&path).unwrap();
        let error = Checkpoint::read_sealed(&path).unwrap_err().to_string();
        assert!(error.contains("no hash"), "{error}");
    }
}
