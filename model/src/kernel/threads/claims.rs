//! Which of a number of pieces are still to be begun.
//!
//! Each thread has a part of its own, of which it takes one piece after the other without disturbing anybody. When it has none
//! left, it takes a quarter of what another has left.

use std::{
    ops::Range,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

use super::offer::Apart;

/// Reused, for one set of pieces after the other.
#[derive(Debug)]
pub(super) struct Claims {
    /// First and end of what is left of each part.
    parts: Box<[Apart<AtomicU64>]>,
    /// How many threads have come.
    come: Apart<AtomicUsize>,
}

impl Claims {
    /// For so many threads.
    pub fn new(threads: usize) -> Self {
        Self {
            parts: (0..threads).map(|_| Apart::default()).collect(),
            come: Apart::default(),
        }
    }

    /// All of `count` pieces are to be begun. All who claimed pieces before must have left.
    ///
    /// # Panics
    /// If they are more than a `u32` counts.
    pub fn reset(&self, count: usize) {
        assert!(u32::try_from(count).is_ok(), "{count} pieces");
        let threads = self.parts.len();
        for (index, part) in self.parts.iter().enumerate() {
            let [first, end] = [index, index + 1].map(|index| index * count / threads);
            part.0.store(packed(&(first..end)), Relaxed);
        }
        self.come.0.store(0, Relaxed);
    }

    /// The pieces that the thread gets that calls this, and nobody else; until nothing is left to begin.
    pub fn claim(&self) -> impl Iterator<Item = usize> {
        let home = self.come.0.fetch_add(1, Relaxed) % self.parts.len();
        let mut taken = 0..0;
        std::iter::from_fn(move || {
            taken
                .next()
                .or_else(|| self.take(home, |left| left.start..left.start + 1)?.next())
                .or_else(|| {
                    let mut others = (1..self.parts.len()).map(|step| (home + step) % self.parts.len());
                    taken = others
                        .find_map(|other| self.take(other, |left| left.end - left.len().div_ceil(4)..left.end))?;
                    taken.next()
                })
        })
    }

    /// Takes what `choose` wants, the first or the last pieces, of what is left of a part, if something is.
    fn take(&self, part: usize, choose: impl Fn(&Range<usize>) -> Range<usize>) -> Option<Range<usize>> {
        let part = &self.parts[part].0;
        let mut now = part.load(Relaxed);
        loop {
            let left = unpacked(now);
            if left.is_empty() {
                return None;
            }
            let chosen = choose(&left);
            let rest = if chosen.start == left.start {
                chosen.end..left.end
            } else {
                left.start..chosen.start
            };
            match part.compare_exchange_weak(now, packed(&rest), Relaxed, Relaxed) {
                Ok(_) => return Some(chosen),
                Err(newer) => now = newer,
            }
        }
    }
}

fn packed(range: &Range<usize>) -> u64 {
    (range.start as u64) << 32 | range.end as u64
}

fn unpacked(range: u64) -> Range<usize> {
    (range >> 32) as usize..(range & u64::from(u32::MAX)) as usize
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn every_piece_is_claimed_once_however_many_come() {
        let claims = Claims::new(3);
        for come in 1..6 {
            for count in [0, 1, 2, 3, 7, 100, 5000] {
                claims.reset(count);
                let mut all: Vec<usize> = thread::scope(|scope| {
                    let threads: Vec<_> = (0..come).map(|_| scope.spawn(|| claims.claim().collect())).collect();
                    threads
                        .into_iter()
                        .flat_map(|thread| -> Vec<usize> { thread.join().unwrap() })
                        .collect()
                });
                all.sort_unstable();
                assert_eq!(all, (0..count).collect::<Vec<_>>(), "{come} threads");
            }
        }
    }
}
