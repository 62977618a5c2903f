//! Norm, 1x1 and depthwise 3x3 convolution in one, for inference: what makes q, k and v of a transformer block.
//!
//! What lies between the two convolutions lives in steps of some rows ([`widened`](super::widened)).

use burn::tensor::Tensor;

use super::{
    depthwise3x3::depthwise3x3,
    norm_pointwise::norm_pointwise,
    operation::{fits, untracked},
    rectangle::{unwritten, written},
    threads::Share,
    widened::{Widening, is_worth_it},
};

/// `depthwise3x3(pointwise(layer_norm(x, norm, norm_bias, eps), weight), filter)`, the bits of which do not depend on
/// whether a gradient is asked for.
///
/// # Shapes
/// - x `[B, I, H, W]`, norm and norm_bias `[I]`, weight `[O, I, 1, 1]`, filter `[O, 1, 3, 3]`
/// - output `[B, O, H, W]`
pub fn norm_pointwise_depthwise3x3(
    x: Tensor<4>,
    norm: Tensor<1>,
    norm_bias: Option<Tensor<1>>,
    eps: f64,
    weight: Tensor<4>,
    filter: Tensor<4>,
) -> Tensor<4> {
    let [batch, _, height, width] = x.dims();
    let [outputs, ..] = weight.dims();
    if !fits(&x) || x.is_autodiff() || !is_worth_it(height) {
        return depthwise3x3(norm_pointwise(x, norm, norm_bias, eps, weight), filter, None);
    }
    let flat = |tensor: Tensor<4>| tensor.flatten(0, 3);
    let mut inputs = vec![flat(x), norm, flat(weight), flat(filter)];
    inputs.extend(norm_bias);
    untracked(inputs, [batch, outputs, height, width], |inputs| {
        let widening = Widening {
            height,
            width,
            norm: inputs[1],
            norm_bias: inputs.get(4).copied(),
            eps: eps as f32,
            weight: inputs[2],
            taps: inputs[3],
        };
        let mut output = unwritten(batch * outputs * height * width);
        widening.tasks(&mut output, outputs).into_iter().share_with(
            || widening.buffer(),
            |buffer, task| {
                widening.run(inputs[0], task, |mut target, widened| {
                    for channel in 0..outputs {
                        widened.store(target.row(channel), widened.filter(channel, buffer));
                    }
                });
            },
        );
        // SAFETY: the tasks cover the output.
        unsafe { written(output) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::agreement::{assert_independent_of_gradients_and_threads, random};

    #[test]
    fn bits_do_not_depend_on_gradients_or_threads() {
        // Batch, inputs, outputs, height and width.
        for ([b, i, o, height, width], bias) in [([2, 5, 7, 129, 33], true), ([1, 3, 4, 257, 9], false)] {
            assert_independent_of_gradients_and_threads(&|device| {
                norm_pointwise_depthwise3x3(
                    random(1, [b, i, height, width], device),
                    random(2, [i], device),
                    bias.then(|| random(3, [i], device)),
                    1e-5,
                    random(4, [o, i, 1, 1], device),
                    random(5, [o, 1, 3, 3], device),
                )
            });
        }
    }
}
