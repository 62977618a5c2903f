//! A checkpoint's shapes, and how settings are found in them.

use perceive_model::weights::Checkpoint;

/// No stack of a network is longer.
const MOST: usize = 1000;

/// The shapes of a checkpoint, or of the part of it whose keys begin alike. Tensors without an element tell nothing.
#[derive(Clone, Copy, Debug)]
pub struct Shapes<'a> {
    checkpoint: &'a Checkpoint,
    prefix: &'a str,
}

impl<'a> Shapes<'a> {
    pub fn of(checkpoint: &'a Checkpoint) -> Self {
        Self { checkpoint, prefix: "" }
    }

    /// The part whose keys begin with `prefix`; they are asked for without it.
    #[must_use]
    pub fn under(self, prefix: &'a str) -> Self {
        Self { prefix, ..self }
    }

    /// All of it.
    pub fn checkpoint(&self) -> &'a Checkpoint {
        self.checkpoint
    }

    pub fn shape(&self, key: &str) -> Option<&'a [usize]> {
        let array = self.checkpoint.tensors.get(&format!("{}{key}", self.prefix))?;
        (!array.shape.contains(&0)).then_some(array.shape.as_slice())
    }

    pub fn has(&self, key: &str) -> bool {
        self.shape(key).is_some()
    }

    /// The first dimension: output channels of a convolution or a linear map, the length of a vector.
    pub fn outputs(&self, key: &str) -> Option<usize> {
        self.shape(key)?.first().copied()
    }

    /// The second dimension: input channels.
    pub fn inputs(&self, key: &str) -> Option<usize> {
        self.shape(key)?.get(1).copied()
    }

    /// How many there are of what is numbered from 0 on.
    pub fn count(&self, key: impl Fn(usize) -> String) -> usize {
        (0..MOST).take_while(|index| self.has(&key(*index))).count()
    }
}

/// The factor that makes of each number of channels the other, rounded down: the usual one if it does, or the one of the
/// fewest decimals; `None` where no factor does.
pub fn factor(usual: f64, pairs: &[(usize, usize)]) -> Option<f64> {
    let fits = |factor: f64| {
        pairs
            .iter()
            .all(|(channels, made)| (*channels as f64 * factor) as usize == *made)
    };
    if pairs.is_empty() {
        return None;
    }
    if fits(usual) {
        return Some(usual);
    }
    let lowest = pairs
        .iter()
        .map(|(channels, made)| *made as f64 / *channels as f64)
        .fold(0.0, f64::max);
    let rounded = (0..12).map(|decimals| {
        let scale = 10_f64.powi(decimals);
        (lowest * scale).ceil() / scale
    });
    rounded.chain([lowest]).find(|factor| fits(*factor))
}

/// The divisor that makes of each number of channels the other, rounded down: the usual one if it does, or the smallest.
pub fn divisor(usual: usize, pairs: &[(usize, usize)]) -> Option<usize> {
    let fits = |divisor: usize| pairs.iter().all(|(channels, made)| channels / divisor == *made);
    let most = pairs.iter().map(|(channels, _)| *channels).min()?.min(MOST);
    std::iter::once(usual).chain(1..=most).find(|divisor| fits(*divisor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_factor_is_kept_where_it_fits_and_else_the_shortest_is_found() {
        let made = |factor: f64| [48, 96, 192, 384].map(|channels| (channels, (channels as f64 * factor) as usize));
        for factor_of in [2.66, 2.0, 1.5, 2.7, 3.125] {
            assert_eq!(factor(2.66, &made(factor_of)), Some(factor_of));
        }
        assert_eq!(factor(2.66, &[(10, 20), (20, 90)]), None);
        assert_eq!(factor(2.66, &[]), None);
    }

    #[test]
    fn the_usual_divisor_is_kept_where_it_fits() {
        let made = |divisor: usize| [48, 96, 192, 384].map(|channels| (channels, channels / divisor));
        assert_eq!(divisor(30, &made(30)), Some(30));
        assert_eq!(divisor(30, &made(4)), Some(4));
        assert_eq!(divisor(4, &[(8, 3), (16, 3)]), None);
    }
}
