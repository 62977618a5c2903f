//! Times training steps of a network at a preset size: forward, backward and AdamW on random patches.
//!
//! `cargo run --release -p perceive-model --example training_step [NETWORK] [SIZE] [BATCH] [PATCH] [STEPS]`

use std::{env, error::Error, fs, time::Instant};

use burn::tensor::{Device, Distribution, Tensor};
use perceive_model::{
    loss::l1,
    network::{Network, NetworkConfig},
    train::adamw::AdamW,
};

/// Width of the class tokens that stand for DINOv2's.
const GUIDANCE_WIDTH: usize = 64;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let word = |index: usize, default: &str| arguments.get(index).map_or(default, String::as_str).to_owned();
    let (name, size) = (word(0, "restormer"), word(1, "small"));
    let (batch, patch, steps): (usize, usize, usize) =
        (word(2, "4").parse()?, word(3, "64").parse()?, word(4, "10").parse()?);

    let device = Device::flex().autodiff();
    let config = NetworkConfig::sized(&name, size.parse()?)?.with_guidance_width(GUIDANCE_WIDTH);
    let mut network = Network::seeded(&config, 0, &device);
    let mut optimiser = AdamW::new(1e-4, 1.0);
    println!(
        "{name} {size}: {} parameters, {batch} patches of {patch}x{patch}",
        network.parameters()
    );

    let random = |shape: [usize; 4]| Tensor::<4>::random(shape, Distribution::Uniform(0.0, 1.0), &device);
    let (degraded, clean) = (random([batch, 3, patch, patch]), random([batch, 3, patch, patch]));
    let guidance = [(); 4].map(|()| Tensor::<2>::ones([batch, GUIDANCE_WIDTH], &device));
    for step in 1..=steps {
        let start = Instant::now();
        let restored = network.forward(degraded.clone(), Some(guidance.clone()));
        let loss = l1(restored.image, clean.clone());
        let value: f32 = loss.clone().into_scalar();
        let forward = start.elapsed();
        let gradients = loss.backward();
        let backward = start.elapsed().saturating_sub(forward);
        optimiser.step(&mut network, &gradients, 2e-4);
        println!(
            "step {step}: forward {:.0} ms, backward {:.0} ms, all {:.0} ms, loss {value:.4}",
            forward.as_secs_f64() * 1e3,
            backward.as_secs_f64() * 1e3,
            start.elapsed().as_secs_f64() * 1e3,
        );
    }
    if let Some(line) = fs::read_to_string("/proc/self/status")?
        .lines()
        .find(|line| line.starts_with("VmHWM"))
    {
        println!("peak memory {}", line.trim_start_matches("VmHWM:").trim());
    }
    Ok(())
}
