//! From sets of pairs to training batches, made ahead of the training on a thread of their own.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::mpsc::{Receiver, sync_channel},
    thread::Scope,
    time::Duration,
};

use perceive_datasets::batch::{Batch, BatchSettings, Batches, Degraded, Sample, Source};
use perceive_model::train::batch::Crops;

use super::{
    Context,
    pairs::{Pair, Set},
};
use crate::{failure::Failure, spec::training::Training};

/// Decoded pictures are kept up to this many bytes: BSD400 with its noisy sides fits several times.
const CACHE: u64 = 1 << 30;

/// Batches made ahead.
const AHEAD: usize = 3;

/// The pairs of each set, in the order of the sets.
pub fn read(sets: &[Set], context: &Context) -> Result<Vec<Vec<Pair>>, Failure> {
    sets.iter().map(|set| set.listing.read(context)).collect()
}

/// Batches over all sets.
///
/// `keep` chooses the pairs (a fold); `companions` gives the negatives of a pair, in the order of the proxies.
pub fn batches(
    sets: &[Set],
    pairs: &[Vec<Pair>],
    training: &Training,
    second_patch: bool,
    keep: impl Fn(&Set, &Pair) -> bool,
    companions: impl Fn(&Set, &Pair) -> Vec<PathBuf>,
) -> Result<Batches, Failure> {
    let kinds: BTreeMap<&str, usize> = {
        let mut names: Vec<&str> = sets.iter().map(|set| set.kind.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names.into_iter().enumerate().map(|(i, name)| (name, i)).collect()
    };
    let sources = sets.iter().zip(pairs).map(|(set, pairs)| {
        let samples = pairs
            .iter()
            .filter(|pair| pair.border == 0 && keep(set, pair))
            .map(|pair| Sample {
                name: pair.name.clone(),
                clean: pair.clean.clone(),
                degraded: match &set.noise {
                    Some(noise) if training.fresh_noise => Degraded::Fresh(noise.clone()),
                    _ => Degraded::Picture(pair.degraded.clone()),
                },
                kind: kinds[set.kind.as_str()],
                companions: companions(set, pair),
            });
        Source {
            name: set.label.clone(),
            weight: set.weight,
            samples: samples.collect(),
        }
    });
    let settings = BatchSettings {
        batch: training.batch,
        patch: training.patch,
        flips: training.flips,
        second_patch,
    };
    Ok(Batches::new(
        sources.filter(|source| !source.samples.is_empty()).collect(),
        settings,
        CACHE,
    )?)
}

/// A batch as the training loop takes it.
pub fn crops(batch: Batch) -> Crops {
    Crops {
        batch: batch.batch,
        patch: batch.patch,
        degraded: batch.degraded,
        clean: batch.clean,
        second: batch.second,
        negatives: batch.companions,
        kinds: batch.kinds,
    }
}

/// Starts a thread that makes the batches of `steps` in order, a few ahead. It ends when the receiver is dropped.
pub fn ahead<'scope>(
    scope: &'scope Scope<'scope, '_>,
    batches: &'scope Batches,
    seed: u64,
    steps: std::ops::Range<u64>,
) -> Receiver<Result<Crops, Failure>> {
    let (sender, receiver) = sync_channel(AHEAD);
    scope.spawn(move || {
        for step in steps {
            let made = batches.batch(seed, step).map(crops).map_err(Failure::from);
            let failed = made.is_err();
            if sender.send(made).is_err() || failed {
                return;
            }
        }
    });
    receiver
}

/// How long the loop waited for its batch, as a share of the time that passed.
#[derive(Debug, Default)]
pub struct Waiting {
    waited: Duration,
    passed: Duration,
}

impl Waiting {
    pub fn add(&mut self, waited: Duration, passed: Duration) {
        self.waited += waited;
        self.passed += passed;
    }

    /// 0 to 1; 0 before anything was measured.
    pub fn share(&self) -> f64 {
        if self.passed.is_zero() {
            0.0
        } else {
            self.waited.as_secs_f64() / self.passed.as_secs_f64()
        }
    }
}
