//! Momentum contrast (MoCo; He et al., CVPR 2020), by which AirNet's encoder learns: two crops of one picture must be nearer
//! to each other than to what a queue remembers of earlier pictures.
//!
//! Only training needs it. Fields are named as in the official checkpoints, where they stand under `E.E.`.

use std::collections::BTreeMap;

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId},
    tensor::{Device, Int, Tensor, TensorData},
};

use super::Encoder;
use crate::weights::{
    KeyPath,
    recipe::{hash, units},
};

/// What of the moving average stays in a step.
const MOMENTUM: f64 = 0.999;

/// The encoder's moving average, and the queue of what it said of earlier pictures. No gradient goes into either: they live
/// on a device without autodiff.
#[derive(Module, Debug)]
pub struct MomentumContrast {
    encoder_k: Encoder,
    /// A column a key: `[z, keys]`.
    queue: Param<Tensor<2>>,
    /// The column that the next key goes to: `[1]`.
    queue_ptr: Param<Tensor<1, Int>>,
}

impl MomentumContrast {
    /// With the weights of `encoder`, and a queue of directions that depend on `seed` alone.
    pub fn new(encoder: &Encoder, keys: usize, seed: u64, device: &Device) -> Self {
        let width = encoder.width();
        let drawn = units(hash(&format!("queue of keys {seed}"))).take(width * keys);
        let drawn = TensorData::new(drawn.collect::<Vec<f32>>(), [width, keys]);
        let drawn = Tensor::<2>::from_data(drawn, device);
        let length = drawn.clone().powi_scalar(2).sum_dim(0).sqrt().clamp_min(1e-12);
        let first = Tensor::<1, Int>::from_data([0], device);
        Self {
            encoder_k: encoder.valid().no_grad(),
            queue: Param::initialized(ParamId::new(), drawn / length).set_require_grad(false),
            queue_ptr: Param::initialized(ParamId::new(), first),
        }
    }

    /// How much likelier `z` is of the picture that `other` is a second crop of than of any in the queue: logits, first the
    /// right one. Then the average has followed `encoder`, and the queue holds what it says of `other`.
    ///
    /// # Shapes
    /// - z `[B, width]` of length 1, by `encoder`
    /// - other `[B, 3, H, W]`
    /// - output `[B, 1 + keys]`
    pub fn compare(&mut self, encoder: &Encoder, z: Tensor<2>, other: Tensor<4>, temperature: f64) -> Tensor<2> {
        self.follow(encoder);
        let keys = self.encoder_k.learn(other.without_autodiff()).z;
        let learns = z.is_autodiff();
        let constant = |tensor: Tensor<2>| if learns { tensor.autodiff() } else { tensor };
        let right = (z.clone() * constant(keys.clone())).sum_dim(1);
        let wrong = z.matmul(constant(self.queue.val()));
        self.enqueue(keys);
        Tensor::cat(vec![right, wrong], 1) / temperature
    }

    /// The average takes a thousandth of the encoder's weights; statistics of norms are its own.
    fn follow(&mut self, encoder: &Encoder) {
        let mut weights = Weights::default();
        encoder.valid().visit(&mut weights);
        let average = self.encoder_k.clone();
        self.encoder_k = average.map(&mut Average {
            path: KeyPath::default(),
            weights: weights.found,
        });
    }

    /// `[B, width]` takes the place of the B oldest keys.
    fn enqueue(&mut self, keys: Tensor<2>) {
        let [width, length] = self.queue.val().dims();
        let at = self.queue_ptr.val().into_scalar::<i64>() as usize;
        let count = keys.dims()[0].min(length);
        let before_end = count.min(length - at);
        let columns = keys.transpose();
        let mut queue = self.queue.val();
        queue = queue.slice_assign(
            [0..width, at..at + before_end],
            columns.clone().narrow(1, 0, before_end),
        );
        if before_end < count {
            let rest = columns.narrow(1, before_end, count - before_end);
            queue = queue.slice_assign([0..width, 0..count - before_end], rest);
        }
        self.queue = self.queue.clone().map(|_| queue);
        let next = ((at + count) % length) as i64;
        self.queue_ptr = self
            .queue_ptr
            .clone()
            .map(|old| Tensor::from_data([next], &old.device()));
    }
}

/// Every weight by its key.
#[derive(Default)]
struct Weights {
    path: KeyPath,
    found: BTreeMap<String, Tensor<1>>,
}

impl ModuleVisitor for Weights {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.found.insert(self.path.key(), param.val().flatten(0, D - 1));
    }
}

struct Average {
    path: KeyPath,
    weights: BTreeMap<String, Tensor<1>>,
}

impl ModuleMapper for Average {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let key = self.path.key();
        let weight = self.weights.remove(&key).filter(|_| !key.contains("running_"));
        match weight {
            Some(weight) => param.map(|average| {
                let weight = weight.reshape(average.dims());
                average * MOMENTUM + weight * (1.0 - MOMENTUM)
            }),
            None => param,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contrast(keys: usize) -> (Encoder, MomentumContrast) {
        let plain = Device::flex();
        let encoder = Encoder::new([4, 5, 6], &plain.clone().autodiff());
        let contrast = MomentumContrast::new(&encoder, keys, 3, &plain);
        (encoder, contrast)
    }

    fn values(tensor: Tensor<2>) -> Vec<f32> {
        tensor.into_data().try_to_vec().unwrap()
    }

    #[test]
    fn the_queue_is_filled_in_turn_and_round_its_end() {
        let (_, mut contrast) = contrast(5);
        let keys = |first: f32| {
            let rows = (0..3).flat_map(|row| vec![first + row as f32; 6]).collect::<Vec<_>>();
            Tensor::<2>::from_data(TensorData::new(rows, [3, 6]), &Device::flex())
        };
        contrast.enqueue(keys(10.0));
        contrast.enqueue(keys(20.0));
        assert_eq!(values(contrast.queue.val())[..5], [22.0, 11.0, 12.0, 20.0, 21.0]);
        assert_eq!(contrast.queue_ptr.val().into_scalar::<i64>(), 1);
    }

    #[test]
    fn keys_have_the_length_one_and_depend_on_the_seed_alone() {
        let (encoder, contrast) = contrast(7);
        let again = MomentumContrast::new(&encoder, 7, 3, &Device::flex());
        let other = MomentumContrast::new(&encoder, 7, 4, &Device::flex());
        let lengths = contrast.queue.val().powi_scalar(2).sum_dim(0);
        assert!(values(lengths).iter().all(|length| (length - 1.0).abs() < 1e-5));
        assert_eq!(values(contrast.queue.val()), values(again.queue.val()));
        assert_ne!(values(contrast.queue.val()), values(other.queue.val()));
    }

    #[test]
    fn gradients_reach_the_encoder_and_its_average_has_none() {
        let (mut encoder, mut contrast) = contrast(8);
        let device = Device::flex().autodiff();
        let image = |value: f32| {
            let pixels = (0..2 * 3 * 64).map(|at| (at as f32 * value).sin()).collect::<Vec<_>>();
            Tensor::<4>::from_data(TensorData::new(pixels, [2, 3, 8, 8]), &device)
        };
        let z = encoder.learn(image(0.7)).z;
        let logits = contrast.compare(&encoder, z, image(0.9), 0.07);
        assert_eq!(logits.dims(), [2, 9]);
        let gradients = logits.narrow(1, 0, 1).sum().backward();
        assert!(crate::weights::gradient(&encoder, &gradients, "mlp.2.weight").is_some());
        assert!(!contrast.queue.val().is_autodiff());
    }
}
