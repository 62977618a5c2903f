//! 1x1 convolution: a matrix product over channels at every pixel.
//!
//! With X as `[I, pixels]`: `Y = W X + b`, `dX = W^T dY`, and `dW = dY X^T` summed over the pictures, which is cut along
//! the pixels.

use burn::tensor::{Shape, Tensor};

use super::{
    dispatch::Simd,
    matrix::{Matrix, Start, product_tile, set_product_onto},
    operation::{Kernel, fits, run_convolution, run3},
    plain,
    rectangle::{ranges, rectangles, unwritten, written},
    sums::{channel_sums, sum_pieces},
    threads::Share,
};

/// # Shapes
/// - x `[B, I, H, W]`, weight `[O, I, 1, 1]`, bias `[O]`
/// - output `[B, O, H, W]`
pub fn pointwise(x: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>) -> Tensor<4> {
    if !fits(&x) {
        return plain::pointwise(x, weight, bias);
    }
    run_convolution(Pointwise::new(&x, &weight), x, weight, bias)
}

/// `onto + pointwise(x, weight)`, as transformer blocks end; what it is added to passes the output's gradient on.
///
/// # Shapes
/// - onto and output `[B, O, H, W]`, x `[B, I, H, W]`, weight `[O, I, 1, 1]`
pub fn pointwise_onto(onto: Tensor<4>, x: Tensor<4>, weight: Tensor<4>) -> Tensor<4> {
    if !fits(&x) {
        return plain::pointwise(x, weight, None) + onto;
    }
    let kernel = Onto(Pointwise::new(&x, &weight));
    assert_eq!(
        onto.dims(),
        [kernel.0.batch, kernel.0.outputs, kernel.0.height, kernel.0.width],
        "pointwise_onto: onto has the output's shape"
    );
    run3(kernel, x, weight, onto)
}

/// Pixels of a piece of the weight's gradient.
const PIECE: usize = 512;

#[derive(Clone, Debug)]
struct Pointwise {
    batch: usize,
    inputs: usize,
    outputs: usize,
    height: usize,
    width: usize,
}

impl<const N: usize> Kernel<N> for Pointwise {
    type Saved = ();

    fn output_shape(&self) -> Shape {
        Shape::new([self.batch, self.outputs, self.height, self.width])
    }

    fn reads(&self, wanted: [bool; N]) -> [bool; N] {
        let mut reads = [false; N];
        reads[..2].copy_from_slice(&[wanted[1], wanted[0]]);
        reads
    }

    fn forward(&self, inputs: [&[f32]; N]) -> (Vec<f32>, ()) {
        let weight = Matrix::new(inputs[1], [self.outputs, self.inputs], self.inputs);
        let start = inputs.get(2).map_or(Start::Nothing, |bias| Start::Bias(bias));
        (self.product(weight, inputs[0], start), ())
    }

    fn backward(&self, inputs: [&[f32]; N], (): (), gradient: &[f32], wanted: [bool; N]) -> [Option<Vec<f32>>; N] {
        let mut gradients = [const { None }; N];
        let x_gradient = || {
            let weight = Matrix::new(inputs[1], [self.outputs, self.inputs], self.inputs);
            self.product(weight.transposed(), gradient, Start::Nothing)
        };
        gradients[0] = wanted[0].then(x_gradient);
        gradients[1] = wanted[1].then(|| self.weight_gradient(inputs[0], gradient));
        if N > 2 && wanted[2] {
            gradients[2] = Some(channel_sums(Simd::current(), gradient, self.outputs, self.pixels()));
        }
        gradients
    }
}

/// The inputs: x, weight, and what the product is added to.
#[derive(Clone, Debug)]
struct Onto(Pointwise);

impl Kernel<3> for Onto {
    type Saved = ();

    fn output_shape(&self) -> Shape {
        Kernel::<2>::output_shape(&self.0)
    }

    fn reads(&self, [x, weight, _]: [bool; 3]) -> [bool; 3] {
        [weight, x, false]
    }

    fn added(&self) -> [bool; 3] {
        [false, false, true]
    }

    fn forward(&self, [x, weight, onto]: [&[f32]; 3]) -> (Vec<f32>, ()) {
        let weight = Matrix::new(weight, [self.0.outputs, self.0.inputs], self.0.inputs);
        (self.0.product(weight, x, Start::Onto(onto, self.0.outputs)), ())
    }

    fn backward(
        &self,
        [x, weight, _]: [&[f32]; 3],
        (): (),
        gradient: &[f32],
        wanted: [bool; 3],
    ) -> [Option<Vec<f32>>; 3] {
        let [x, weight] = Kernel::<2>::backward(&self.0, [x, weight], (), gradient, [wanted[0], wanted[1]]);
        [x, weight, None]
    }
}

impl Pointwise {
    fn new(x: &Tensor<4>, weight: &Tensor<4>) -> Self {
        let [batch, inputs, height, width] = x.dims();
        let [outputs, ..] = weight.dims();
        assert_eq!(
            weight.dims(),
            [outputs, inputs, 1, 1],
            "pointwise: weight is [O, I, 1, 1]"
        );
        Self {
            batch,
            inputs,
            outputs,
            height,
            width,
        }
    }

    fn pixels(&self) -> usize {
        self.height * self.width
    }

    /// `start + weight x` for every picture.
    fn product(&self, weight: Matrix, x: &[f32], start: Start) -> Vec<f32> {
        let [rows, depth] = weight.shape();
        let pixels = self.pixels();
        let mut output = unwritten(self.batch * rows * pixels);
        let tile = product_tile(self.batch, [rows, depth, pixels]);
        rectangles(&mut output, [rows, pixels], tile)
            .into_iter()
            .share(|target| {
                let weight = weight.part(target.rows.clone(), 0..depth);
                let picture = Matrix::new(&x[target.item * depth * pixels..], [depth, pixels], pixels);
                let x = picture.part(0..depth, target.columns.clone());
                set_product_onto(target, start, weight, x);
            });
        // SAFETY: the rectangles cover the output.
        unsafe { written(output) }
    }

    fn weight_gradient(&self, x: &[f32], gradient: &[f32]) -> Vec<f32> {
        let (inputs, outputs, pixels) = (self.inputs, self.outputs, self.pixels());
        let pieces: Vec<_> = (0..self.batch)
            .flat_map(|item| ranges(pixels, PIECE).map(move |columns| (item, columns)))
            .collect();
        sum_pieces(
            [outputs, self.batch * pixels, inputs],
            None,
            &pieces,
            || (),
            |(), sum, (item, columns)| {
                let gradient = Matrix::new(&gradient[item * outputs * pixels..], [outputs, pixels], pixels);
                let x = Matrix::new(&x[item * inputs * pixels..], [inputs, pixels], pixels);
                let x = x.part(0..inputs, columns.clone()).transposed();
                sum.add_product(gradient.part(sum.rows(), columns.clone()), x);
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::agreement::{assert_agrees, assert_independent_of_threads};

    type Operation = fn(Tensor<4>, Tensor<4>, Option<Tensor<1>>) -> Tensor<4>;

    /// Sizes are batch, inputs, outputs, height, width.
    fn shaped(
        [b, i, o, h, w]: [usize; 5],
        bias: bool,
        operation: Operation,
    ) -> impl Fn(&[Tensor<1>]) -> Tensor<4> + Sync {
        move |leaves| {
            let [x, weight, offset] = [0, 1, 2].map(|leaf| leaves[leaf].clone());
            operation(
                x.reshape([b, i, h, w]),
                weight.reshape([o, i, 1, 1]),
                bias.then_some(offset),
            )
        }
    }

    fn lengths([b, i, o, h, w]: [usize; 5]) -> [usize; 3] {
        [b * i * h * w, o * i, o]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        #[test]
        fn equals_plain(
            b in 1_usize..3, i in 1_usize..40, o in 1_usize..40, h in 1_usize..40, w in 1_usize..40, bias: bool, seed: u64
        ) {
            let size = [b, i, o, h, w];
            let (own, plain) = (shaped(size, bias, pointwise), shaped(size, bias, plain::pointwise));
            assert_agrees(&lengths(size), seed >> 1, &own, &plain);
        }
    }

    #[test]
    fn many_channels_at_few_pixels_equal_plain() {
        let size = [2, 300, 410, 3, 5];
        assert_agrees(
            &lengths(size),
            1,
            &shaped(size, true, pointwise),
            &shaped(size, true, plain::pointwise),
        );
    }

    #[test]
    fn onto_another_tensor_equals_plain() {
        let [b, i, o, h, w] = [2, 9, 21, 17, 13];
        let shaped = |operation: fn(Tensor<4>, Tensor<4>, Tensor<4>) -> Tensor<4>| {
            move |leaves: &[Tensor<1>]| {
                let [onto, x, weight] = [0, 1, 2].map(|leaf| leaves[leaf].clone());
                operation(
                    onto.reshape([b, o, h, w]),
                    x.reshape([b, i, h, w]),
                    weight.reshape([o, i, 1, 1]),
                )
            }
        };
        let plain = shaped(|onto, x, weight| plain::pointwise(x, weight, None) + onto);
        let lengths = [b * o * h * w, b * i * h * w, o * i];
        assert_agrees(&lengths, 3, &shaped(pointwise_onto), &plain);
        // What is added may be what is multiplied, too.
        let twice = |operation: fn(Tensor<4>, Tensor<4>, Tensor<4>) -> Tensor<4>| {
            move |leaves: &[Tensor<1>]| {
                let x = leaves[0].clone().reshape([b, i, h, w]);
                operation(x.clone(), x, leaves[1].clone().reshape([i, i, 1, 1]))
            }
        };
        let plain = twice(|onto, x, weight| plain::pointwise(x, weight, None) + onto);
        assert_agrees(&[b * i * h * w, i * i], 4, &twice(pointwise_onto), &plain);
    }

    #[test]
    fn threads_do_not_change_bits() {
        let size = [2, 33, 70, 48, 51];
        assert_independent_of_threads(&lengths(size), &shaped(size, true, pointwise));
    }
}
