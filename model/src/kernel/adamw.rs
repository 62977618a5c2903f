//! AdamW on plain numbers: one pass over value, gradient and both moments, in place, all parameters in parallel.
//!
//! A buffer that others still hold, such as a copy of the network, stays as it is: then ours is copied first.

use burn::{
    backend::{Flex, flex::FlexTensor},
    tensor::Tensor,
};

use super::{
    dispatch::{Simd, multiversion},
    operation::{fits, flat},
    sums::sum_of_squares,
    threads::Share,
};

/// A parameter in the optimiser's hands: everything flat, and of one length.
#[derive(Clone, Debug)]
pub struct Learned {
    pub value: Tensor<1>,
    pub gradient: Tensor<1>,
    pub first: Tensor<1>,
    pub second: Tensor<1>,
}

/// What a step does to every number.
#[derive(Clone, Copy, Debug)]
pub struct AdamwStep {
    pub beta1: f64,
    pub beta2: f64,
    pub epsilon: f64,
    /// What gradients are multiplied by.
    pub gradient_scale: f64,
    /// What is left of a value: 1 - rate · decay.
    pub keep: f64,
    /// rate / (1 - β1^t)
    pub rate: f64,
    /// √(1 - β2^t)
    pub deviation: f64,
}

/// Numbers of a task.
const PIECE: usize = 16_384;

/// `p ← p keep - rate m / (√v / deviation + ε)`, with the moments m and v of the scaled gradient.
pub fn adamw(parameters: Vec<Learned>, step: AdamwStep) -> Vec<Learned> {
    let all_fit = parameters.iter().all(|parameter| {
        let Learned {
            value,
            gradient,
            first,
            second,
        } = parameter;
        [value, gradient, first, second].into_iter().all(fits)
    });
    if !all_fit {
        return parameters.into_iter().map(|parameter| plain(parameter, step)).collect();
    }
    let simd = Simd::current();
    let numbers = Numbers::of(step);
    let mut buffers: Vec<[FlexTensor; 4]> = parameters
        .into_iter()
        .map(|parameter| [parameter.value, parameter.first, parameter.second, parameter.gradient].map(flat))
        .collect();
    let pieces = buffers.iter_mut().flat_map(|[value, first, second, gradient]| {
        let changed = [value, first, second].map(|buffer| buffer.storage_mut::<f32>().chunks_mut(PIECE));
        let [values, firsts, seconds] = changed;
        let gradients = gradient.storage::<f32>().chunks(PIECE);
        values.zip(gradients).zip(firsts.zip(seconds))
    });
    pieces.share(|((values, gradients), (firsts, seconds))| update(simd, values, gradients, firsts, seconds, numbers));
    let tensors = buffers
        .into_iter()
        .map(|buffers| buffers.map(Tensor::from_primitive::<Flex>));
    tensors
        .map(|[value, first, second, gradient]| Learned {
            value,
            gradient,
            first,
            second,
        })
        .collect()
}

/// The norm of all gradients together: sums of squares of pieces, added in their order.
pub fn global_norm(gradients: Vec<Tensor<1>>) -> f64 {
    if !gradients.iter().all(fits) {
        let square = |gradient: Tensor<1>| (gradient.clone() * gradient).sum().into_scalar::<f32>();
        let squares = gradients.into_iter().map(|gradient| f64::from(square(gradient)));
        return squares.sum::<f64>().sqrt();
    }
    let simd = Simd::current();
    let buffers: Vec<FlexTensor> = gradients.into_iter().map(flat).collect();
    let pieces = buffers.iter().flat_map(|buffer| buffer.storage::<f32>().chunks(PIECE));
    let squares = pieces.share_map(|piece| sum_of_squares(simd, piece));
    squares.into_iter().map(f64::from).sum::<f64>().sqrt()
}

/// The step in Burn's operations.
fn plain(parameter: Learned, step: AdamwStep) -> Learned {
    let gradient = parameter.gradient * step.gradient_scale;
    let first = parameter.first * step.beta1 + gradient.clone() * (1.0 - step.beta1);
    let second = parameter.second * step.beta2 + gradient.clone() * gradient.clone() * (1.0 - step.beta2);
    let direction = first.clone() / (second.clone().sqrt() / step.deviation + step.epsilon);
    Learned {
        value: parameter.value * step.keep - direction * step.rate,
        gradient,
        first,
        second,
    }
}

/// A step's numbers in single precision.
#[derive(Clone, Copy)]
struct Numbers {
    /// β, and 1 - β.
    beta1: [f32; 2],
    beta2: [f32; 2],
    epsilon: f32,
    gradient_scale: f32,
    keep: f32,
    rate: f32,
    inverse_deviation: f32,
}

impl Numbers {
    fn of(step: AdamwStep) -> Self {
        let with_rest = |beta: f64| [beta, 1.0 - beta].map(|number| number as f32);
        Self {
            beta1: with_rest(step.beta1),
            beta2: with_rest(step.beta2),
            epsilon: step.epsilon as f32,
            gradient_scale: step.gradient_scale as f32,
            keep: step.keep as f32,
            rate: step.rate as f32,
            inverse_deviation: (1.0 / step.deviation) as f32,
        }
    }
}

multiversion! {
    fn update<A, L>(values: &mut [f32], gradients: &[f32], firsts: &mut [f32], seconds: &mut [f32], step: Numbers) {
        let moments = firsts.iter_mut().zip(seconds);
        for ((value, gradient), (first, second)) in values.iter_mut().zip(gradients).zip(moments) {
            let gradient = gradient * step.gradient_scale;
            *first = A::mul_add(*first, step.beta1[0], gradient * step.beta1[1]);
            *second = A::mul_add(*second, step.beta2[0], gradient * gradient * step.beta2[1]);
            let deviation = A::mul_add(second.sqrt(), step.inverse_deviation, step.epsilon);
            *value = A::mul_add(*value, step.keep, -step.rate * (*first / deviation));
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};
    use proptest::prelude::*;
    use rayon::ThreadPoolBuilder;

    use super::*;
    use crate::kernel::dispatch::with_simd;

    const STEP: AdamwStep = AdamwStep {
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        gradient_scale: 0.7,
        keep: 0.99,
        rate: 1e-2,
        deviation: 0.3,
    };

    /// A number for each seed and place, around zero.
    fn numbers(length: usize, seed: u64) -> Tensor<1> {
        let number = |place: usize| ((place as f32 + 1.0) * (seed % 97 + 3) as f32 * 0.618).fract() - 0.5;
        let numbers: Vec<f32> = (0..length).map(number).collect();
        Tensor::from_data(TensorData::new(numbers, [length]), &Device::flex())
    }

    fn learned(length: usize, seed: u64) -> Learned {
        Learned {
            value: numbers(length, seed),
            gradient: numbers(length, seed + 1),
            first: numbers(length, seed + 2),
            second: numbers(length, seed + 3).abs(),
        }
    }

    fn state(parameters: Vec<Learned>) -> Vec<Vec<f32>> {
        let tensors = parameters
            .into_iter()
            .flat_map(|parameter| [parameter.value, parameter.first, parameter.second]);
        tensors.map(|tensor| tensor.into_data().try_to_vec().unwrap()).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        #[test]
        fn equals_plain(lengths in prop::collection::vec(1_usize..40_000, 1..4), seed in 0_u64..1000) {
            let parameters: Vec<_> = lengths.iter().map(|length| learned(*length, seed)).collect();
            let expected = state(parameters.iter().cloned().map(|parameter| plain(parameter, STEP)).collect());
            for simd in Simd::available() {
                let results = state(with_simd(simd, 2, || adamw(parameters.clone(), STEP)));
                for (result, expected) in results.iter().flatten().zip(expected.iter().flatten()) {
                    prop_assert!((result - expected).abs() <= 1e-5 * expected.abs().max(1e-1), "{result} is not {expected}");
                }
            }
        }
    }

    #[test]
    fn buffers_of_ours_alone_are_changed_in_place_and_others_are_kept() {
        let address = |tensor: &Tensor<1>| flat(tensor.clone()).bytes().as_ptr();
        let parameter = learned(1000, 1);
        let addresses = [&parameter.value, &parameter.first, &parameter.second].map(address);
        let stepped = adamw(vec![parameter], STEP).remove(0);
        assert_eq!(
            [&stepped.value, &stepped.first, &stepped.second].map(address),
            addresses
        );

        let copy = stepped.clone();
        let before = state(vec![copy.clone()]);
        adamw(vec![stepped], STEP);
        assert_eq!(state(vec![copy]), before);
    }

    #[test]
    fn the_norm_is_that_of_one_long_vector() {
        let parts = [numbers(40_000, 5), numbers(3, 6)];
        let whole: f64 = parts
            .iter()
            .flat_map(|part| part.to_data().try_to_vec::<f32>().unwrap())
            .map(|number| f64::from(number).powi(2))
            .sum();
        let norm = global_norm(parts.to_vec());
        assert!((norm - whole.sqrt()).abs() < 1e-5 * norm, "{norm}");
    }

    #[test]
    fn threads_do_not_change_bits() {
        let with_threads = |threads| {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let parameters: Vec<_> = [50_000, 7, 16_385].map(|length| learned(length, 2)).to_vec();
                let gradients = parameters.iter().map(|parameter| parameter.gradient.clone());
                (global_norm(gradients.collect()), state(adamw(parameters, STEP)))
            })
        };
        let one = with_threads(1);
        assert!(one == with_threads(2) && one == with_threads(5));
    }
}
