//! What the prompts stage learns from: a pool of crops, the same place in the clean, the medium and the degraded picture,
//! seen by CLIP once. The features are kept in the work folder, so that an interrupted pool goes on where it was.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use burn::{
    module::Module,
    tensor::{Device, Tensor, TensorData},
};
use perceive_datasets::{
    picture::Picture,
    random::{Key, Stream},
};
use perceive_model::{
    tower::{Clip, input::clip_input},
    weights::{Array, Checkpoint},
};
use rayon::prelude::*;

use super::{Context, context::create_folder, pairs::file_name, train::folder::checkpoints};
use crate::failure::{Exit, Failure};

/// CLIP sees this many crops at once.
const AT_ONCE: usize = 32;

/// Image features of a pool of crops, `[size, features]` a tier, best tier first; constants, without autodiff.
pub struct Pool {
    pub tiers: Vec<Tensor<2>>,
    pub size: usize,
}

/// Which crops a pool is of.
pub struct Crops {
    /// Their width and height.
    pub patch: usize,
    pub tiers: usize,
    pub seed: u64,
}

impl Crops {
    /// The features of `size` crops of `triples`; `name` is the pool's own. `None`: stopped on request.
    pub fn pool(
        &self,
        context: &mut Context,
        clip: &Clip,
        triples: &[Triple],
        size: usize,
        name: &str,
    ) -> Result<Option<Pool>, Failure> {
        // Nothing is learned through CLIP here, so no graph is built.
        let clip = &clip.valid();
        let folder = checkpoints(context.work());
        create_folder(&folder)?;
        let path = folder.join(format!("pool-{}.safetensors", file_name(name)));
        let mut seen = Seen::read(&path, self.tiers, context.device()).unwrap_or_else(|| Seen::nothing(self.tiers));
        context.started(seen.crops as u64, size as u64, &format!("crops {name}"))?;
        let (mut saved, mut saved_at) = (seen.crops, Instant::now());
        let every = Duration::try_from_secs_f64(context.upkeep().save_every).unwrap_or(Duration::MAX);
        while seen.crops < size {
            if context.should_stop() {
                seen.write(&path)?;
                context.paused(seen.crops as u64)?;
                return Ok(None);
            }
            let count = AT_ONCE.min(size - seen.crops);
            let before = seen.clone();
            let (step, to) = (seen.crops as u64, path.clone());
            let made = context.interruptible(
                step,
                move || before.write(&to),
                || self.features(context.device(), clip, triples, name, seen.crops, count),
            );
            seen.add(made?, count);
            context.progress(seen.crops as u64, size as u64, &[])?;
            if saved_at.elapsed() >= every {
                seen.write(&path)?;
                (saved, saved_at) = (seen.crops, Instant::now());
            }
        }
        if saved < size {
            seen.write(&path)?;
        }
        let tiers = seen.tiers.into_iter().map(|parts| Tensor::cat(parts, 0)).collect();
        Ok(Some(Pool { tiers, size }))
    }

    /// The features of crops `first` to `first + count`, tier by tier.
    fn features(
        &self,
        device: &Device,
        clip: &Clip,
        triples: &[Triple],
        name: &str,
        first: usize,
        count: usize,
    ) -> Result<Vec<Tensor<2>>, Failure> {
        let patch = self.patch;
        let crops: Vec<Vec<Vec<f32>>> = (first..first + count)
            .into_par_iter()
            .map(|index| {
                let mut stream = Key::new(name, self.seed).number(index as u64).stream();
                let triple = &triples[stream.below(triples.len())];
                triple.crops(&mut stream, patch, self.tiers)
            })
            .collect::<Result<_, Failure>>()?;
        let tiers = (0..self.tiers).map(|tier| {
            let pixels: Vec<f32> = crops.iter().flat_map(|tiers| tiers[tier].iter().copied()).collect();
            let data = TensorData::new(pixels, [count, 3, patch, patch]);
            let image = Tensor::<4>::from_data(data, device);
            clip.encode_image(clip_input(image, clip.resolution()))
        });
        Ok(tiers.collect())
    }
}

/// What CLIP has seen of a pool so far.
#[derive(Clone)]
struct Seen {
    tiers: Vec<Vec<Tensor<2>>>,
    crops: usize,
}

impl Seen {
    fn nothing(tiers: usize) -> Self {
        Self {
            tiers: vec![Vec::new(); tiers],
            crops: 0,
        }
    }

    fn add(&mut self, made: Vec<Tensor<2>>, count: usize) {
        for (parts, part) in self.tiers.iter_mut().zip(made) {
            parts.push(part);
        }
        self.crops += count;
    }

    fn write(&self, path: &Path) -> Result<(), Failure> {
        let mut checkpoint = Checkpoint::default();
        for (tier, parts) in self.tiers.iter().enumerate().filter(|(_, parts)| !parts.is_empty()) {
            let features = Array::of(&Tensor::cat(parts.clone(), 0));
            checkpoint.tensors.insert(format!("tier.{tier}"), features);
        }
        Ok(checkpoint.write_sealed(path)?)
    }

    /// `None` where nothing whole was kept: then it is seen again.
    fn read(path: &Path, tiers: usize, device: &Device) -> Option<Self> {
        let checkpoint = Checkpoint::read_sealed(path).ok()?;
        let arrays = (0..tiers).map(|tier| checkpoint.tensors.get(&format!("tier.{tier}")));
        let arrays: Vec<&Array> = arrays.collect::<Option<_>>()?;
        let crops = *arrays.first()?.shape.first()?;
        let tiers = arrays.into_iter().map(|array| vec![array.tensor::<2>(device)]);
        Some(Self {
            tiers: tiers.collect(),
            crops,
        })
    }
}

/// One scene in three tiers, as paths.
pub struct Triple {
    pub name: String,
    pub clean: PathBuf,
    pub medium: PathBuf,
    pub degraded: PathBuf,
}

impl Triple {
    /// The same crop of every tier, best first, as planes. Between tiers of a four-prompt perceiver stand mixtures.
    fn crops(&self, stream: &mut Stream, patch: usize, tiers: usize) -> Result<Vec<Vec<f32>>, Failure> {
        let pictures = [&self.clean, &self.medium, &self.degraded].map(|path| Picture::open(path));
        let [clean, medium, degraded] = pictures;
        let (clean, medium, degraded) = (clean?, medium?, degraded?);
        let (width, height) = (clean.width.min(degraded.width), clean.height.min(degraded.height));
        if width < patch || height < patch {
            let text = format!(
                "{} has {width} x {height} pixels, less than a crop of {patch}",
                self.clean.display()
            );
            return Err(
                Failure::new(Exit::Pictures, text).help("set a smaller prompts.patch, or leave the picture out")
            );
        }
        let (x, y) = (stream.below(width - patch + 1), stream.below(height - patch + 1));
        let cut = |picture: &Picture| picture.crop(x, y, patch, patch).to_planes();
        let mix = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| 0.5 * (a + b)).collect::<Vec<f32>>();
        let (clean, medium, degraded) = (cut(&clean), cut(&medium), cut(&degraded));
        Ok(match tiers {
            2 => vec![clean, degraded],
            4 => vec![clean.clone(), mix(&clean, &medium), mix(&medium, &degraded), degraded],
            _ => vec![clean, medium, degraded],
        })
    }
}
