//! The feed-forward network of a transformer block in one, for inference: norm, 1x1, depthwise 3x3, gate, 1x1 and sum.
//!
//! Its hidden channels are the largest activations of Restormer, five times as many as x has. Here they live in steps
//! of some rows ([`widened`](super::widened)), and memory is visited for x and for the output.

use burn::tensor::Tensor;

use super::{
    dispatch::Simd,
    gated_depthwise3x3::gated_depthwise3x3,
    gelu_gate::gate_in_place,
    matrix::{Matrix, Start, set_product_onto},
    norm_pointwise::norm_pointwise,
    operation::{fits, untracked},
    pointwise::pointwise_onto,
    rectangle::{unwritten, written},
    threads::Share,
    widened::{Widening, is_worth_it},
};

/// The parameters of a feed-forward network without biases, and of the norm before it.
#[derive(Clone, Debug)]
pub struct FeedForward {
    /// `[C]`
    pub norm: Tensor<1>,
    /// `[C]`; without it the norm does not take the mean away.
    pub norm_bias: Option<Tensor<1>>,
    pub eps: f64,
    /// `[2H, C, 1, 1]`
    pub widen: Tensor<4>,
    /// `[2H, 1, 3, 3]`
    pub filter: Tensor<4>,
    /// `[C, H, 1, 1]`
    pub narrow: Tensor<4>,
}

/// `x + narrow * gelu_gate(depthwise3x3(widen * layer_norm(x), filter))`, the bits of which do not depend on whether a
/// gradient is asked for.
///
/// # Shapes
/// - x and output `[B, C, H, W]`
pub fn feed_forward(x: Tensor<4>, network: FeedForward) -> Tensor<4> {
    let shape = x.dims();
    let hidden = network.narrow.dims()[1];
    if !fits(&x) || x.is_autodiff() || !is_worth_it(shape[2]) {
        return one_by_one(x, network);
    }
    let flat = |tensor: Tensor<4>| tensor.flatten(0, 3);
    let mut inputs = vec![
        flat(x),
        network.norm,
        flat(network.widen),
        flat(network.filter),
        flat(network.narrow),
    ];
    inputs.extend(network.norm_bias);
    untracked(inputs, shape, |inputs| infer(shape, hidden, network.eps as f32, inputs))
}

fn one_by_one(x: Tensor<4>, network: FeedForward) -> Tensor<4> {
    let FeedForward {
        norm, norm_bias, eps, ..
    } = network;
    let widened = norm_pointwise(x.clone(), norm, norm_bias, eps, network.widen);
    let gated = gated_depthwise3x3(widened, network.filter, None);
    pointwise_onto(x, gated, network.narrow)
}

/// `inputs`: x, norm, widen, filter, narrow, and perhaps the norm's bias.
fn infer([batch, channels, height, width]: [usize; 4], hidden: usize, eps: f32, inputs: &[&[f32]]) -> Vec<f32> {
    let widening = Widening {
        height,
        width,
        norm: inputs[1],
        norm_bias: inputs.get(5).copied(),
        eps,
        weight: inputs[2],
        taps: inputs[3],
    };
    let narrow = Matrix::new(inputs[4], [channels, hidden], hidden);
    let simd = Simd::current();
    let mut output = unwritten(batch * channels * height * width);
    let buffers = || {
        let gated = unwritten(hidden * widening.most_pixels());
        (gated, widening.buffer(), widening.buffer())
    };
    widening
        .tasks(&mut output, channels)
        .into_iter()
        .share_with(buffers, |(gated, first, second), task| {
            widening.run(inputs[0], task, |target, widened| {
                let pixels = target.columns.len();
                let gated = &mut gated[..hidden * pixels];
                for (channel, gated) in gated.chunks_exact_mut(pixels).enumerate() {
                    let first = widened.filter(channel, first);
                    let second = widened.filter(hidden + channel, second);
                    gate_in_place(simd, first, second);
                    widened.store(gated, first);
                }
                // SAFETY: the rows of all channels were stored.
                let gated = unsafe { gated.assume_init_ref() };
                let gated = Matrix::new(gated, [hidden, pixels], pixels);
                set_product_onto(target, Start::Onto(inputs[0], channels), narrow, gated);
            });
        });
    // SAFETY: the tasks cover the output.
    unsafe { written(output) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::agreement::{assert_independent_of_gradients_and_threads, random};

    #[test]
    fn bits_do_not_depend_on_gradients_or_threads() {
        // Batch, channels, hidden channels, height and width.
        for ([b, c, h, height, width], bias) in [
            ([2, 5, 7, 128, 33], true),
            ([1, 8, 3, 141, 14], false),
            ([1, 3, 9, 130, 600], true),
            ([1, 3, 9, 66, 40], true),
        ] {
            assert_independent_of_gradients_and_threads(&|device| {
                let network = FeedForward {
                    norm: random(1, [c], device),
                    norm_bias: bias.then(|| random(2, [c], device)),
                    eps: 1e-5,
                    widen: random(3, [2 * h, c, 1, 1], device),
                    filter: random(4, [2 * h, 1, 3, 3], device),
                    narrow: random(5, [c, h, 1, 1], device),
                };
                feed_forward(random(6, [b, c, height, width], device), network)
            });
        }
    }
}
