//! Reading every picture to its end: what a header promises, the file may not hold.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::picture::Picture;

/// What came of reading one picture.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Verified {
    pub path: PathBuf,
    /// The blake3 of the file's bytes in hexadecimal, or why it is not a whole picture.
    pub result: Result<String, String>,
}

/// Reads, hashes and decodes every picture, in parallel; the results stand in the order given. `progress` is told how many
/// are done, from any thread.
pub fn verify(pictures: &[PathBuf], progress: &(dyn Fn(u64) + Sync)) -> Vec<Verified> {
    let done = AtomicU64::new(0);
    pictures
        .par_iter()
        .map(|path| {
            let result = hash_whole(path);
            progress(done.fetch_add(1, Ordering::Relaxed) + 1);
            Verified {
                path: path.clone(),
                result,
            }
        })
        .collect()
}

fn hash_whole(path: &PathBuf) -> Result<String, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    Picture::decode(&bytes, path).map_err(|error| error.reason())?;
    Ok(blake3::hash(&bytes).to_hex().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_picture_has_its_hash_and_a_broken_one_its_reason() {
        let folder = tempfile::tempdir().unwrap();
        let (whole, broken, missing) = (
            folder.path().join("a.png"),
            folder.path().join("b.png"),
            folder.path().join("c.png"),
        );
        Picture::new(40, 30).save_png(&whole).unwrap();
        let bytes = std::fs::read(&whole).unwrap();
        std::fs::write(&broken, &bytes[..bytes.len() - 20]).unwrap();
        let most = AtomicU64::new(0);
        let verified = verify(&[whole, broken, missing], &|done| {
            most.fetch_max(done, Ordering::Relaxed);
        });
        assert_eq!(most.into_inner(), 3);
        assert_eq!(verified[0].result, Ok(blake3::hash(&bytes).to_hex().to_string()));
        assert!(
            verified[1]
                .result
                .as_ref()
                .is_err_and(|reason| reason.contains("cut off"))
        );
        assert!(verified[2].result.is_err());
    }
}
