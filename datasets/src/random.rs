//! Where every random number of this crate comes from: streams named by what they are for.
//!
//! A [`Key`] is a name (a domain, a seed and any further numbers and texts); its blake3 hash seeds one ChaCha8 [`Stream`].
//! Two different names give independent streams, the same name gives the same numbers on every machine, and no stream
//! depends on who drew before: that is what makes a batch a pure function of (seed, step). Only exactly rounded
//! arithmetic and `libm` are used, never the platform's own `ln` or `sin`.

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

mod normal;

/// The name of a stream, built part by part: `Key::new("crop", seed).number(step).text("101085.png")`.
#[derive(Clone)]
pub struct Key(blake3::Hasher);

impl Key {
    /// A name that starts with what the numbers are for and the seed that the user chose.
    pub fn new(domain: &str, seed: u64) -> Self {
        Self(blake3::Hasher::new()).text(domain).number(seed)
    }

    /// The name with a number added.
    pub fn number(mut self, value: u64) -> Self {
        self.0.update(b"n").update(&value.to_le_bytes());
        self
    }

    /// The name with a text added; its length is part of the name, so "ab" + "c" differs from "a" + "bc".
    pub fn text(mut self, value: &str) -> Self {
        self.0.update(b"t").update(&(value.len() as u64).to_le_bytes());
        self.0.update(value.as_bytes());
        self
    }

    /// A seed to pass on to a function that takes one.
    pub fn seed(&self) -> u64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.0.finalize().as_bytes()[..8]);
        u64::from_le_bytes(bytes)
    }

    /// The stream of this name, at its beginning.
    pub fn stream(&self) -> Stream {
        Stream {
            source: ChaCha8Rng::from_seed(*self.0.finalize().as_bytes()),
            spare: None,
        }
    }
}

/// Random numbers, one after the other.
#[derive(Clone)]
pub struct Stream {
    source: ChaCha8Rng,
    /// The second normal of a pair, kept for the next call.
    spare: Option<f32>,
}

impl Stream {
    /// 64 uniform bits.
    pub fn bits(&mut self) -> u64 {
        self.source.next_u64()
    }

    /// 32 uniform bits.
    pub fn bits32(&mut self) -> u32 {
        self.source.next_u32()
    }

    /// Uniform in \[0, 1) with 53 bits.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform in \[0, 1) with 24 bits.
    pub fn unit_f32(&mut self) -> f32 {
        (self.bits32() >> 8) as f32 * (1.0 / (1u32 << 24) as f32)
    }

    /// Uniform between the two ends of a range (the low end included); a range of one point gives that point.
    pub fn between(&mut self, range: [f64; 2]) -> f64 {
        range[0] + (range[1] - range[0]) * self.unit()
    }

    /// [`Stream::between`] in f32.
    pub fn span(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit_f32()
    }

    /// Uniform among 0..`count`, without bias (Lemire 2019); 0 for a count of 0.
    pub fn below(&mut self, count: usize) -> usize {
        let count = count as u64;
        if count == 0 {
            return 0;
        }
        let refuse_under = count.wrapping_neg() % count;
        loop {
            let wide = u128::from(self.bits()) * u128::from(count);
            if wide as u64 >= refuse_under {
                return (wide >> 64) as usize;
            }
        }
    }

    /// True with the given probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// One of the choices.
    ///
    /// # Panics
    /// When there is none.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// Standard normal, by Marsaglia's polar method (1964).
    pub fn normal(&mut self) -> f32 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let (first, second) = self.normal_pair();
        self.spare = Some(second);
        first
    }

    /// As many standard normals as there is room for: bit by bit those that [`Stream::normal`] would give one by one, several
    /// times faster.
    pub fn normals(&mut self, out: &mut [f32]) {
        normal::fill(self, out);
    }

    /// Puts the choices in random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    fn normal_pair(&mut self) -> (f32, f32) {
        loop {
            let bits = self.bits();
            let u = f64::from(bits as u32 as i32) * (1.0 / 2_147_483_648.0);
            let v = f64::from((bits >> 32) as u32 as i32) * (1.0 / 2_147_483_648.0);
            let square = u * u + v * v;
            if square > 0.0 && square < 1.0 {
                let scale = (-2.0 * libm::log(square) / square).sqrt();
                return ((u * scale) as f32, (v * scale) as f32);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_always_gives_the_same_numbers() {
        let mut stream = Key::new("test", 7).number(3).text("a").stream();
        let drawn = (stream.bits(), stream.normal().to_bits(), Key::new("test", 7).seed());
        assert_eq!(drawn, (1432183316615157160, 1058126200, 15765922137593092584));
    }

    #[test]
    fn names_that_only_join_alike_differ() {
        let seeds = [
            Key::new("ab", 1).text("c").seed(),
            Key::new("a", 1).text("bc").seed(),
            Key::new("ab", 1).number(0).seed(),
            Key::new("ab", 1).seed(),
            Key::new("ab", 2).seed(),
        ];
        for (i, a) in seeds.iter().enumerate() {
            assert!(seeds[..i].iter().all(|b| a != b));
        }
    }

    #[test]
    fn normals_have_the_moments_of_a_normal() {
        let mut stream = Key::new("test", 1).stream();
        let count = 200_000;
        let mut moments = [0.0f64; 4];
        for _ in 0..count {
            let x = f64::from(stream.normal());
            let mut power = 1.0;
            for moment in &mut moments {
                power *= x;
                *moment += power / f64::from(count);
            }
        }
        // Standard errors: 0.0022, 0.0032, 0.0087, 0.022; each tolerance is four of them.
        assert!(moments[0].abs() < 0.009, "{moments:?}");
        assert!((moments[1] - 1.0).abs() < 0.013, "{moments:?}");
        assert!(moments[2].abs() < 0.035, "{moments:?}");
        assert!((moments[3] - 3.0).abs() < 0.088, "{moments:?}");
    }

    #[test]
    fn below_is_uniform_and_stays_below() {
        let mut stream = Key::new("test", 2).stream();
        let mut counts = [0u32; 7];
        for _ in 0..70_000 {
            counts[stream.below(7)] += 1;
        }
        assert!(counts.iter().all(|c| (9_600..10_400).contains(c)), "{counts:?}");
        assert_eq!(stream.below(0), 0);
        assert_eq!(stream.below(1), 0);
    }

    #[test]
    fn a_shuffle_keeps_every_item() {
        let mut items: Vec<usize> = (0..100).collect();
        Key::new("test", 3).stream().shuffle(&mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
