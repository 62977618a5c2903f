//! Pictures held out of a training, and the PSNR that the network reaches on them.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashSet},
    path::{Component, Path, PathBuf},
};

use burn::tensor::{Tensor, TensorData};
use perceive_datasets::{picture::Picture, random::Key};
use perceive_model::{
    metric::{Planes, psnr_rgb},
    train::restorer,
};

use super::{attempt::Attempt, restorer::Seen};
use crate::{
    failure::{Exit, Failure},
    spec::training::Validation,
    stage::{
        Context,
        pairs::{Pair, Set},
        restorer::measurable,
    },
};

/// What is counted for two equal pictures, whose PSNR is infinite, in dB.
const EQUAL: f64 = 100.0;

/// What a training does not learn from. Empty where there are no validations.
#[derive(Debug, Default)]
pub struct HeldOut {
    /// Clean pictures; no pair with one of them is learned from.
    scenes: HashSet<PathBuf>,
    /// The pairs that are measured.
    pub pairs: Vec<Pair>,
}

impl HeldOut {
    /// Chooses among the pairs that the training would learn from (`learned`): from each set in turn the next scene by a rank
    /// that follows from the seed and the names alone. No set loses more than half its scenes.
    ///
    /// # Errors
    /// [`Exit::Pictures`] where nothing can be held out.
    pub fn choose(
        sets: &[Set],
        pairs: &[Vec<Pair>],
        settings: &Validation,
        seed: u64,
        learned: impl Fn(&Set, &Pair) -> bool,
    ) -> Result<Self, Failure> {
        let mut held = Self::default();
        if settings.is_off() {
            return Ok(held);
        }
        // Each set's scenes in order of their rank; the last is the next to be taken.
        let mut queues: Vec<Vec<&Pair>> = Vec::new();
        let mut scenes_of: Vec<BTreeSet<PathBuf>> = Vec::new();
        for (set, pairs) in sets.iter().zip(pairs) {
            let mut scenes: BTreeMap<PathBuf, (u64, &Pair)> = BTreeMap::new();
            for pair in pairs.iter().filter(|pair| pair.border == 0 && learned(set, pair)) {
                let rank = Key::new("validation", seed).text(&set.group).text(&pair.name).seed();
                let first = scenes.entry(scene(&pair.clean)).or_insert((rank, pair));
                if rank < first.0 {
                    *first = (rank, pair);
                }
            }
            scenes_of.push(scenes.keys().cloned().collect());
            let mut queue: Vec<(u64, &Pair)> = scenes.into_values().collect();
            queue.sort_by_key(|(rank, pair)| Reverse((*rank, pair.name.as_str())));
            queues.push(queue.into_iter().map(|(_, pair)| pair).collect());
        }
        let may_go = |held: &HashSet<PathBuf>, scene: &PathBuf| {
            let taken = |scenes: &BTreeSet<PathBuf>| held.iter().filter(|held| scenes.contains(*held)).count();
            let mut concerned = scenes_of.iter().filter(|scenes| scenes.contains(scene));
            held.contains(scene) || concerned.all(|scenes| 2 * (taken(scenes) + 1) <= scenes.len())
        };
        while held.pairs.len() < settings.pictures && queues.iter().any(|queue| !queue.is_empty()) {
            for queue in &mut queues {
                if held.pairs.len() == settings.pictures {
                    break;
                }
                while let Some(pair) = queue.pop() {
                    let scene = scene(&pair.clean);
                    if may_go(&held.scenes, &scene) {
                        held.scenes.insert(scene);
                        held.pairs.push(pair.clone());
                        break;
                    }
                }
            }
        }
        if held.pairs.is_empty() {
            let text = "too few pictures to hold some out for validation: every training set needs two scenes";
            return Err(Failure::new(Exit::Pictures, text).help("add pictures, or set training.validation.every = 0"));
        }
        Ok(held)
    }

    /// Whether this pair is kept from the training.
    pub fn holds(&self, pair: &Pair) -> bool {
        !self.scenes.is_empty() && self.scenes.contains(&scene(&pair.clean))
    }

    /// The mean PSNR of the network on the held-out pictures, whole, in dB. `seen` is kept from one
    /// validation to the next. `None`: stopped on request.
    ///
    /// # Errors
    /// Unreadable pictures, and a network that makes NaN or infinity of one.
    pub fn psnr(
        &self,
        context: &mut Context,
        attempt: &mut Attempt,
        training: &mut restorer::Training,
        seen: &mut Seen,
    ) -> Result<Option<f64>, Failure> {
        let mut sum = 0.0;
        for (place, pair) in self.pairs.iter().enumerate() {
            if context.should_stop() {
                return Ok(None);
            }
            let (degraded, clean) = (Picture::open(&pair.degraded)?, Picture::open(&pair.clean)?);
            let restored = attempt.unless_stopped(context, training, |training| {
                let size = [1, 3, degraded.height, degraded.width];
                let data = TensorData::new(degraded.to_planes(), size);
                let image = Tensor::<4>::from_data(data, context.device());
                let guidance = seen.entry(place).or_insert_with(|| training.guidance(&image));
                let guidance = guidance.clone();
                training.restore(image, guidance)
            });
            let restored = restored.map_err(|broken| attempt.not_finite(context, &broken))?;
            let planes = restored.into_data().iter::<f32>().collect();
            let restored = Planes::new(planes, degraded.height, degraded.width)?;
            sum += psnr_rgb(&restored, &measurable(&clean)?)?.min(EQUAL);
        }
        Ok(Some(sum / self.pairs.len().max(1) as f64))
    }
}

/// A clean picture's path in one way of writing it: listings of several degradations reach it from their own folders.
fn scene(clean: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in clean.components() {
        match part {
            Component::ParentDir if plain.file_name().is_some() => {
                plain.pop();
            }
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::pairs::Listing;

    fn set(label: &str, group: &str) -> Set {
        Set {
            label: label.into(),
            kind: label.into(),
            group: group.into(),
            weight: 1.0,
            noise: None,
            without_references: false,
            listing: Listing::Index(String::new()),
        }
    }

    /// Pairs of scenes 0 to `count`, as the listing in `folder` reaches them.
    fn pairs(folder: &str, of: &str, count: usize) -> Vec<Pair> {
        let pair = |i: usize| Pair {
            name: format!("{i}.png"),
            clean: format!("{folder}/../{of}/{i}.png").into(),
            degraded: format!("{folder}/{i}.png").into(),
            border: 0,
        };
        (0..count).map(pair).collect()
    }

    fn choose(pictures: usize, counts: [usize; 3]) -> Result<(HeldOut, Vec<Vec<Pair>>), Failure> {
        let sets = [set("noise", "bsd"), set("haze", "bsd"), set("rain", "rain100l")];
        let pairs = vec![
            pairs("a/noise", "bsd", counts[0]),
            pairs("a/haze", "bsd", counts[1]),
            pairs("a/rain", "clean", counts[2]),
        ];
        let settings = Validation {
            every: 10,
            pictures,
            ..Validation::default()
        };
        let held = HeldOut::choose(&sets, &pairs, &settings, 3, |_, _| true)?;
        Ok((held, pairs))
    }

    #[test]
    fn a_scene_is_held_out_with_all_its_degradations() {
        let (held, pairs) = choose(6, [20, 20, 200]).unwrap();
        assert_eq!(held.pairs.len(), 6);
        let of = |folder: &str| {
            held.pairs
                .iter()
                .filter(|pair| pair.degraded.starts_with(folder))
                .count()
        };
        assert_eq!(["a/noise", "a/haze", "a/rain"].map(of), [2, 2, 2]);
        for (noise, haze) in pairs[0].iter().zip(&pairs[1]) {
            assert_eq!(held.holds(noise), held.holds(haze), "{}", noise.name);
        }
        assert!(held.pairs.iter().all(|pair| held.holds(pair)));
    }

    #[test]
    fn every_set_keeps_at_least_half_its_scenes() {
        let (held, pairs) = choose(1000, [7, 4, 2]).unwrap();
        for (pairs, most) in pairs.iter().zip([3, 2, 1]) {
            let gone = pairs.iter().filter(|pair| held.holds(pair)).count();
            assert!((1..=most).contains(&gone), "{gone} of {}", pairs.len());
        }
        assert_eq!(choose(8, [1, 1, 1]).unwrap_err().exit, Exit::Pictures);
    }

    #[test]
    fn the_choice_depends_on_names_and_seed_only() {
        let names = |held: &HeldOut| held.pairs.iter().map(|pair| pair.name.clone()).collect::<Vec<_>>();
        let (one, _) = choose(6, [20, 20, 20]).unwrap();
        let (again, _) = choose(6, [20, 20, 20]).unwrap();
        assert_eq!(names(&one), names(&again));
        let off = HeldOut::choose(&[], &[], &Validation::default(), 1, |_, _| true).unwrap();
        assert!(off.pairs.is_empty() && !off.holds(&pairs("a", "b", 1)[0]));
    }
}
