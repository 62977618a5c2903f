//! The kernels in Burn's own operations: what runs on every device but the CPU, and what the CPU's versions are tested
//! against.

use burn::tensor::{
    FloatDType, Tensor, TensorData,
    activation::{gelu, relu, sigmoid, softmax},
    module::{self, conv2d, deform_conv2d, max_pool2d},
    ops::{ConvOptions, DeformConvOptions, MaxPoolOptions},
};

use super::Activation;

/// See [`depthwise3x3`](super::depthwise3x3()).
pub fn depthwise3x3(x: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>) -> Tensor<4> {
    let channels = x.dims()[1];
    conv2d(x, weight, bias, ConvOptions::new([1, 1], [1, 1], [1, 1], channels))
}

/// See [`pointwise`](super::pointwise()).
pub fn pointwise(x: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>) -> Tensor<4> {
    conv2d(x, weight, bias, ConvOptions::new([1, 1], [0, 0], [1, 1], 1))
}

/// See [`dense3x3`](super::dense3x3()).
pub fn dense3x3(x: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>, stride: usize) -> Tensor<4> {
    conv2d(x, weight, bias, ConvOptions::new([stride, stride], [1, 1], [1, 1], 1))
}

/// See [`gelu_gate`](super::gelu_gate()).
pub fn gelu_gate(x: Tensor<4>) -> Tensor<4> {
    let halves = x.chunk(2, 1);
    gelu(halves[0].clone()) * halves[1].clone()
}

/// See [`simple_gate`](super::simple_gate()).
pub fn simple_gate(x: Tensor<4>) -> Tensor<4> {
    let halves = x.chunk(2, 1);
    halves[0].clone() * halves[1].clone()
}

/// See [`global_mean`](super::global_mean()).
pub fn global_mean(x: Tensor<4>) -> Tensor<4> {
    let [batch, channels, height, width] = x.dims();
    x.reshape([batch, channels, height * width])
        .mean_dim(2)
        .reshape([batch, channels, 1, 1])
}

/// See [`scaled_residual`](super::scaled_residual()).
pub fn scaled_residual(
    onto: Tensor<4>,
    x: Tensor<4>,
    gains: Option<Tensor<4>>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    scale: Tensor<4>,
) -> Tensor<4> {
    let x = match gains {
        Some(gains) => x * gains,
        None => x,
    };
    pointwise(x, weight, bias) * scale + onto
}

/// See [`modulate`](super::modulate()).
pub fn modulate(x: Tensor<4>, gamma: Option<Tensor<4>>, beta: Tensor<4>) -> Tensor<4> {
    match gamma {
        Some(gamma) => x * gamma + beta,
        None => x + beta,
    }
}

/// See [`pixel_unshuffle`](super::pixel_unshuffle()).
pub fn pixel_unshuffle(x: Tensor<4>, factor: usize) -> Tensor<4> {
    let [b, c, h, w] = x.dims();
    let (h, w) = (h / factor, w / factor);
    x.reshape([b, c, h, factor, w, factor])
        .permute([0, 1, 3, 5, 2, 4])
        .reshape([b, c * factor * factor, h, w])
}

/// See [`pixel_shuffle`](super::pixel_shuffle()).
pub fn pixel_shuffle(x: Tensor<4>, factor: usize) -> Tensor<4> {
    let [b, c, h, w] = x.dims();
    let c = c / (factor * factor);
    x.reshape([b, c, factor, factor, h, w])
        .permute([0, 1, 4, 2, 5, 3])
        .reshape([b, c, h * factor, w * factor])
}

/// See [`l1`](super::l1()).
pub fn l1<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> Tensor<1> {
    (a - b).abs().mean()
}

/// See [`layer_norm`](super::layer_norm()).
pub fn layer_norm(x: Tensor<4>, weight: Tensor<1>, bias: Option<Tensor<1>>, eps: f64) -> Tensor<4> {
    let channels = x.dims()[1];
    let mean = x.clone().mean_dim(1);
    let centred = x.clone() - mean;
    let deviation = centred.clone().powi_scalar(2).mean_dim(1).add_scalar(eps).sqrt();
    let weight = weight.reshape([1, channels, 1, 1]);
    match bias {
        Some(bias) => centred / deviation * weight + bias.reshape([1, channels, 1, 1]),
        None => x / deviation * weight,
    }
}

/// See [`channel_attention`](super::channel_attention()).
pub fn channel_attention(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>, temperature: Tensor<3>) -> Tensor<4> {
    let [b, c, h, w] = q.dims();
    let heads = temperature.dims()[0];
    let split = |t: Tensor<4>| t.reshape([b, heads, c / heads, h * w]);
    let (q, k, v) = (split(q), split(k), split(v));
    // Normalising the small matrix by the rows' lengths equals normalising q and k, and is far cheaper.
    let wide = |t: Tensor<4>| t.cast(FloatDType::F32);
    let length = |t: &Tensor<4>| wide(t.clone()).powi_scalar(2).sum_dim(3).sqrt().clamp_min(1e-12);
    let lengths = length(&q).matmul(length(&k).swap_dims(2, 3));
    let products = q.matmul(k.swap_dims(2, 3));
    let scores = wide(products) / lengths * wide(temperature.reshape([1, heads, 1, 1]));
    let attention = softmax(scores, 3).cast(v.dtype());
    attention.matmul(v).reshape([b, c, h, w])
}

/// See [`selective_scan`](super::selective_scan()).
pub fn selective_scan(u: Tensor<3>, delta: Tensor<3>, a: Tensor<2>, b: Tensor<4>, c: Tensor<4>) -> Tensor<3> {
    let [batch, channels, length] = u.dims();
    let [_, groups, states, _] = b.dims();
    let of_channels = |x: Tensor<4>| {
        let shape = [batch, groups, channels / groups, states, length];
        x.unsqueeze_dim::<5>(2)
            .expand(shape)
            .reshape([batch, channels, states, length])
    };
    let (b, c) = (of_channels(b), of_channels(c)); // [B, D, N, L]
    let decays = (delta.clone().unsqueeze_dim::<4>(2) * a.reshape([1, channels, states, 1])).exp();
    let inputs = (delta * u).unsqueeze_dim::<4>(2) * b;
    let mut state = Tensor::zeros([batch, channels, states, 1], &inputs.device());
    let mut states_of = Vec::with_capacity(length);
    for t in 0..length {
        state = decays.clone().narrow(3, t, 1) * state + inputs.clone().narrow(3, t, 1);
        states_of.push(state.clone());
    }
    (Tensor::cat(states_of, 3) * c)
        .sum_dim(2)
        .reshape([batch, channels, length])
}

/// See [`deformable_columns`](super::deformable_columns()).
pub fn deformable_columns(x: Tensor<4>, taps: Tensor<4>) -> Tensor<4> {
    let channels = x.dims()[1];
    // A deformable convolution in which every output is one tap of one channel.
    let each = Tensor::<2>::eye(9 * channels, &x.device()).reshape([9 * channels, channels, 3, 3]);
    let (offsets, mask) = (taps.clone().narrow(1, 0, 18), taps.narrow(1, 18, 9));
    let options = DeformConvOptions::new([1, 1], [1, 1], [1, 1], 1, 1);
    deform_conv2d(x, offsets, each, Some(mask), None, options)
}

/// See [`linear`](super::linear()).
pub fn linear<const D: usize>(
    x: Tensor<D>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
    activation: Activation,
) -> Tensor<D> {
    let y = module::linear(x, weight.transpose(), bias);
    match activation {
        Activation::Identity => y,
        Activation::QuickGelu => y.clone() * sigmoid(y.mul_scalar(1.702)),
        Activation::Gelu => gelu(y),
    }
}

/// See [`token_norm`](super::token_norm()).
pub fn token_norm<const D: usize>(x: Tensor<D>, weight: Tensor<1>, bias: Tensor<1>, eps: f64) -> Tensor<D> {
    module::layer_norm(x, weight, Some(bias), eps)
}

/// See [`token_attention`](super::token_attention()).
pub fn token_attention(qkv: Tensor<3>, heads: usize, causal: bool) -> Tensor<3> {
    let [batch, tokens, triple] = qkv.dims();
    let width = triple / 3;
    let part = |index: usize| {
        let part = qkv.clone().narrow(2, index * width, width);
        part.reshape([batch, tokens, heads, width / heads]).swap_dims(1, 2)
    };
    // [B, heads, T, width / heads]
    let (q, k, v) = (part(0), part(1), part(2));
    let scale = 1.0 / ((width / heads) as f64).sqrt();
    let mut scores = q.mul_scalar(scale).matmul(k.swap_dims(2, 3));
    if causal {
        let open = |at: usize| at % tokens <= at / tokens;
        let mask = (0..tokens * tokens).map(|at| if open(at) { 0.0 } else { f32::NEG_INFINITY });
        let mask = TensorData::new(mask.collect::<Vec<f32>>(), [1, 1, tokens, tokens]);
        scores = scores + Tensor::<4>::from_data(mask, &qkv.device());
    }
    softmax(scores, 3)
        .matmul(v)
        .swap_dims(1, 2)
        .reshape([batch, tokens, width])
}

/// See [`rectified3x3`](super::rectified3x3()).
pub fn rectified3x3(x: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>) -> Tensor<4> {
    relu(dense3x3(x, weight, bias, 1))
}

/// See [`max_pool2x2`](super::max_pool2x2()).
pub fn max_pool2x2(x: Tensor<4>) -> Tensor<4> {
    max_pool2d(x, MaxPoolOptions::new([2, 2]))
}
