//! From sets of pairs to training batches, made ahead of the training on threads of their own.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::mpsc::{Receiver, sync_channel},
    thread::Scope,
};

use perceive_datasets::batch::{Batch, BatchSettings, Batches, Degraded, Sample, Source};
use perceive_model::train::batch::Crops;
use rayon::ThreadPoolBuilder;

use super::{
    Context,
    pairs::{Pair, Set},
};
use crate::{
    failure::{Exit, Failure},
    spec::training::Training,
};

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

/// Starts the loader: it makes the batches of `steps` in order, a few ahead, and ends when the receiver is dropped.
///
/// It works on threads of its own, which give way to those that compute.
///
/// # Errors
/// [`Exit::Unexpected`] where the system has no more threads.
pub fn ahead<'scope>(
    scope: &'scope Scope<'scope, '_>,
    batches: &'scope Batches,
    seed: u64,
    steps: std::ops::Range<u64>,
) -> Result<Receiver<Result<Crops, Failure>>, Failure> {
    let threads = ThreadPoolBuilder::new()
        .num_threads(rayon::current_num_threads())
        .thread_name(|number| format!("loader {number}"))
        .start_handler(|_| give_way())
        .build()
        .map_err(|error| Failure::new(Exit::Unexpected, format!("cannot start the loader: {error}")))?;
    let (sender, receiver) = sync_channel(AHEAD);
    scope.spawn(move || {
        for step in steps {
            let made = threads.install(|| batches.batch(seed, step));
            let made = made.map(crops).map_err(Failure::from);
            let failed = made.is_err();
            if sender.send(made).is_err() || failed {
                return;
            }
        }
    });
    Ok(receiver)
}

/// Lets the threads that compute go first: the calling one takes what they leave, and all of it when they wait for it.
fn give_way() {
    // There, and only there, a thread has a priority of its own. One that stays as it was only costs time.
    #[cfg(target_os = "linux")]
    // SAFETY: changes the calling thread's priority and nothing else.
    unsafe {
        libc::nice(10);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use perceive_datasets::{degradation::Noise, picture::Picture};

    use super::*;

    /// Batches over three small pictures under fresh noise.
    fn batches(folder: &std::path::Path, cache: u64) -> Batches {
        let samples = (0..3_u8).map(|number| {
            let mut picture = Picture::new(24, 20);
            picture.rgb.fill(70 * number);
            let clean = folder.join(format!("{number}.png"));
            picture.save_png(&clean).unwrap();
            Sample {
                name: number.to_string(),
                clean,
                degraded: Degraded::Fresh(Noise::new(25.0)),
                kind: 0,
                companions: Vec::new(),
            }
        });
        let source = Source {
            name: "own".into(),
            weight: 1.0,
            samples: samples.collect(),
        };
        let settings = BatchSettings {
            batch: 4,
            patch: 16,
            flips: true,
            second_patch: true,
        };
        Batches::new(vec![source], settings, cache).unwrap()
    }

    /// What a loop that takes so long a step is given.
    fn taken(batches: &Batches, steps: std::ops::Range<u64>, pause: Duration) -> Vec<Crops> {
        std::thread::scope(|scope| {
            let made = ahead(scope, batches, 7, steps).unwrap();
            let taken = made.iter().map(|crops| {
                std::thread::sleep(pause);
                crops.unwrap()
            });
            taken.collect()
        })
    }

    #[test]
    fn what_is_made_ahead_is_what_each_step_would_make_for_itself() {
        let folder = tempfile::tempdir().unwrap();
        let direct = batches(folder.path(), 0);
        let direct: Vec<Crops> = (5..25).map(|step| crops(direct.batch(7, step).unwrap())).collect();
        for (cache, pause) in [(0, 0), (1 << 20, 0), (1000, 3)] {
            let batches = batches(folder.path(), cache);
            assert!(
                taken(&batches, 5..25, Duration::from_millis(pause)) == direct,
                "{cache} {pause}"
            );
        }
        // A training that goes on at a later step is given the same ones.
        let batches = batches(folder.path(), 1 << 20);
        assert!(taken(&batches, 18..25, Duration::ZERO) == direct[13..]);
    }

    #[test]
    fn the_loader_ends_with_the_training_and_with_a_picture_that_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let batches = batches(folder.path(), 0);
        // The scope ends only if the loader does, though it has a million steps to go.
        std::thread::scope(|scope| {
            let made = ahead(scope, &batches, 7, 0..1_000_000).unwrap();
            made.recv().unwrap().unwrap();
            std::fs::remove_file(folder.path().join("1.png")).unwrap();
            let failed = made.iter().find_map(Result::err).unwrap();
            assert_eq!(failed.exit, Exit::Pictures);
            assert!(made.recv().is_err());
        });
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn giving_way_is_of_one_thread_alone() {
        // SAFETY: reads the calling thread's priority.
        let priority = || unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) };
        let before = priority();
        let lowered = std::thread::spawn(move || {
            give_way();
            priority()
        });
        assert_eq!(lowered.join().unwrap(), (before + 10).min(19));
        assert_eq!(priority(), before);
    }
}
