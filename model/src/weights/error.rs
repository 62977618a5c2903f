//! What can be wrong with weights, each with what to do.

use std::{fmt, io, path::PathBuf};

/// Why weights could not be read, written or loaded.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    #[error("cannot read the weights {path}: {source}")]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write the weights {path}: {source}")]
    Write { path: PathBuf, source: io::Error },
    #[error("{path} is not a whole safetensors or PyTorch file ({reason}): fetch it again")]
    Format { path: PathBuf, reason: String },
    #[error("{path} {what}; it holds no weights")]
    NotWeights { path: PathBuf, what: String },
    #[error(
        "{path} holds {what}; only numbers under names are read, and nothing in a file is run: load it with its own program, and save its state dict alone"
    )]
    Foreign { path: PathBuf, what: String },
    #[error("{path} is damaged: {reason}")]
    Damaged { path: PathBuf, reason: String },
    #[error("{path}: tensor {tensor} has the type {dtype}; convert it to float32, float16 or bfloat16")]
    Type {
        path: PathBuf,
        tensor: String,
        dtype: String,
    },
    #[error("{origin} holds NaN or infinity in {}: it is damaged or from a training that diverged; take another", tensors.join(", "))]
    NotFinite { origin: String, tensors: Vec<String> },
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
}

/// Every way in which a checkpoint differs from the network that it is meant for, sorted by key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mismatch {
    /// Where the checkpoint came from: a path or a name.
    pub source: String,
    /// Key and shape of what the network needs and the checkpoint lacks.
    pub missing: Vec<(String, Vec<usize>)>,
    /// Key and shape of what the checkpoint has and the network does not know.
    pub extra: Vec<(String, Vec<usize>)>,
    /// Key, shape that the network needs, shape in the checkpoint.
    pub misshapen: Vec<(String, Vec<usize>, Vec<usize>)>,
}

impl Mismatch {
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.extra.is_empty() && self.misshapen.is_empty()
    }
}

impl std::error::Error for Mismatch {}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            source,
            missing,
            extra,
            misshapen,
        } = self;
        write!(
            f,
            "{source} does not fit the network: {} missing, {} unknown, {} of another shape; \
             take the checkpoint of this network and size",
            missing.len(),
            extra.len(),
            misshapen.len()
        )?;
        for (key, shape) in missing {
            write!(f, "\n  missing   {key} {shape:?}")?;
        }
        for (key, shape) in extra {
            write!(f, "\n  unknown   {key} {shape:?}")?;
        }
        for (key, wanted, found) in misshapen {
            write!(f, "\n  shape     {key} {found:?}, needed {wanted:?}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_difference_has_a_line() {
        let mismatch = Mismatch {
            source: "a.safetensors".to_owned(),
            missing: vec![("conv.weight".to_owned(), vec![4, 3, 3, 3])],
            extra: vec![("fc.bias".to_owned(), vec![7]), ("fc.weight".to_owned(), vec![7, 4])],
            misshapen: vec![("norm.weight".to_owned(), vec![4], vec![8])],
        };
        let text = mismatch.to_string();
        assert_eq!(text.lines().count(), 5);
        assert!(text.starts_with("a.safetensors does not fit"));
        assert!(text.contains("missing   conv.weight [4, 3, 3, 3]"));
        assert!(text.contains("unknown   fc.weight [7, 4]"));
        assert!(text.contains("norm.weight [8], needed [4]"));
    }
}
