//! Batches of 16 from BSD400's JPEGs: decoded, a random crop of 128, flips, Gaussian noise of 25, f32 as `[B, 3, H, W]`; by two
//! threads, or by two workers of PyTorch's `DataLoader`.
//!
//! Each round is a process of its own that makes batches for some seconds, once it has made enough to be in its stride.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use perceive_datasets::batch::{BatchSettings, Batches, Degraded, Sample, Source};
use perceive_datasets::degradation::{Noise, Protocol};
use serde_json::{Value, json};

const SETTINGS: BatchSettings = BatchSettings {
    batch: 16,
    patch: 128,
    flips: true,
    second_patch: false,
};

/// Threads of ours, workers of PyTorch's.
const THREADS: usize = 2;

/// What the program keeps decoded pictures in.
const CACHE: u64 = 1 << 30;

/// Where decoded pictures come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Pictures {
    /// From memory after the first epoch, as in the program where they fit.
    Kept,
    /// Every one decoded anew, as in the program where nothing fits.
    Cold,
}

/// One side of the comparison.
struct Side {
    name: &'static str,
    program: PathBuf,
    arguments: Vec<String>,
}

/// What a round told.
struct Round {
    /// Pictures a second.
    rate: f64,
    /// Bytes.
    memory: f64,
}

/// All sides by turns, medians, as a table.
pub fn compare(python: Option<&Path>, rounds: usize, seconds: f64) -> Result<(), Box<dyn Error>> {
    let own = |name, side: &str| -> Result<Side, Box<dyn Error>> {
        let arguments = ["--side", side, "--seconds", &seconds.to_string()].map(String::from);
        Ok(Side {
            name,
            program: std::env::current_exe()?,
            arguments: arguments.to_vec(),
        })
    };
    let mut sides = vec![
        own("ours, pictures kept", "kept")?,
        own("ours, every picture decoded anew", "cold")?,
    ];
    if let Some(python) = python {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bench/pictures/loader_peer.py");
        for (name, how) in [
            ("PyTorch, every picture decoded anew", "cold"),
            ("PyTorch, pictures kept by each worker", "kept"),
        ] {
            let arguments = [script.display().to_string(), how.into(), seconds.to_string()];
            let (program, arguments) = (python.to_path_buf(), arguments.to_vec());
            sides.push(Side {
                name,
                program,
                arguments,
            });
        }
    }
    let mut told: Vec<Vec<Round>> = sides.iter().map(|_| Vec::new()).collect();
    let mut versions = Value::Null;
    for number in 1..=rounds.max(1) {
        for (side, told) in sides.iter().zip(&mut told) {
            let round = side.round()?;
            if round["versions"].is_string() {
                versions = round["versions"].clone();
            }
            let value = |name: &str| round[name].as_f64().ok_or("a side told no number");
            told.push(Round {
                rate: value("rate")?,
                memory: value("memory")?,
            });
        }
        let rates: Vec<String> = told
            .iter()
            .map(|rounds| format!("{:.0}", rounds[number - 1].rate))
            .collect();
        println!("round {number}: {} pictures/s", rates.join(", "));
    }
    println!(
        "\nmedians of {rounds} rounds; {}",
        versions.as_str().unwrap_or("without PyTorch")
    );
    println!("| loader | pictures/s | batches of 16/s | memory |");
    println!("| --- | ---: | ---: | ---: |");
    for (side, rounds) in sides.iter().zip(&told) {
        let (rate, memory) = (middle(rounds, |round| round.rate), middle(rounds, |round| round.memory));
        let batches = rate / SETTINGS.batch as f64;
        println!("| {} | {rate:.0} | {batches:.1} | {:.0} MB |", side.name, memory / 1e6);
    }
    Ok(())
}

/// One round of ours, told on stdout.
pub fn round(pictures: Pictures, seconds: f64) -> Result<(), Box<dyn Error>> {
    perceive_model::kernel::tune_allocation();
    let sources = vec![source()?];
    let epoch = sources[0].samples.len().div_ceil(SETTINGS.batch) as u64;
    let cache = if pictures == Pictures::Kept { CACHE } else { 0 };
    let batches = Batches::new(sources, SETTINGS, cache)?;
    let threads = rayon::ThreadPoolBuilder::new().num_threads(THREADS).build()?;
    // Until then every picture has been seen.
    for step in 0..=epoch {
        threads.install(|| batches.batch(1, step))?;
    }
    let (began, mut made, mut seen) = (Instant::now(), 0, 0.0);
    while began.elapsed().as_secs_f64() < seconds {
        let batch = threads.install(|| batches.batch(1, epoch + 1 + made))?;
        seen += batch.degraded[0];
        made += 1;
    }
    let rate = made as f64 * SETTINGS.batch as f64 / began.elapsed().as_secs_f64();
    println!("{}", json!({ "rate": rate, "memory": memory()?, "seen": seen }));
    Ok(())
}

impl Side {
    fn round(&self) -> Result<Value, Box<dyn Error>> {
        let output = Command::new(&self.program).args(&self.arguments).output()?;
        if !output.status.success() {
            return Err(format!("{}: {}", self.name, String::from_utf8_lossy(&output.stderr)).into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

/// BSD400 under fresh noise: BSDS500's 200 training and 200 test pictures.
fn source() -> Result<Source, Box<dyn Error>> {
    let folder = std::env::var_os("PERCEIVE_PICTURES").ok_or("PERCEIVE_PICTURES names no folder of pictures")?;
    let folder = Path::new(&folder).join("BSDS500/data/images");
    let noise = Noise {
        sigma: 25.0,
        protocol: Protocol::Float,
    };
    let mut samples = Vec::new();
    for split in ["train", "test"] {
        for entry in std::fs::read_dir(folder.join(split))? {
            let clean = entry?.path();
            if clean.extension().is_some_and(|ending| ending == "jpg") {
                samples.push(Sample {
                    name: clean.display().to_string(),
                    clean,
                    degraded: Degraded::Fresh(noise.clone()),
                    kind: 0,
                    companions: Vec::new(),
                });
            }
        }
    }
    samples.sort_by(|a, b| a.clean.cmp(&b.clean));
    Ok(Source {
        name: "BSD400".into(),
        weight: 1.0,
        samples,
    })
}

/// Bytes that this process holds, its share of what it shares with others included.
fn memory() -> Result<u64, Box<dyn Error>> {
    let told = std::fs::read_to_string("/proc/self/smaps_rollup")?;
    let line = told.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()).ok_or("no Pss")?;
    Ok(kilobytes.parse::<u64>()? * 1024)
}

fn middle(rounds: &[Round], of: fn(&Round) -> f64) -> f64 {
    let mut values: Vec<f64> = rounds.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
