//! Times of the kernels beside Burn's own operations: `cargo bench -p perceive-model --bench kernels`.
//!
//! Forward, and forward with backward, in milliseconds: medians of alternating runs, 128x128 pictures, as many threads as
//! `RAYON_NUM_THREADS` says. Arguments are words that the names of the wanted rows contain, or `cpu` for processor time
//! instead of time passed (with one thread, that is meaningful on a busy machine too), or `own` to leave out the plain.

use std::time::Duration;

use burn::tensor::{Device, Distribution, Tensor};
use perceive_model::kernel::{
    AdamwStep, Learned, LineAllocator, adamw, channel_attention_qkv, dense3x3, depthwise3x3, gated_depthwise3x3,
    gelu_gate, global_mean, global_norm, l1, layer_norm, modulate, pixel_shuffle, plain, pointwise, scaled_residual,
    simple_gate, simple_gated_depthwise3x3, tune_allocation,
};
use perceive_model::network::{Nafnet, NafnetConfig, Restormer, RestormerConfig};

#[global_allocator]
static ALLOCATOR: LineAllocator = LineAllocator;

/// An operation of tensors, and their shapes; the first is x.
struct Row {
    name: &'static str,
    shapes: Vec<Vec<usize>>,
    plain: fn(&[Tensor<4>]) -> Tensor<4>,
    own: fn(&[Tensor<4>]) -> Tensor<4>,
}

/// Times forward, and with backward, by a clock.
type Whole = fn(libc::clockid_t) -> [f64; 2];

fn main() {
    tune_allocation();
    let mut wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with("--"))
        .collect();
    let [cpu, own] = ["cpu", "own"].map(|mode| wanted.iter().any(|word| word == mode));
    wanted.retain(|word| word != "cpu" && word != "own");
    let clock = if cpu {
        libc::CLOCK_PROCESS_CPUTIME_ID
    } else {
        libc::CLOCK_MONOTONIC
    };
    println!("{:<34} {:>17} {:>17}", "", "forward", "with backward");
    println!("{:<34} {:>8} {:>8} {:>8} {:>8}", "ms", "plain", "own", "plain", "own");
    for row in rows() {
        if wanted.is_empty() || wanted.iter().any(|word| row.name.contains(word.as_str())) {
            let [[plain, own], [plain_backward, own_backward]] = times(&row, clock, own);
            println!(
                "{:<34} {plain:>8.2} {own:>8.2} {plain_backward:>8.2} {own_backward:>8.2}",
                row.name
            );
        }
    }
    let wholes: [(&str, Whole); 3] = [
        ("Restormer, 26.13 M", restormer),
        ("NAFNet, 17.11 M, 256x256", nafnet),
        ("AdamW, 26 M: norm, and with step", optimiser),
    ];
    for (name, times) in wholes {
        if wanted.is_empty() || wanted.iter().any(|word| name.contains(word.as_str())) {
            let [forward, backward] = times(clock);
            println!("{name:<34} {:>8} {forward:>8.0} {:>8} {backward:>8.0}", "", "");
        }
    }
}

fn rows() -> Vec<Row> {
    let x = |channels: usize, size: usize| vec![1, channels, size, size];
    vec![
        Row {
            name: "depthwise 3x3, 254",
            shapes: vec![x(254, 128), vec![254, 1, 3, 3]],
            plain: |t| plain::depthwise3x3(t[0].clone(), t[1].clone(), None),
            own: |t| depthwise3x3(t[0].clone(), t[1].clone(), None),
        },
        Row {
            name: "depthwise 3x3, 2042, 16x16",
            shapes: vec![x(2042, 16), vec![2042, 1, 3, 3]],
            plain: |t| plain::depthwise3x3(t[0].clone(), t[1].clone(), None),
            own: |t| depthwise3x3(t[0].clone(), t[1].clone(), None),
        },
        Row {
            name: "1x1 48 -> 254",
            shapes: vec![x(48, 128), vec![254, 48, 1, 1]],
            plain: |t| plain::pointwise(t[0].clone(), t[1].clone(), None),
            own: |t| pointwise(t[0].clone(), t[1].clone(), None),
        },
        Row {
            name: "1x1 384 -> 2042, 16x16",
            shapes: vec![x(384, 16), vec![2042, 384, 1, 1]],
            plain: |t| plain::pointwise(t[0].clone(), t[1].clone(), None),
            own: |t| pointwise(t[0].clone(), t[1].clone(), None),
        },
        Row {
            name: "3x3 48 -> 24",
            shapes: vec![x(48, 128), vec![24, 48, 3, 3]],
            plain: |t| plain::dense3x3(t[0].clone(), t[1].clone(), None, 1),
            own: |t| dense3x3(t[0].clone(), t[1].clone(), None, 1),
        },
        Row {
            name: "3x3 3 -> 48",
            shapes: vec![x(3, 128), vec![48, 3, 3, 3]],
            plain: |t| plain::dense3x3(t[0].clone(), t[1].clone(), None, 1),
            own: |t| dense3x3(t[0].clone(), t[1].clone(), None, 1),
        },
        Row {
            name: "3x3 64 -> 128, stride 2",
            shapes: vec![x(64, 128), vec![128, 64, 3, 3]],
            plain: |t| plain::dense3x3(t[0].clone(), t[1].clone(), None, 2),
            own: |t| dense3x3(t[0].clone(), t[1].clone(), None, 2),
        },
        Row {
            name: "layer norm, 48",
            shapes: vec![x(48, 128), vec![48, 1, 1, 1], vec![48, 1, 1, 1]],
            plain: |t| plain::layer_norm(t[0].clone(), vector(&t[1]), Some(vector(&t[2])), 1e-5),
            own: |t| layer_norm(t[0].clone(), vector(&t[1]), Some(vector(&t[2])), 1e-5),
        },
        Row {
            name: "gelu gate, 254",
            shapes: vec![x(254, 128)],
            plain: |t| plain::gelu_gate(t[0].clone()),
            own: |t| gelu_gate(t[0].clone()),
        },
        Row {
            name: "depthwise 3x3 and gelu gate, 254",
            shapes: vec![x(254, 128), vec![254, 1, 3, 3]],
            plain: |t| plain::gelu_gate(plain::depthwise3x3(t[0].clone(), t[1].clone(), None)),
            own: |t| gated_depthwise3x3(t[0].clone(), t[1].clone(), None),
        },
        Row {
            name: "simple gate, 64",
            shapes: vec![x(64, 128)],
            plain: |t| plain::simple_gate(t[0].clone()),
            own: |t| simple_gate(t[0].clone()),
        },
        Row {
            name: "depthwise 3x3 and simple gate, 64",
            shapes: vec![x(64, 128), vec![64, 1, 3, 3]],
            plain: |t| plain::simple_gate(plain::depthwise3x3(t[0].clone(), t[1].clone(), None)),
            own: |t| simple_gated_depthwise3x3(t[0].clone(), t[1].clone(), None),
        },
        Row {
            name: "mean and scaled residual, 32",
            shapes: scaled_shapes(32, 128),
            plain: |t| scaled(t, plain::global_mean, plain::scaled_residual),
            own: |t| scaled(t, global_mean, scaled_residual),
        },
        Row {
            name: "mean and scaled residual, 256, 32x32",
            shapes: scaled_shapes(256, 32),
            plain: |t| scaled(t, plain::global_mean, plain::scaled_residual),
            own: |t| scaled(t, global_mean, scaled_residual),
        },
        Row {
            name: "pixel shuffle, 96",
            shapes: vec![x(96, 128)],
            plain: |t| plain::pixel_shuffle(t[0].clone(), 2),
            own: |t| pixel_shuffle(t[0].clone(), 2),
        },
        Row {
            name: "modulation, 96",
            shapes: vec![x(96, 128), vec![1, 96, 1, 1], vec![1, 96, 1, 1]],
            plain: |t| plain::modulate(t[0].clone(), Some(t[1].clone()), t[2].clone()),
            own: |t| modulate(t[0].clone(), Some(t[1].clone()), t[2].clone()),
        },
        Row {
            name: "L1, 48",
            shapes: vec![x(48, 128), x(48, 128)],
            plain: |t| plain::l1(t[0].clone(), t[1].clone()).reshape([1, 1, 1, 1]),
            own: |t| l1(t[0].clone(), t[1].clone()).reshape([1, 1, 1, 1]),
        },
        Row {
            name: "channel attention, 48",
            shapes: vec![x(144, 128), vec![1, 1, 1, 1]],
            plain: |t| plain_attention(t[0].clone(), t[1].clone().reshape([1, 1, 1])),
            own: |t| channel_attention_qkv(t[0].clone(), t[1].clone().reshape([1, 1, 1])),
        },
        Row {
            name: "Restormer block, 48",
            shapes: block_shapes(48, 1, 128),
            plain: |t| block(t, PLAIN),
            own: |t| block(t, OWN),
        },
        Row {
            name: "Restormer block, 384, 16x16",
            shapes: block_shapes(384, 8, 16),
            plain: |t| block(t, PLAIN),
            own: |t| block(t, OWN),
        },
    ]
}

/// The operations of a block, plain or own.
#[derive(Clone, Copy)]
struct Operations {
    norm: fn(Tensor<4>, Tensor<1>, Option<Tensor<1>>, f64) -> Tensor<4>,
    pointwise: Convolution,
    depthwise: Convolution,
    gated: Convolution,
    attention: fn(Tensor<4>, Tensor<3>) -> Tensor<4>,
}

type Convolution = fn(Tensor<4>, Tensor<4>, Option<Tensor<1>>) -> Tensor<4>;

const PLAIN: Operations = Operations {
    norm: plain::layer_norm,
    pointwise: plain::pointwise,
    depthwise: plain::depthwise3x3,
    gated: |x, weight, bias| plain::gelu_gate(plain::depthwise3x3(x, weight, bias)),
    attention: plain_attention,
};

const OWN: Operations = Operations {
    norm: layer_norm,
    pointwise,
    depthwise: depthwise3x3,
    gated: gated_depthwise3x3,
    attention: channel_attention_qkv,
};

fn plain_attention(qkv: Tensor<4>, temperature: Tensor<3>) -> Tensor<4> {
    let channels = qkv.dims()[1] / 3;
    let [q, k, v] = [0, 1, 2].map(|part| qkv.clone().narrow(1, part * channels, channels));
    plain::channel_attention(q, k, v, temperature)
}

/// Of features, bias, weight and scale of NAFNet's attention.
fn scaled_shapes(channels: usize, size: usize) -> Vec<Vec<usize>> {
    vec![
        vec![1, channels, size, size],
        vec![channels, 1, 1, 1],
        vec![channels, channels, 1, 1],
        vec![1, channels, 1, 1],
    ]
}

type ScaledResidual = fn(Tensor<4>, Tensor<4>, Option<Tensor<4>>, Tensor<4>, Option<Tensor<1>>, Tensor<4>) -> Tensor<4>;

/// The end of NAFNet's attention, without the map of the means.
fn scaled(t: &[Tensor<4>], mean: fn(Tensor<4>) -> Tensor<4>, residual: ScaledResidual) -> Tensor<4> {
    let (x, bias) = (t[0].clone(), vector(&t[1]));
    let gains = mean(x.clone());
    residual(x.clone(), x, Some(gains), t[2].clone(), Some(bias), t[3].clone())
}

/// Of x and of a block's weights, in the order in which [`block`] uses them.
fn block_shapes(dim: usize, heads: usize, size: usize) -> Vec<Vec<usize>> {
    let hidden = dim * 266 / 100;
    vec![
        vec![1, dim, size, size],
        vec![dim, 1, 1, 1],
        vec![dim, 1, 1, 1],
        vec![3 * dim, dim, 1, 1],
        vec![3 * dim, 1, 3, 3],
        vec![heads, 1, 1, 1],
        vec![dim, dim, 1, 1],
        vec![dim, 1, 1, 1],
        vec![dim, 1, 1, 1],
        vec![2 * hidden, dim, 1, 1],
        vec![2 * hidden, 1, 3, 3],
        vec![dim, hidden, 1, 1],
    ]
}

/// Restormer's transformer block: `x + MDTA(LN(x))`, then `x + GDFN(LN(x))`.
fn block(t: &[Tensor<4>], operations: Operations) -> Tensor<4> {
    let Operations {
        norm,
        pointwise,
        depthwise,
        gated,
        attention,
    } = operations;
    let weight = |index: usize| t[index].clone();
    let heads = t[5].dims()[0];
    let x = t[0].clone();
    let y = norm(x.clone(), vector(&t[1]), Some(vector(&t[2])), 1e-5);
    let qkv = depthwise(pointwise(y, weight(3), None), weight(4), None);
    let y = attention(qkv, weight(5).reshape([heads, 1, 1]));
    let x = x + pointwise(y, weight(6), None);
    let y = norm(x.clone(), vector(&t[7]), Some(vector(&t[8])), 1e-5);
    let y = gated(pointwise(y, weight(9), None), weight(10), None);
    x + pointwise(y, weight(11), None)
}

fn vector(tensor: &Tensor<4>) -> Tensor<1> {
    let [length, ..] = tensor.dims();
    tensor.clone().reshape([length])
}

/// The full Restormer, 26.13 M parameters, at one 128x128 picture: forward, and with backward.
fn restormer(clock: libc::clockid_t) -> [f64; 2] {
    whole(clock, 128, |device| {
        let network = Restormer::new(&RestormerConfig::default(), device);
        Box::new(move |x| network.forward(x))
    })
}

/// NAFNet of width 32, 17.11 M parameters, at one 256x256 picture: forward, and with backward.
fn nafnet(clock: libc::clockid_t) -> [f64; 2] {
    whole(clock, 256, |device| {
        let network = Nafnet::new(&NafnetConfig::default(), device);
        Box::new(move |x| network.forward(x))
    })
}

type Forward = Box<dyn Fn(Tensor<4>) -> Tensor<4>>;

fn whole(clock: libc::clockid_t, size: usize, build: fn(&Device) -> Forward) -> [f64; 2] {
    [false, true].map(|backward| {
        let device = if backward {
            Device::flex().autodiff()
        } else {
            Device::flex()
        };
        let network = build(&device);
        let x = Tensor::<4>::random([1, 3, size, size], Distribution::Uniform(0.0, 1.0), &device);
        let taken = (0..6).map(|_| {
            let start = now(clock);
            let output = network(x.clone());
            if backward {
                std::hint::black_box(output.mean().backward());
            }
            now(clock).saturating_sub(start).as_secs_f64() * 1e3
        });
        median(taken.skip(1).collect())
    })
}

/// The global norm, and with it a step, of 26 M parameters in 400 tensors.
fn optimiser(clock: libc::clockid_t) -> [f64; 2] {
    let device = Device::flex();
    let random = || Tensor::<1>::random([65_000], Distribution::Uniform(0.0, 1.0), &device);
    let learned = |_| Learned {
        value: random(),
        gradient: random(),
        first: random(),
        second: random(),
    };
    let mut parameters: Vec<_> = (0..400).map(learned).collect();
    let step = AdamwStep {
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        gradient_scale: 1.0,
        keep: 1.0,
        rate: 1e-4,
        deviation: 1.0,
    };
    let mut taken = [Vec::new(), Vec::new()];
    for _ in 0..8 {
        let start = now(clock);
        let gradients = parameters.iter().map(|parameter| parameter.gradient.clone());
        std::hint::black_box(global_norm(gradients.collect()));
        taken[0].push(now(clock).saturating_sub(start).as_secs_f64() * 1e3);
        parameters = adamw(parameters, step);
        taken[1].push(now(clock).saturating_sub(start).as_secs_f64() * 1e3);
    }
    taken.map(median)
}

fn median(mut times: Vec<f64>) -> f64 {
    if times.is_empty() {
        return f64::NAN;
    }
    times.sort_by(f64::total_cmp);
    f64::midpoint(times[times.len() / 2], times[(times.len() - 1) / 2])
}

/// Medians in milliseconds: `[forward, with backward]` of `[plain, own]`.
fn times(row: &Row, clock: libc::clockid_t, only_own: bool) -> [[f64; 2]; 2] {
    [false, true].map(|backward| {
        let device = if backward {
            Device::flex().autodiff()
        } else {
            Device::flex()
        };
        let mut taken = [Vec::new(), Vec::new()];
        for round in 0..12 {
            for (side, operation) in [row.plain, row.own].into_iter().enumerate().skip(usize::from(only_own)) {
                let random = Distribution::Uniform(-1.0, 1.0);
                let tensors: Vec<Tensor<4>> = row
                    .shapes
                    .iter()
                    .map(|shape| Tensor::random([shape[0], shape[1], shape[2], shape[3]], random, &device))
                    .map(|tensor: Tensor<4>| if backward { tensor.require_grad() } else { tensor })
                    .collect();
                let start = now(clock);
                let output = operation(&tensors);
                if backward {
                    let gradients = output.mean().backward();
                    std::hint::black_box(tensors[0].grad(&gradients));
                }
                if round > 1 {
                    taken[side].push(now(clock).saturating_sub(start).as_secs_f64() * 1e3);
                }
            }
        }
        taken.map(median)
    })
}

fn now(clock: libc::clockid_t) -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes the time to where it is told.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
