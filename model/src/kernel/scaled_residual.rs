//! A 1x1 convolution at the end of a residual branch, whose inputs and outputs are weighed channel by channel:
//! `onto + β ⊙ (W (g ⊙ x) + b)`, as NAFNet's blocks end (g is the simplified channel attention).
//!
//! The weights are not applied to pictures but to the matrix: with `M = diag(β) W diag(g)` for every picture,
//! `y = onto + M x + β b`. Backwards, with `D = dy x^T`, `dx = M^T dy`, and all other gradients follow from D and the sums
//! of dy: `dW = Σ diag(β) D diag(g)`, `dg_i = Σ_o β_o W_oi D_oi`, `dβ_o = Σ (Σ_i D_oi W_oi g_i + b_o Σ dy_o)`.

use burn::tensor::{Shape, Tensor};

use super::{
    dispatch::{Simd, multiversion},
    matrix::{Matrix, add_product, product_tile, set_product},
    operation::{Kernel, fits, run5_or_6},
    plain,
    rectangle::{ranges, rectangles, unwritten, written},
    sums::{sum, sum_parts, sum_pieces},
    threads::Share,
};

/// # Shapes
/// - onto and output `[B, O, H, W]`, x `[B, I, H, W]`
/// - gains g `[B, I, 1, 1]`, weight W `[O, I, 1, 1]`, bias b `[O]`, scale β `[1, O, 1, 1]`
pub fn scaled_residual(
    onto: Tensor<4>,
    x: Tensor<4>,
    gains: Option<Tensor<4>>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    scale: Tensor<4>,
) -> Tensor<4> {
    let [batch, inputs, height, width] = x.dims();
    let [outputs, ..] = weight.dims();
    let one_a_channel = |gains: &Tensor<4>| gains.dims() == [batch, inputs, 1, 1];
    if !fits(&x) || !gains.as_ref().is_none_or(one_a_channel) {
        return plain::scaled_residual(onto, x, gains, weight, bias, scale);
    }
    assert!(
        onto.dims() == [batch, outputs, height, width]
            && weight.dims() == [outputs, inputs, 1, 1]
            && scale.dims() == [1, outputs, 1, 1],
        "scaled_residual: onto is [B, O, H, W], weight [O, I, 1, 1] and scale [1, O, 1, 1]"
    );
    let kernel = ScaledResidual {
        batch,
        inputs,
        outputs,
        height,
        width,
    };
    let bias = bias.unwrap_or_else(|| Tensor::zeros([outputs], &x.device()));
    run5_or_6(kernel, [onto, x], weight, bias, scale, gains)
}

/// Pixels of a piece of D.
const PIECE: usize = 1024;

/// Rows of the matrices that a task of the backward pass goes through.
const ROWS: usize = 32;

/// The inputs: onto, x, W, b, β, and g where there is one.
#[derive(Clone, Debug)]
struct ScaledResidual {
    batch: usize,
    inputs: usize,
    outputs: usize,
    height: usize,
    width: usize,
}

impl<const N: usize> Kernel<N> for ScaledResidual {
    type Saved = ();

    fn output_shape(&self) -> Shape {
        Shape::new([self.batch, self.outputs, self.height, self.width])
    }

    fn reads(&self, wanted: [bool; N]) -> [bool; N] {
        let mut reads = [true; N];
        (reads[0], reads[1]) = (false, needs_products(wanted));
        reads
    }

    fn added(&self) -> [bool; N] {
        let mut added = [false; N];
        added[0] = true;
        added
    }

    fn forward(&self, inputs: [&[f32]; N]) -> (Vec<f32>, ()) {
        let [onto, x, weight, bias, scale] = *inputs.first_chunk::<5>().expect("five inputs or six");
        let (rows, depth, pixels) = (self.outputs, self.inputs, self.pixels());
        let mut output = unwritten(onto.len());
        let tile = product_tile(self.batch, [rows, depth, pixels]);
        rectangles(&mut output, [rows, pixels], tile)
            .into_iter()
            .share_with(Vec::new, |matrix, mut target| {
                let start = (target.item * rows + target.rows.start) * pixels + target.columns.start;
                for row in 0..target.rows.len() {
                    let offset = scale[target.rows.start + row] * bias[target.rows.start + row];
                    let onto = &onto[start + row * pixels..];
                    for (number, onto) in target.row(row).iter_mut().zip(onto) {
                        number.write(onto + offset);
                    }
                }
                matrix.clear();
                for row in target.rows.clone() {
                    let weight = &weight[row * depth..][..depth];
                    Self::weigh(matrix, weight, scale[row], self.gains(&inputs, target.item));
                }
                let matrix = Matrix::new(matrix, [target.rows.len(), depth], depth);
                let picture = Matrix::new(&x[target.item * depth * pixels..], [depth, pixels], pixels);
                let x = picture.part(0..depth, target.columns.clone());
                // SAFETY: all rows were just written.
                let mut target = unsafe { target.assume_written() };
                add_product(&mut target, matrix, x);
            });
        // SAFETY: the rectangles cover the output.
        (unsafe { written(output) }, ())
    }

    fn backward(&self, inputs: [&[f32]; N], (): (), gradient: &[f32], wanted: [bool; N]) -> [Option<Vec<f32>>; N] {
        let [_, x, weight, bias, scale] = *inputs.first_chunk::<5>().expect("five inputs or six");
        let simd = Simd::current();
        let (rows, depth) = (self.outputs, self.inputs);
        let mut gradients = [const { None }; N];
        if wanted[1] {
            gradients[1] = Some(self.x_gradient(&inputs, gradient));
        }
        let sums = self.row_sums(gradient);
        let mut scale_gradient: Vec<f32> = sums.iter().zip(bias).map(|(sum, bias)| sum * bias).collect();
        if needs_products(wanted) {
            let mut weight_gradient = vec![0.0; rows * depth];
            let mut gains_gradient = Vec::new();
            let ones = vec![1.0; depth];
            for item in 0..self.batch {
                let gains = self.gains(&inputs, item).unwrap_or(&ones);
                let products = self.products(x, gradient, item);
                let parts = weight_gradient
                    .chunks_mut(ROWS * depth)
                    .zip(scale_gradient.chunks_mut(ROWS))
                    .zip(products.chunks(ROWS * depth).zip(weight.chunks(ROWS * depth)))
                    .zip(scale.chunks(ROWS))
                    .share_map(|(((weight_sums, scale_sums), (products, weight)), scale)| {
                        let mut gains_sums = vec![0.0; depth];
                        let sums = weight_sums.chunks_exact_mut(depth).zip(scale_sums);
                        let matrices = products.chunks_exact(depth).zip(weight.chunks_exact(depth));
                        for (((weight_sums, scale_sum), (products, weight)), &scale) in sums.zip(matrices).zip(scale) {
                            *scale_sum += fold(simd, weight_sums, &mut gains_sums, products, weight, gains, scale);
                        }
                        gains_sums
                    });
                gains_gradient.extend(sum_parts(&parts.concat(), depth));
            }
            gradients[2] = wanted[2].then_some(weight_gradient);
            if N > 5 && wanted[5] {
                gradients[5] = Some(gains_gradient);
            }
        }
        gradients[3] = wanted[3].then(|| sums.iter().zip(scale).map(|(sum, scale)| sum * scale).collect());
        gradients[4] = wanted[4].then_some(scale_gradient);
        gradients
    }
}

/// Whether a wanted gradient follows from D.
fn needs_products<const N: usize>(wanted: [bool; N]) -> bool {
    wanted[2] || wanted[4] || N > 5 && wanted[5]
}

impl ScaledResidual {
    fn pixels(&self) -> usize {
        self.height * self.width
    }

    /// g of a picture.
    fn gains<'a>(&self, inputs: &[&'a [f32]], item: usize) -> Option<&'a [f32]> {
        inputs.get(5).map(|gains| &gains[item * self.inputs..][..self.inputs])
    }

    /// Appends a row of `diag(β) W diag(g)` to `matrix`.
    fn weigh(matrix: &mut Vec<f32>, weight: &[f32], scale: f32, gains: Option<&[f32]>) {
        match gains {
            Some(gains) => matrix.extend(weight.iter().zip(gains).map(|(weight, gain)| scale * weight * gain)),
            None => matrix.extend(weight.iter().map(|weight| scale * weight)),
        }
    }

    /// `M^T dy` for every picture.
    fn x_gradient(&self, inputs: &[&[f32]], gradient: &[f32]) -> Vec<f32> {
        let (weight, scale) = (inputs[2], inputs[4]);
        let (rows, depth, pixels) = (self.inputs, self.outputs, self.pixels());
        let mut output = unwritten(self.batch * rows * pixels);
        let tile = product_tile(self.batch, [rows, depth, pixels]);
        rectangles(&mut output, [rows, pixels], tile)
            .into_iter()
            .share_with(Vec::new, |matrix, target| {
                let gains = self.gains(inputs, target.item).map(|gains| &gains[target.rows.clone()]);
                matrix.clear();
                for (weight, &scale) in weight.chunks_exact(rows).zip(scale) {
                    Self::weigh(matrix, &weight[target.rows.clone()], scale, gains);
                }
                let matrix = Matrix::new(matrix, [depth, target.rows.len()], target.rows.len());
                let picture = Matrix::new(&gradient[target.item * depth * pixels..], [depth, pixels], pixels);
                let gradient = picture.part(0..depth, target.columns.clone());
                set_product(target, matrix.transposed(), gradient);
            });
        // SAFETY: the rectangles cover the output.
        unsafe { written(output) }
    }

    /// The sums of dy over pictures and pixels.
    fn row_sums(&self, gradient: &[f32]) -> Vec<f32> {
        let simd = Simd::current();
        let planes = gradient.chunks_exact(self.pixels());
        let sums = planes.share_map(|plane| sum(simd, plane));
        sum_parts(&sums, self.outputs)
    }

    /// D of a picture, `[O, I]`.
    fn products(&self, x: &[f32], gradient: &[f32], item: usize) -> Vec<f32> {
        let (inputs, outputs, pixels) = (self.inputs, self.outputs, self.pixels());
        let gradient = Matrix::new(&gradient[item * outputs * pixels..], [outputs, pixels], pixels);
        let x = Matrix::new(&x[item * inputs * pixels..], [inputs, pixels], pixels);
        let pieces: Vec<_> = ranges(pixels, PIECE).collect();
        sum_pieces(
            [outputs, pixels, inputs],
            None,
            &pieces,
            || (),
            |(), sum, piece| {
                let gradient = gradient.part(sum.rows(), piece.clone());
                sum.add_product(gradient, x.part(0..inputs, piece.clone()).transposed());
            },
        )
    }
}

multiversion! {
    /// Adds what a row of D gives to a row of dW and to dg; gives its share of dβ.
    fn fold<A, L>(
        weight_sums: &mut [f32],
        gains_sums: &mut [f32],
        products: &[f32],
        weight: &[f32],
        gains: &[f32],
        scale: f32,
    ) -> f32 {
        let mut lanes = [0.0_f32; L];
        for i in 0..products.len() {
            let product = scale * products[i];
            weight_sums[i] = A::mul_add(product, gains[i], weight_sums[i]);
            gains_sums[i] = A::mul_add(product, weight[i], gains_sums[i]);
        }
        for start in (0..products.len()).step_by(L) {
            let end = products.len().min(start + L);
            for i in start..end {
                lanes[i - start] = A::mul_add(products[i] * weight[i], gains[i], lanes[i - start]);
            }
        }
        lanes.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::agreement::{assert_agrees, assert_independent_of_threads};

    type Operation = fn(Tensor<4>, Tensor<4>, Option<Tensor<4>>, Tensor<4>, Option<Tensor<1>>, Tensor<4>) -> Tensor<4>;

    /// Sizes are batch, inputs, outputs, height, width.
    fn shaped(
        [b, i, o, h, w]: [usize; 5],
        [gains, bias]: [bool; 2],
        operation: Operation,
    ) -> impl Fn(&[Tensor<1>]) -> Tensor<4> + Sync {
        move |leaves| {
            let [onto, x, weight, offset, scale, gain] = [0, 1, 2, 3, 4, 5].map(|leaf| leaves[leaf].clone());
            operation(
                onto.reshape([b, o, h, w]),
                x.reshape([b, i, h, w]),
                gains.then(|| gain.reshape([b, i, 1, 1])),
                weight.reshape([o, i, 1, 1]),
                bias.then_some(offset),
                scale.reshape([1, o, 1, 1]),
            )
        }
    }

    fn lengths([b, i, o, h, w]: [usize; 5]) -> [usize; 6] {
        [b * o * h * w, b * i * h * w, o * i, o, o, b * i]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        #[test]
        fn equals_plain(
            b in 1_usize..4, i in 1_usize..40, o in 1_usize..40, h in 1_usize..40, w in 1_usize..40,
            options: [bool; 2], seed: u64
        ) {
            let size = [b, i, o, h, w];
            let (own, plain) = (shaped(size, options, scaled_residual), shaped(size, options, plain::scaled_residual));
            assert_agrees(&lengths(size), seed >> 1, &own, &plain);
        }
    }

    #[test]
    fn many_channels_at_few_pixels_equal_plain() {
        let size = [2, 300, 410, 3, 5];
        let (own, plain) = (
            shaped(size, [true; 2], scaled_residual),
            shaped(size, [true; 2], plain::scaled_residual),
        );
        assert_agrees(&lengths(size), 1, &own, &plain);
    }

    #[test]
    fn gains_of_every_pixel_equal_plain() {
        let local = |operation: Operation| {
            move |leaves: &[Tensor<1>]| {
                let x = leaves[0].clone().reshape([2, 3, 4, 5]);
                let (weight, scale) = (leaves[1].clone(), leaves[2].clone());
                let (weight, scale) = (weight.reshape([3, 3, 1, 1]), scale.reshape([1, 3, 1, 1]));
                operation(x.clone(), x.clone(), Some(x), weight, None, scale)
            }
        };
        assert_agrees(&[120, 9, 3], 5, &local(scaled_residual), &local(plain::scaled_residual));
    }

    #[test]
    fn threads_do_not_change_bits() {
        let size = [2, 33, 70, 48, 51];
        assert_independent_of_threads(&lengths(size), &shaped(size, [true; 2], scaled_residual));
    }
}
