//! 1x1 convolution: a matrix product over channels at every pixel.
//!
//! With X as `[I, pixels]`: `Y = W X + b`, `dX = W^T dY`, and `dW = dY X^T` summed over the pictures, which is cut along
//! the pixels.

use burn::tensor::{Shape, Tensor};
use rayon::prelude::*;

use super::{
    dispatch::Simd,
    matrix::{Matrix, add_product, product_tile, set_product},
    operation::{Kernel, fits, run_convolution},
    plain,
    rectangle::{ranges, rectangles, unwritten, written},
    sums::{channel_sums, sum_pieces},
};

/// # Shapes
/// - x `[B, I, H, W]`, weight `[O, I, 1, 1]`, bias `[O]`
/// - output `[B, O, H, W]`
pub fn pointwise(x: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>) -> Tensor<4> {
    if !fits(&x) {
        return plain::pointwise(x, weight, bias);
    }
    let [batch, inputs, height, width] = x.dims();
    let [outputs, ..] = weight.dims();
    assert_eq!(
        weight.dims(),
        [outputs, inputs, 1, 1],
        "pointwise: weight is [O, I, 1, 1]"
    );
    run_convolution(
        Pointwise {
            batch,
            inputs,
            outputs,
            height,
            width,
        },
        x,
        weight,
        bias,
    )
}

/// Pixels of a piece of the weight's gradient.
const PIECE: usize = 1024;

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
        (self.product(weight, inputs[0], inputs.get(2).copied()), ())
    }

    fn backward(&self, inputs: [&[f32]; N], (): (), gradient: &[f32], wanted: [bool; N]) -> [Option<Vec<f32>>; N] {
        let mut gradients = [const { None }; N];
        if wanted[0] {
            let weight = Matrix::new(inputs[1], [self.outputs, self.inputs], self.inputs);
            gradients[0] = Some(self.product(weight.transposed(), gradient, None));
        }
        if wanted[1] {
            gradients[1] = Some(self.weight_gradient(inputs[0], gradient));
        }
        if N > 2 && wanted[2] {
            gradients[2] = Some(channel_sums(Simd::current(), gradient, self.outputs, self.pixels()));
        }
        gradients
    }
}

impl Pointwise {
    fn pixels(&self) -> usize {
        self.height * self.width
    }

    /// `weight x + bias` for every picture.
    fn product(&self, weight: Matrix, x: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
        let [rows, depth] = weight.shape();
        let pixels = self.pixels();
        let mut output = unwritten(self.batch * rows * pixels);
        let tile = product_tile(self.batch, [rows, depth, pixels]);
        rectangles(&mut output, [rows, pixels], tile)
            .into_par_iter()
            .for_each(|target| {
                let weight = weight.part(target.rows.clone(), 0..depth);
                let picture = Matrix::new(&x[target.item * depth * pixels..], [depth, pixels], pixels);
                let x = picture.part(0..depth, target.columns.clone());
                match bias {
                    Some(bias) => add_product(&mut target.filled(|row| bias[row]), weight, x),
                    None => drop(set_product(target, weight, x)),
                }
            });
        // SAFETY: the rectangles cover the output.
        unsafe { written(output) }
    }

    fn weight_gradient(&self, x: &[f32], gradient: &[f32]) -> Vec<f32> {
        let (inputs, outputs, pixels) = (self.inputs, self.outputs, self.pixels());
        let pieces: Vec<_> = (0..self.batch)
            .flat_map(|item| ranges(pixels, PIECE).map(move |columns| (item, columns)))
            .collect();
        let row_tile = product_tile(pieces.len().min(16), [outputs, inputs, self.batch * pixels])[0];
        sum_pieces(
            [outputs, inputs],
            row_tile,
            &pieces,
            || (),
            |(), target, (item, columns)| {
                let gradient = Matrix::new(&gradient[item * outputs * pixels..], [outputs, pixels], pixels);
                let x = Matrix::new(&x[item * inputs * pixels..], [inputs, pixels], pixels);
                let rows = target.rows.clone();
                let x = x.part(0..inputs, columns.clone()).transposed();
                add_product(target, gradient.part(rows, columns.clone()), x);
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
    fn threads_do_not_change_bits() {
        let size = [2, 33, 70, 48, 51];
        assert_independent_of_threads(&lengths(size), &shaped(size, true, pointwise));
    }
}
