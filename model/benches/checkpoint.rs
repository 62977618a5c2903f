//! Times of saving and taking up the state of a training of the paper's size, AdamW's moments included:
//! `cargo bench -p perceive-model --bench checkpoint [FOLDER]`, best of three, files in FOLDER or the system's temporary one.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use burn::tensor::Device;
use perceive_model::{
    kernel::tune_allocation,
    network::{NetworkConfig, Size},
    train::{adamw::AdamW, batch::Crops, restorer::Training, schedule::Schedule},
    weights::Checkpoint,
};

fn main() {
    tune_allocation();
    let folder = std::env::args().skip(1).find(|word| !word.starts_with("--"));
    let folder = folder.map_or_else(std::env::temp_dir, PathBuf::from);
    let path = folder.join(format!("checkpoint-{}.safetensors", std::process::id()));
    let mut training = training();
    if let Err(broken) = training.step(&crops()) {
        println!("{broken}");
        return;
    }
    let parameters: usize = training.weights().tensors.values().map(|array| array.data.len()).sum();
    println!("Restormer, {:.2} M parameters", parameters as f64 / 1e6);
    tell("snapshot (the training waits)", || training.state().checkpoint());
    let mut snapshot = training.state().checkpoint();
    tell("hash, write, fsync, rename (beside it)", || {
        snapshot.write_sealed(&path)
    });
    println!(
        "{:<40} {:>8.1} MB",
        "file",
        std::fs::metadata(&path).map_or(0, |file| file.len()) as f64 / 1e6
    );
    tell("read and hold against the hash", || Checkpoint::read_sealed(&path));
    let read = Checkpoint::read_sealed(&path).ok();
    tell("take up", || {
        read.clone().map(|read| training.clone().resume(read, "the file"))
    });
    // Left over where the folder cannot be written to: then there is nothing to remove either.
    let _ = std::fs::remove_file(&path);
}

fn training() -> Training {
    let config = NetworkConfig::sized("restormer", Size::Paper);
    let config = config.unwrap_or_else(|_| unreachable!("there is a Restormer"));
    let schedule = Schedule {
        start: 2e-4,
        end: 1e-6,
        steps: 10,
        warm_up: 0,
        cosine: true,
    };
    Training::new(&config, 1, AdamW::new(1e-4, 0.0), schedule, &Device::flex())
}

fn crops() -> Crops {
    let pixels = |shift: usize| (0..3 * 16 * 16).map(|i| ((i + shift) % 7) as f32 / 7.0).collect();
    Crops {
        batch: 1,
        patch: 16,
        degraded: pixels(1),
        clean: pixels(0),
        second: None,
        negatives: Vec::new(),
        kinds: vec![0],
    }
}

fn tell<T>(what: &str, mut work: impl FnMut() -> T) {
    let times = (0..3).map(|_| {
        let began = Instant::now();
        let done = work();
        let passed = began.elapsed();
        drop(done);
        passed
    });
    let best = times.min().unwrap_or(Duration::ZERO);
    println!("{what:<40} {:>8.0} ms", best.as_secs_f64() * 1e3);
}
