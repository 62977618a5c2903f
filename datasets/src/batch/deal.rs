//! Which sample stands in which place: the n-th draw of a run, without knowing the draws before it.
//!
//! Sources take turns by a Weyl sequence u_n = (n·A + B) mod 2³² with A = 2³²/φ: its values fill the circle as evenly as any, so each
//! stretch of draws holds each source in almost exactly its share. How many earlier draws went to a source is a sum of
//! floors with a Euclid-like closed form; it is the draw's place in that source's epochs. Each epoch is a permutation of the
//! source's samples (a Feistel network, walked until it falls inside), so every sample has been seen before any is seen again.

use crate::random::Key;

const CIRCLE: u128 = 1 << 32;
/// 2³² / φ, odd.
const STRIDE: u128 = 2_654_435_769;
const ROUNDS: usize = 6;

#[derive(Debug)]
pub struct Deal {
    /// Each source's arc of the circle, from and to, and its number of samples.
    arcs: Vec<(u128, u128, usize)>,
}

impl Deal {
    /// From each source's weight and number of samples; both must be above 0.
    pub fn new(sources: impl Iterator<Item = (f64, usize)> + Clone) -> Self {
        let whole: f64 = sources.clone().map(|(weight, _)| weight).sum();
        let mut arcs: Vec<(u128, u128, usize)> = Vec::new();
        let mut sum = 0.0;
        for (weight, count) in sources {
            let from = arcs.last().map_or(0, |arc| arc.1);
            sum += weight / whole;
            arcs.push((from, ((sum * CIRCLE as f64).round() as u128).min(CIRCLE), count));
        }
        if let Some(last) = arcs.last_mut() {
            last.1 = CIRCLE;
        }
        Self { arcs }
    }

    /// The (source, sample) of the n-th draw.
    pub fn draw(&self, seed: u64, n: u64) -> (usize, usize) {
        let start = u128::from(Key::new("turns", seed).seed()) % CIRCLE;
        let n = u128::from(n);
        let here = (n * STRIDE + start) % CIRCLE;
        let source = self
            .arcs
            .iter()
            .position(|(from, to, _)| (*from..*to).contains(&here))
            .unwrap_or(0);
        let (from, to, count) = self.arcs[source];
        // floor((u + CIRCLE - a) / CIRCLE) steps up where u mod CIRCLE passes a.
        let passed = |border: u128| floor_sum(n, CIRCLE, STRIDE, start + CIRCLE - border);
        let before = passed(from).wrapping_sub(passed(to)) as u64;
        let (epoch, place) = (before / count as u64, before % count as u64);
        let key = Key::new("epoch", seed).number(source as u64).number(epoch);
        (source, permuted(&key, place, count as u64) as usize)
    }
}

/// Σ floor((a·i + b) / m) over i in 0..n.
fn floor_sum(mut n: u128, mut m: u128, mut a: u128, mut b: u128) -> u128 {
    let mut sum = 0u128;
    loop {
        if a >= m {
            sum = sum.wrapping_add((n * n.wrapping_sub(1) / 2).wrapping_mul(a / m));
            a %= m;
        }
        if b >= m {
            sum = sum.wrapping_add(n.wrapping_mul(b / m));
            b %= m;
        }
        let top = a * n + b;
        if top < m {
            return sum;
        }
        n = top / m;
        b = top % m;
        (m, a) = (a, m);
    }
}

/// Where `place` (of 0..`count`) goes in the permutation that the key names.
fn permuted(key: &Key, place: u64, count: u64) -> u64 {
    let bits = (u64::BITS - count.saturating_sub(1).leading_zeros()).div_ceil(2).max(1);
    let mask = (1u64 << bits) - 1;
    let mut stream = key.stream();
    let keys: [u64; ROUNDS] = std::array::from_fn(|_| stream.bits());
    let mut at = place;
    loop {
        let (mut left, mut right) = (at >> bits, at & mask);
        for round in &keys {
            (left, right) = (right, left ^ (mixed(right ^ round) & mask));
        }
        at = (left << bits) | right;
        if at < count {
            return at;
        }
    }
}

/// SplitMix64's finaliser.
fn mixed(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floor_sums_equal_plain_sums() {
        for (n, m, a, b) in [
            (0, 7, 3, 5),
            (1, 7, 3, 50),
            (100, 7, 3, 5),
            (1000, 97, 89, 1234),
            (50, 5, 23, 0),
        ] {
            let plain: u128 = (0..n).map(|i| (a * i + b) / m).sum();
            assert_eq!(floor_sum(n, m, a, b), plain, "{n} {m} {a} {b}");
        }
    }

    #[test]
    fn every_epoch_is_a_permutation() {
        for count in [1u64, 2, 3, 5, 16, 17, 100, 1000] {
            for epoch in 0..3 {
                let key = Key::new("test", 1).number(epoch);
                let mut seen: Vec<u64> = (0..count).map(|place| permuted(&key, place, count)).collect();
                seen.sort_unstable();
                assert_eq!(seen, (0..count).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn permutations_mix_and_differ_between_epochs() {
        let order = |epoch| -> Vec<u64> {
            let key = Key::new("test", 1).number(epoch);
            (0..1000).map(|place| permuted(&key, place, 1000)).collect()
        };
        let (first, second) = (order(0), order(1));
        let same = first.iter().zip(&second).filter(|(a, b)| a == b).count();
        assert!(same < 10, "{same}");
        // Neighbours in the order are strangers in the list: mean distance of a random order is 333.
        let mean = first.windows(2).map(|w| w[0].abs_diff(w[1])).sum::<u64>() as f64 / 999.0;
        assert!((300.0..366.0).contains(&mean), "{mean}");
    }

    #[test]
    fn each_source_gets_its_share_in_every_stretch_and_all_its_samples_in_turn() {
        let weights = [(1.0, 7), (2.5, 40), (0.5, 3)];
        let deal = Deal::new(weights.into_iter());
        let draws: Vec<(usize, usize)> = (0..800).map(|n| deal.draw(9, n)).collect();
        for (source, (weight, count)) in weights.into_iter().enumerate() {
            let turns: Vec<usize> = draws.iter().filter(|d| d.0 == source).map(|d| d.1).collect();
            for stretch in draws.chunks(80) {
                let got = stretch.iter().filter(|d| d.0 == source).count() as f64;
                assert!((got - 20.0 * weight).abs() <= 3.0, "{source}: {got}");
            }
            for epoch in turns.chunks_exact(count) {
                let mut seen = epoch.to_vec();
                seen.sort_unstable();
                assert_eq!(seen, (0..count).collect::<Vec<_>>(), "source {source}");
            }
        }
    }

    #[test]
    fn far_draws_cost_no_more_and_do_not_overflow() {
        let deal = Deal::new([(0.3, 5), (0.7, 72_135)].into_iter());
        for n in [u64::MAX, u64::MAX - 1, 1 << 40] {
            let (source, sample) = deal.draw(1, n);
            assert!(sample < [5, 72_135][source]);
        }
    }
}
