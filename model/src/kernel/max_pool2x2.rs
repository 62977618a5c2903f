//! The maximum of every 2x2 pixels. Which of the four it was is kept for the backward pass, a byte each.

use burn::tensor::{Shape, Tensor};

use super::{
    dispatch::{Simd, multiversion},
    operation::{Kernel, fits, run1},
    plain,
    rectangle::{Unwritten, unwritten, written},
    threads::Share,
};

/// A last odd row or column takes no part. Of equal numbers the first counts.
///
/// # Shapes
/// - x `[B, C, H, W]`
/// - output `[B, C, floor(H / 2), floor(W / 2)]`
pub fn max_pool2x2(x: Tensor<4>) -> Tensor<4> {
    let shape = x.dims();
    if !fits(&x) || shape[2] < 2 || shape[3] < 2 {
        return plain::max_pool2x2(x);
    }
    run1(MaxPool2x2 { shape }, x)
}

#[derive(Clone, Debug)]
struct MaxPool2x2 {
    /// Of the input.
    shape: [usize; 4],
}

impl Kernel<1> for MaxPool2x2 {
    /// Of every maximum, its place in its 2x2.
    type Saved = Vec<u8>;

    fn output_shape(&self) -> Shape {
        let [batch, channels, height, width] = self.shape;
        Shape::new([batch, channels, height / 2, width / 2])
    }

    fn reads(&self, _: [bool; 1]) -> [bool; 1] {
        [false]
    }

    fn forward(&self, [x]: [&[f32]; 1]) -> (Vec<f32>, Vec<u8>) {
        let simd = Simd::current();
        let [input, output] = self.pixels();
        let mut maxima = unwritten(x.len() / input * output);
        let mut places = vec![0; maxima.len()];
        maxima
            .chunks_exact_mut(output)
            .zip(places.chunks_exact_mut(output))
            .zip(x.chunks_exact(input))
            .share(|((maxima, places), x)| pool(simd, maxima, places, x, self.shape[3]));
        // SAFETY: the planes cover the output.
        (unsafe { written(maxima) }, places)
    }

    fn backward(&self, _: [&[f32]; 1], places: Vec<u8>, gradient: &[f32], _: [bool; 1]) -> [Option<Vec<f32>>; 1] {
        let simd = Simd::current();
        let [input, output] = self.pixels();
        let mut result = vec![0.0; gradient.len() / output * input];
        result
            .chunks_exact_mut(input)
            .zip(gradient.chunks_exact(output))
            .zip(places.chunks_exact(output))
            .share(|((result, gradient), places)| unpool(simd, result, gradient, places, self.shape[3]));
        [Some(result)]
    }
}

impl MaxPool2x2 {
    /// Of a plane of the input and of one of the output.
    fn pixels(&self) -> [usize; 2] {
        let [_, _, height, width] = self.shape;
        [height * width, (height / 2) * (width / 2)]
    }
}

multiversion! {
    fn pool<A, L>(maxima: &mut [Unwritten], places: &mut [u8], x: &[f32], width: usize) {
        let half = width / 2;
        let outputs = maxima.chunks_exact_mut(half).zip(places.chunks_exact_mut(half));
        for ((maxima, places), x) in outputs.zip(x.chunks_exact(2 * width)) {
            let (top, bottom) = x.split_at(width);
            let pairs = top.as_chunks::<2>().0.iter().zip(bottom.as_chunks::<2>().0);
            for ((maximum, place), (top, bottom)) in maxima.iter_mut().zip(places).zip(pairs) {
                let (mut most, mut at) = (top[0], 0);
                for (index, number) in [(1, top[1]), (2, bottom[0]), (3, bottom[1])] {
                    let more = number > most || number.is_nan();
                    most = if more { number } else { most };
                    at = if more { index } else { at };
                }
                maximum.write(most);
                *place = at;
            }
        }
    }
}

multiversion! {
    fn unpool<A, L>(result: &mut [f32], gradient: &[f32], places: &[u8], width: usize) {
        let half = width / 2;
        let inputs = gradient.chunks_exact(half).zip(places.chunks_exact(half));
        for (result, (gradient, places)) in result.chunks_exact_mut(2 * width).zip(inputs) {
            let (top, bottom) = result.split_at_mut(width);
            let pairs = top.as_chunks_mut::<2>().0.iter_mut().zip(bottom.as_chunks_mut::<2>().0);
            for ((top, bottom), (gradient, place)) in pairs.zip(gradient.iter().zip(places)) {
                let at = |index: u8| if *place == index { *gradient } else { 0.0 };
                *top = [at(0), at(1)];
                *bottom = [at(2), at(3)];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::agreement::{assert_agrees, assert_independent_of_threads};

    fn shaped(size: [usize; 4], operation: fn(Tensor<4>) -> Tensor<4>) -> impl Fn(&[Tensor<1>]) -> Tensor<4> + Sync {
        move |leaves| operation(leaves[0].clone().reshape(size))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn equals_plain(b in 1_usize..3, c in 1_usize..5, h in 2_usize..40, w in 2_usize..70, seed: u64) {
            let size = [b, c, h, w];
            let length = size.iter().product();
            assert_agrees(&[length], seed >> 1, &shaped(size, max_pool2x2), &shaped(size, plain::max_pool2x2));
        }
    }

    #[test]
    fn not_a_number_stays() {
        let x = Tensor::<4>::from_data([[[[f32::NAN, 1.0], [2.0, 3.0]]]], &burn::tensor::Device::flex());
        assert!(max_pool2x2(x).into_scalar::<f32>().is_nan());
    }

    #[test]
    fn threads_do_not_change_bits() {
        let size = [2, 5, 31, 44];
        assert_independent_of_threads(&[size.iter().product()], &shaped(size, max_pool2x2));
    }
}
