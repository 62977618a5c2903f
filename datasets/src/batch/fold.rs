//! The two halves of cross-validation: a model trained on one half restores the other, so that no medium-quality picture is
//! made by a model that has seen its clean side.

use std::collections::{BTreeSet, HashSet};

use crate::random::Key;

/// Splits pictures into two halves by name: the indices of each, in the given order.
///
/// Where a name goes depends only on the set of names and the seed, not on the order or on repetitions; a name that occurs several
/// times (one clean picture at three noise levels) goes to one half with all its occurrences. Of an odd number of
/// different names the first half gets one more.
pub fn folds(names: &[String], seed: u64) -> (Vec<usize>, Vec<usize>) {
    let ranked: BTreeSet<(u64, &str)> = names
        .iter()
        .map(|name| (Key::new("fold", seed).text(name).seed(), name.as_str()))
        .collect();
    let half = ranked.len().div_ceil(2);
    let first: HashSet<&str> = ranked.iter().take(half).map(|(_, name)| *name).collect();
    (0..names.len()).partition(|index| first.contains(names[*index].as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|i| format!("{i}.png")).collect()
    }

    #[test]
    fn halves_are_whole_disjoint_and_even() {
        for count in [0, 1, 2, 5, 200] {
            let (a, b) = folds(&names(count), 3);
            assert_eq!((a.len(), b.len()), (count.div_ceil(2), count / 2));
            let mut all = [a, b].concat();
            all.sort_unstable();
            assert_eq!(all, (0..count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_order_of_names_and_their_repetition_do_not_matter() {
        let forward = names(50);
        let mut other: Vec<String> = forward.iter().rev().cloned().collect();
        other.extend(names(20));
        let (a, _) = folds(&forward, 7);
        let (b, rest) = folds(&other, 7);
        let set =
            |indices: &[usize], of: &[String]| -> BTreeSet<String> { indices.iter().map(|i| of[*i].clone()).collect() };
        assert_eq!(set(&a, &forward), set(&b, &other));
        assert!(set(&b, &other).is_disjoint(&set(&rest, &other)));
    }

    #[test]
    fn another_seed_splits_otherwise() {
        assert_ne!(folds(&names(40), 1), folds(&names(40), 2));
    }
}
