//! Which checkpoints are kept: the last ones, the best ones, and the best one that each of them knows of.

use std::collections::BTreeSet;

use super::course::{Score, best};

/// Of the checkpoints at `steps`, those that stay.
pub fn kept(steps: &[u64], scores: &[Score], last: usize, best_ones: usize) -> BTreeSet<u64> {
    let there: BTreeSet<u64> = steps.iter().copied().collect();
    let last = there.iter().rev().take(last.max(1)).copied();
    let mut kept: BTreeSet<u64> = last
        .chain(best(scores, best_ones).iter().map(|score| score.step))
        .collect();
    if best_ones > 0 {
        // Whoever goes on from a kept checkpoint needs the best network of that time.
        let known: Vec<u64> = kept
            .iter()
            .flat_map(|step| {
                let until = scores.partition_point(|score| score.step <= *step);
                best(&scores[..until], 1)
            })
            .map(|score| score.step)
            .collect();
        kept.extend(known);
    }
    kept.retain(|step| there.contains(step));
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(of: &[(u64, f64)]) -> Vec<Score> {
        of.iter()
            .map(|(step, psnr)| Score {
                step: *step,
                psnr: *psnr,
            })
            .collect()
    }

    #[track_caller]
    fn stay(steps: &[u64], of: &[(u64, f64)], last: usize, best: usize, expected: &[u64]) {
        let kept: Vec<u64> = kept(steps, &scores(of), last, best).into_iter().collect();
        assert_eq!(kept, expected);
    }

    #[test]
    fn the_last_ones_stay() {
        stay(&[10, 20, 30, 40], &[], 3, 1, &[20, 30, 40]);
        stay(&[10], &[], 3, 1, &[10]);
        stay(&[10, 20], &[], 0, 0, &[20]);
    }

    #[test]
    fn the_best_ones_stay_beside_them() {
        let of = [(10, 30.0), (20, 28.0), (30, 29.0), (40, 27.0)];
        stay(&[10, 20, 30, 40], &of, 1, 1, &[10, 40]);
        stay(&[10, 20, 30, 40], &of, 1, 2, &[10, 30, 40]);
        stay(&[10, 20, 30, 40], &of, 1, 0, &[40]);
    }

    #[test]
    fn an_earlier_best_stays_as_long_as_a_kept_one_knows_only_that() {
        let of = [(10, 28.0), (40, 29.0)];
        stay(&[10, 20, 30, 40], &of, 2, 1, &[10, 30, 40]);
        stay(&[10, 30, 40, 50, 60], &of, 2, 1, &[40, 50, 60]);
    }
}
