//! What can be wrong with sources and their pictures.

use std::path::PathBuf;

use super::{BatchSettings, Degraded, Source};
use crate::degradation::Degrade;
use crate::picture::PictureError;

/// Why there is no batch.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    #[error("there are no pictures to learn from: add a dataset, or name one that has pictures")]
    NoSources,
    #[error("dataset {name} has no samples: add its pictures, or leave it out of the experiment")]
    NoSamples { name: String },
    #[error("dataset {name} has weight {weight}: it must be a number above 0 (leave the dataset out to skip it)")]
    Weight { name: String, weight: f64 },
    #[error("{name} = 0 is impossible: it must be at least 1")]
    Zero { name: &'static str },
    #[error("{sample} of dataset {name}: {reason}")]
    Noise {
        name: String,
        sample: String,
        reason: String,
    },
    #[error("{sample} of dataset {name} has {found} negatives, the first sample {expected}: regenerate the negatives")]
    Companions {
        name: String,
        sample: String,
        found: usize,
        expected: usize,
    },
    #[error("{source}; fetch this picture again, or take it out of its dataset")]
    Picture {
        #[from]
        source: PictureError,
    },
    #[error(
        "{path} is {width}x{height}, smaller than the {patch}x{patch} crop: choose a smaller patch, or take the picture out"
    )]
    TooSmall {
        path: PathBuf,
        width: usize,
        height: usize,
        patch: usize,
    },
    #[error(
        "{path} is {width}x{height} but its clean partner {clean} is {clean_width}x{clean_height}: a pair must be of one size; \
         if a file changed, add its dataset again"
    )]
    Sizes {
        path: PathBuf,
        width: usize,
        height: usize,
        clean: PathBuf,
        clean_width: usize,
        clean_height: usize,
    },
}

/// Checks settings and sources without opening a picture.
pub(super) fn check(sources: &[Source], settings: BatchSettings) -> Result<(), BatchError> {
    for (name, value) in [("batch", settings.batch), ("patch", settings.patch)] {
        if value == 0 {
            return Err(BatchError::Zero { name });
        }
    }
    let Some(expected) = sources
        .iter()
        .flat_map(|source| &source.samples)
        .next()
        .map(|s| s.companions.len())
    else {
        return Err(BatchError::NoSources);
    };
    for source in sources {
        let name = source.name.clone();
        if source.samples.is_empty() {
            return Err(BatchError::NoSamples { name });
        }
        if !(source.weight.is_finite() && source.weight > 0.0) {
            return Err(BatchError::Weight {
                name,
                weight: source.weight,
            });
        }
        for sample in &source.samples {
            let found = sample.companions.len();
            if found != expected {
                return Err(BatchError::Companions {
                    name,
                    sample: sample.name.clone(),
                    found,
                    expected,
                });
            }
            if let Degraded::Fresh(noise) = &sample.degraded
                && let Err(reason) = noise.check()
            {
                return Err(BatchError::Noise {
                    name,
                    sample: sample.name.clone(),
                    reason,
                });
            }
        }
    }
    Ok(())
}
