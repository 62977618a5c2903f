//! What the tests of every kernel check: that it equals the plain version in value and gradients, with any instructions,
//! and that its bits do not depend on the number of threads.

use burn::tensor::{Device, Shape, Tensor, TensorData};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::ThreadPoolBuilder;

use super::{
    dispatch::{Simd, with_simd},
    threads::wake_all,
};

/// Inputs of an operation as flat leaves, which it shapes itself.
type Operation<'a> = &'a (dyn Fn(&[Tensor<1>]) -> Tensor<4> + Sync);

/// Numbers around zero, the same for the same seed.
fn drawn(length: usize, seed: u64) -> Vec<f32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    (0..length).map(|_| random.random_range(-2.0..2.0)).collect()
}

/// A tensor of such numbers, of which a gradient is asked where the device knows of any.
pub fn random<const D: usize>(seed: u64, shape: [usize; D], device: &Device) -> Tensor<D> {
    let data = TensorData::new(drawn(shape.iter().product(), seed), shape);
    let tensor = Tensor::from_data(data, device);
    if tensor.is_autodiff() {
        tensor.require_grad()
    } else {
        tensor
    }
}

/// The output, and the gradients of a random weighting of it by every input.
fn evaluate(lengths: &[usize], seed: u64, operation: Operation) -> Vec<Vec<f32>> {
    let device = Device::flex().autodiff();
    let leaf = |(index, length): (usize, &usize)| {
        let numbers = drawn(*length, seed + index as u64);
        Tensor::<1>::from_data(TensorData::new(numbers, [*length]), &device).require_grad()
    };
    let leaves: Vec<_> = lengths.iter().enumerate().map(leaf).collect();
    let output = operation(&leaves);
    let shape: Shape = output.shape();
    let weighting = TensorData::new(drawn(shape.num_elements(), seed + 99), shape);
    let gradients = (output.clone() * Tensor::from_data(weighting, &device))
        .sum()
        .backward();
    let mut results = vec![numbers(output)];
    results.extend(
        leaves
            .iter()
            .map(|leaf| leaf.grad(&gradients).map_or(vec![0.0; leaf.dims()[0]], numbers)),
    );
    results
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

/// The same on a thread whose others are awake, and join in.
fn evaluate_awake(lengths: &[usize], seed: u64, operation: Operation) -> Vec<Vec<f32>> {
    wake_all();
    evaluate(lengths, seed, operation)
}

/// Output and gradients of `own` equal those of `plain` within 1e-5 of the largest number, with every [`Simd`].
pub fn assert_agrees(lengths: &[usize], seed: u64, own: Operation, plain: Operation) {
    let expected = evaluate(lengths, seed, plain);
    for simd in Simd::available() {
        let results = with_simd(simd, 2, || evaluate_awake(lengths, seed, own));
        for (index, (result, expected)) in results.iter().zip(&expected).enumerate() {
            assert_eq!(result.len(), expected.len());
            // A sum of many numbers is no more exact than they are, however small it comes out.
            let summed = (results[0].len() as f32 / expected.len().max(1) as f32).sqrt();
            let least = 0.5 * if index == 0 { 0.0 } else { summed.max(1.0) };
            let scale = expected
                .iter()
                .fold(least.max(1e-3), |scale, number| scale.max(number.abs()));
            let error = result.iter().zip(expected).fold(0.0_f32, |error, (a, b)| {
                if a.is_nan() ^ b.is_nan() {
                    f32::INFINITY
                } else {
                    error.max((a - b).abs())
                }
            });
            let what = if index == 0 {
                "output".to_string()
            } else {
                format!("gradient of input {index}")
            };
            assert!(
                error <= 1e-5 * scale,
                "{what} with {}: error {error} at a scale of {scale}",
                simd.name()
            );
        }
    }
}

/// What is computed on a device has the same bits with and without autodiff and with 1, 2 and 5 threads, with every [`Simd`].
pub fn assert_independent_of_gradients_and_threads(computed: &(dyn Fn(&Device) -> Tensor<4> + Sync)) {
    for simd in Simd::available() {
        let tracked = with_simd(simd, 2, || numbers(computed(&Device::flex().autodiff())));
        for threads in [1, 2, 5] {
            let untracked = with_simd(simd, threads, || numbers(computed(&Device::flex())));
            assert!(tracked == untracked, "{}, {threads} threads", simd.name());
        }
    }
}

/// Output and gradients have the same bits with 1, 2 and 5 threads.
pub fn assert_independent_of_threads(lengths: &[usize], operation: Operation) {
    let with_threads = |threads| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| evaluate_awake(lengths, 7, operation))
    };
    let one = with_threads(1);
    assert!(one == with_threads(2) && one == with_threads(5));
}
