//! One training batch on its way from the loader to the device.

use burn::tensor::{Device, Tensor, TensorData};

/// Crops of `patch` x `patch` pixels in \[0, 1\], each `[batch, 3, patch, patch]` in this order.
#[derive(Clone, Debug, PartialEq)]
pub struct Crops {
    pub batch: usize,
    pub patch: usize,
    pub degraded: Vec<f32>,
    pub clean: Vec<f32>,
    /// Other crops of the same degraded pictures (eq. 12's positives).
    pub second: Option<Vec<f32>>,
    /// The proxies' pictures at the same places (eq. 11's negatives).
    pub negatives: Vec<Vec<f32>>,
    /// Which degradation each sample has.
    pub kinds: Vec<usize>,
}

impl Crops {
    /// `[batch, 3, patch, patch]` on `device`.
    pub fn tensor(&self, pixels: &[f32], device: &Device) -> Tensor<4> {
        Tensor::from_data(
            TensorData::new(pixels.to_vec(), [self.batch, 3, self.patch, self.patch]),
            device,
        )
    }

    /// The samples cut into `count` pieces that follow each other and are as even as can be; as many as there are
    /// samples where there are fewer.
    pub fn pieces(&self, count: usize) -> Vec<Self> {
        let count = count.clamp(1, self.batch.max(1));
        let starts: Vec<usize> = (0..=count).map(|piece| (piece * self.batch).div_ceil(count)).collect();
        let sample = 3 * self.patch * self.patch;
        let piece = |ends: &[usize]| {
            let cut = |pixels: &Vec<f32>| pixels[ends[0] * sample..ends[1] * sample].to_vec();
            Self {
                batch: ends[1] - ends[0],
                patch: self.patch,
                degraded: cut(&self.degraded),
                clean: cut(&self.clean),
                second: self.second.as_ref().map(cut),
                negatives: self.negatives.iter().map(cut).collect(),
                kinds: self.kinds[ends[0]..ends[1]].to_vec(),
            }
        };
        starts.windows(2).map(piece).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_the_batch_again_one_after_the_other() {
        let numbers = |from: usize| (0..5 * 12).map(|n| (from + n) as f32).collect::<Vec<f32>>();
        let batch = Crops {
            batch: 5,
            patch: 2,
            degraded: numbers(0),
            clean: numbers(100),
            second: Some(numbers(200)),
            negatives: vec![numbers(300), numbers(400)],
            kinds: vec![0, 1, 2, 0, 1],
        };
        for (count, sizes) in [(1, vec![5]), (2, vec![3, 2]), (3, vec![2, 2, 1]), (9, vec![1; 5])] {
            let pieces = batch.pieces(count);
            assert_eq!(pieces.iter().map(|piece| piece.batch).collect::<Vec<_>>(), sizes);
            let joined = |of: &dyn Fn(&Crops) -> Vec<f32>| pieces.iter().flat_map(of).collect::<Vec<f32>>();
            assert_eq!(joined(&|piece| piece.degraded.clone()), batch.degraded);
            assert_eq!(joined(&|piece| piece.clean.clone()), batch.clean);
            assert_eq!(joined(&|piece| piece.second.clone().unwrap()), numbers(200));
            assert_eq!(joined(&|piece| piece.negatives[1].clone()), numbers(400));
            let kinds: Vec<usize> = pieces.iter().flat_map(|piece| piece.kinds.clone()).collect();
            assert_eq!(kinds, batch.kinds);
        }
        assert_eq!(batch.pieces(1), [batch]);
    }
}
