//! Times of the metrics on a pair of BSD's size, 481x321, on one core:
//! `cargo bench -p perceive-model --bench metrics [NAME]`, the best of twenty.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use burn::tensor::Device;
use perceive_model::{
    metric::{
        METRICS, Measure, Meter, Planes,
        lpips::{Backbone, ChannelWeights, Lpips},
    },
    tower::{AlexNet, Vgg16, Vgg16Config},
};

const SIZE: (usize, usize) = (321, 481);

fn main() {
    let only = std::env::args().skip(1).find(|word| !word.starts_with("--"));
    let only = only.unwrap_or_default();
    if rayon::ThreadPoolBuilder::new().num_threads(1).build_global().is_err() {
        println!("on more than one core");
    }
    let (restored, clean) = (picture(1), picture(2));
    for metric in METRICS.iter().filter(|metric| metric.name.contains(&only)) {
        let meter = match metric.how {
            Measure::Learned(backbone) => Meter::with_network(metric, drawn(backbone)),
            _ => Meter::new(metric),
        };
        let times = (0..if metric.is_learned() { 2 } else { 20 }).map(|_| {
            let start = Instant::now();
            let _ = black_box(meter.measure(black_box(&restored), Some(black_box(&clean))));
            start.elapsed()
        });
        let best = times.min().unwrap_or(Duration::ZERO);
        println!("{:<20} {:>10.2} ms", metric.name, best.as_secs_f64() * 1e3);
    }
}

/// Levels without any order.
fn picture(seed: u64) -> Planes {
    let (height, width) = SIZE;
    let mut state = seed;
    let values = (0..3 * height * width).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 40) as f32 / (1 << 24) as f32
    });
    Planes::new(values.collect(), height, width).unwrap_or_else(|_| unreachable!("the size is right"))
}

/// With weights as drawn: they take no other time.
fn drawn(backbone: Backbone) -> Lpips {
    let device = Device::flex();
    let weights = ChannelWeights::new(backbone, &device);
    match backbone {
        Backbone::Alex => Lpips::alex(AlexNet::new(&device), weights),
        Backbone::Vgg => Lpips::vgg(Vgg16::new(&Vgg16Config::default(), &device), weights),
    }
}
