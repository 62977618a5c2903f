//! `batch(seed, step)`: which pictures, which crops, which flips, which noise: all a pure function of these two numbers, so
//! that a training run resumes from its step alone, threads change nothing, and two machines agree.
//!
//! | file | what |
//! | --- | --- |
//! | `deal.rs` | which sample stands in which place of which batch |
//! | `crop.rs` | the rectangle cut out of a sample's pictures, and its flips |
//! | `cache.rs` | decoded pictures within a memory budget, JPEGs beyond it |
//! | `fold.rs` | the halves of cross-validation |
//! | `error.rs` | what can be wrong, and what to do |

mod cache;
mod crop;
mod deal;
mod error;
mod fold;

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::degradation::Noise;
use crate::random::Key;
use cache::{Cache, Opened};
use crop::Crop;
use deal::Deal;

pub use error::BatchError;
pub use fold::folds;

/// One pair to learn from, with what else is known of its scene.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Its name in reports.
    pub name: String,
    pub clean: PathBuf,
    pub degraded: Degraded,
    /// The kind of degradation as a number; samples of equal numbers are of one type to the contrastive loss.
    pub kind: usize,
    /// Further pictures of the same scene, aligned with `clean` (the negatives, in the order of their proxies).
    pub companions: Vec<PathBuf>,
}

/// Where a sample's degraded side comes from.
#[derive(Clone, Debug)]
pub enum Degraded {
    /// A picture of the same size as the clean one.
    Picture(PathBuf),
    /// Noise drawn anew on each crop of the clean picture.
    Fresh(Noise),
}

/// Samples that share a weight: usually those of one dataset.
#[derive(Clone, Debug)]
pub struct Source {
    pub name: String,
    /// This source's share of all samples drawn, relative to the other sources'.
    pub weight: f64,
    pub samples: Vec<Sample>,
}

/// What a batch looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchSettings {
    /// Samples in a batch, B.
    pub batch: usize,
    /// Side of the square crops in pixels, P.
    pub patch: usize,
    /// Mirror each sample left-right and top-bottom with probability 1/2 each.
    pub flips: bool,
    /// Also cut a second, independent patch of each degraded picture (the positive of the contrastive loss, eq. 12).
    pub second_patch: bool,
}

/// One batch; levels in \[0, 1\], every patch block `[B, 3, P, P]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    pub batch: usize,
    pub patch: usize,
    pub degraded: Vec<f32>,
    pub clean: Vec<f32>,
    /// Another random crop of each degraded picture, with its own flips and noise.
    pub second: Option<Vec<f32>>,
    /// One block per companion slot.
    pub companions: Vec<Vec<f32>>,
    /// Each sample's kind.
    pub kinds: Vec<usize>,
    /// Each sample's (source, sample) index.
    pub chosen: Vec<(usize, usize)>,
}

/// The batches of one training run.
#[derive(Debug)]
pub struct Batches {
    sources: Vec<Source>,
    settings: BatchSettings,
    deal: Deal,
    cache: Cache,
}

/// Where the patches of one place of a batch go, each `[3, P, P]`.
struct Places<'a> {
    degraded: &'a mut [f32],
    clean: &'a mut [f32],
    second: Option<&'a mut [f32]>,
    companions: Vec<&'a mut [f32]>,
}

impl Batches {
    /// Checks what can be checked without opening a picture. `cache_bytes` bounds the memory for decoded pictures; it
    /// changes the speed only.
    pub fn new(sources: Vec<Source>, settings: BatchSettings, cache_bytes: u64) -> Result<Self, BatchError> {
        error::check(&sources, settings)?;
        Ok(Self {
            deal: Deal::new(sources.iter().map(|source| (source.weight, source.samples.len()))),
            sources,
            settings,
            cache: Cache::new(cache_bytes),
        })
    }

    /// What the batches look like.
    pub fn settings(&self) -> BatchSettings {
        self.settings
    }

    /// The batch of a step, on the calling thread's rayon pool.
    ///
    /// # Errors
    /// When a picture cannot be read, is smaller than the patch, or differs in size from its clean partner; with several
    /// faults in a batch, always the first place's.
    pub fn batch(&self, seed: u64, step: u64) -> Result<Batch, BatchError> {
        let BatchSettings { batch, patch, .. } = self.settings;
        let first = step.wrapping_mul(batch as u64);
        let chosen: Vec<(usize, usize)> = (0..batch as u64)
            .map(|place| self.deal.draw(seed, first.wrapping_add(place)))
            .collect();
        // On all threads: one alone would take a tenth of the batch's time.
        let block = || rayon::iter::repeat_n(0.0, batch * 3 * patch * patch).collect::<Vec<f32>>();
        let companions = self.sources[0].samples[0].companions.len();
        let mut out = Batch {
            batch,
            patch,
            degraded: block(),
            clean: block(),
            second: self.settings.second_patch.then(block),
            companions: (0..companions).map(|_| block()).collect(),
            kinds: chosen.iter().map(|chosen| self.sample(*chosen).kind).collect(),
            chosen,
        };
        let chosen = out.chosen.clone();
        let cut: Vec<Result<(), BatchError>> = out
            .places()
            .into_par_iter()
            .enumerate()
            .map(|(place, patches)| {
                let key = Key::new("batch", seed).number(step).number(place as u64);
                self.cut(self.sample(chosen[place]), &key, patches)
            })
            .collect();
        cut.into_iter().collect::<Result<(), _>>()?;
        Ok(out)
    }

    fn sample(&self, (source, sample): (usize, usize)) -> &Sample {
        &self.sources[source].samples[sample]
    }

    /// Cuts one sample's patches; `key` names the place in the run.
    fn cut(&self, sample: &Sample, key: &Key, patches: Places) -> Result<(), BatchError> {
        let BatchSettings { patch, flips, .. } = self.settings;
        let clean = self.cache.open(&sample.clean)?;
        let size = clean.size();
        if size.0 < patch || size.1 < patch {
            return Err(BatchError::TooSmall {
                path: sample.clean.clone(),
                width: size.0,
                height: size.1,
                patch,
            });
        }
        let beside = |path: &Path| self.open_beside(path, &sample.clean, size);
        let degraded = match &sample.degraded {
            Degraded::Picture(path) => Some(beside(path)?),
            Degraded::Fresh(_) => None,
        };
        let add_noise = |key: Key, planes: &mut [f32]| {
            if let Degraded::Fresh(noise) = &sample.degraded {
                noise.apply_to_planes(planes, &mut key.stream());
            }
        };

        let crop = Crop::random(&mut key.clone().text("crop").stream(), size, patch, flips);
        for (path, planes) in sample.companions.iter().zip(patches.companions) {
            crop.write(&beside(path)?, planes)?;
        }
        if let Some(planes) = patches.second {
            let other = Crop::random(&mut key.clone().text("second crop").stream(), size, patch, flips);
            other.write(degraded.as_ref().unwrap_or(&clean), planes)?;
            add_noise(key.clone().text("second noise"), planes);
        }
        crop.write(&clean, patches.clean)?;
        match degraded {
            Some(degraded) => crop.write(&degraded, patches.degraded)?,
            None => patches.degraded.copy_from_slice(patches.clean),
        }
        add_noise(key.clone().text("noise"), patches.degraded);
        Ok(())
    }

    /// Opens a picture that must have the size of its clean partner.
    fn open_beside(&self, path: &Path, clean: &Path, size: (usize, usize)) -> Result<Opened, BatchError> {
        let picture = self.cache.open(path)?;
        let (width, height) = picture.size();
        if (width, height) == size {
            return Ok(picture);
        }
        Err(BatchError::Sizes {
            path: path.to_path_buf(),
            width,
            height,
            clean: clean.to_path_buf(),
            clean_width: size.0,
            clean_height: size.1,
        })
    }
}

impl Batch {
    /// The blocks cut up into the places of the batch.
    fn places(&mut self) -> Vec<Places<'_>> {
        let size = 3 * self.patch * self.patch;
        let mut second = self.second.as_mut().map(|block| block.chunks_exact_mut(size));
        let mut companions: Vec<_> = self
            .companions
            .iter_mut()
            .map(|block| block.chunks_exact_mut(size))
            .collect();
        let pairs = self
            .degraded
            .chunks_exact_mut(size)
            .zip(self.clean.chunks_exact_mut(size));
        let places = pairs.map(|(degraded, clean)| Places {
            degraded,
            clean,
            second: second.as_mut().and_then(Iterator::next),
            companions: companions.iter_mut().filter_map(Iterator::next).collect(),
        });
        places.collect()
    }
}

#[cfg(test)]
mod tests;
