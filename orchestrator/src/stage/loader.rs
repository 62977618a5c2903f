//! From sets of pairs to training batches, made ahead of the training on a thread of their own.

use std::{
    collections::HashMap,
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

/// What tells patches apart in eq. 12: those of one number are no negatives of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Apart {
    Degradations,
    /// Clean pictures: all that was made of one has its number.
    Pictures,
}

impl Apart {
    fn told_by<'a>(self, set: &'a Set, pair: &'a Pair) -> (&'a str, &'a str) {
        match self {
            Self::Degradations => (&set.kind, ""),
            Self::Pictures => (&set.group, &pair.name),
        }
    }
}

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
    apart: Apart,
    keep: impl Fn(&Set, &Pair) -> bool,
    companions: impl Fn(&Set, &Pair) -> Vec<PathBuf>,
) -> Result<Batches, Failure> {
    // Numbered as they come: only whether two numbers are equal matters.
    let mut kinds: HashMap<(&str, &str), usize> = HashMap::new();
    if apart == Apart::Degradations {
        // In the order in which a network that is told them knows them.
        for degradation in Set::degradations(sets) {
            let next = kinds.len();
            kinds.insert((degradation, ""), next);
        }
    }
    let mut kind_of = |set, pair| {
        let next = kinds.len();
        *kinds.entry(apart.told_by(set, pair)).or_insert(next)
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
                kind: kind_of(set, pair),
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
