//! Whole trainings beside PyTorch's: the same weights, pictures and schedule, the loss of every step and what every weight
//! has become. `tests/torch/training.py` records them.

use std::collections::BTreeMap;

use burn::tensor::Device;
use perceive_model::{
    network::NetworkConfig,
    tower::{Clip, ClipConfig, Dinov2, Dinov2Config, Vgg16, Vgg16Config},
    train::{
        adamw::AdamW,
        batch::Crops,
        guide::Guide,
        objective::{ClipAware, Contrastive, Objective, Perceptual},
        restorer::Training,
        schedule::Schedule,
    },
    weights::{Checkpoint, load, recipe, shapes},
};
use serde::Deserialize;
use serde_json::Value;

use super::{case::Case, outcome::Outcome};

/// Of each step's terms, relative.
const LOSS_TOLERANCE: f64 = 1e-3;
/// Of the gradient's norm, relative. L1's gradient jumps where a pixel is met: PyTorch's own in f64 differ by 1e-2.
const NORM_TOLERANCE: f64 = 5e-2;
/// Of the weights' whole change, relative to its length.
const CHANGE_TOLERANCE: f64 = 1e-2;

/// Width and height of the pictures that both towers take.
const RESOLUTION: usize = 224;

#[derive(Deserialize)]
struct Record {
    /// What the recipe's kernels are multiplied by in the beginning.
    kernels: f32,
    batch: usize,
    patch: usize,
    schedule: Rates,
    adamw: Decay,
    objective: Option<Terms>,
    /// By term, one after the other.
    losses: Vec<BTreeMap<String, f64>>,
    gradient_norms: Vec<f64>,
}

#[derive(Deserialize)]
struct Rates {
    start: f64,
    end: f64,
    steps: u64,
    warm_up: u64,
    cosine: bool,
}

#[derive(Deserialize)]
struct Decay {
    weight_decay: f64,
    clip_norm: f64,
}

/// All of eq. 13, with small towers.
#[derive(Deserialize)]
struct Terms {
    weight: f64,
    temperature: f64,
    clip_scale: f64,
    average_psnr: f64,
    proxies: Vec<f64>,
    difficulty: f64,
    clip: Value,
    dinov2: Value,
    vgg16: Vgg16Config,
}

pub fn run(case: &Case) -> Outcome {
    let record: Record = serde_json::from_value(case.json.clone()).expect("a record of a training");
    let config: NetworkConfig = case.config();
    let mut training = training(&config, &record, &case.device.clone().inner());
    let before = training.weights();
    let mut outcome = Outcome::default();
    let negatives = record.objective.as_ref().map(|terms| terms.proxies.len());
    for (step, (want, norm)) in record.losses.iter().zip(&record.gradient_norms).enumerate() {
        let crops = crops(step, record.batch, record.patch, negatives);
        let report = training.step(&crops).expect("finite losses");
        for (name, got) in &report.losses {
            let want = want
                .get(*name)
                .unwrap_or_else(|| panic!("no loss {name} at step {step}"));
            outcome.value(&format!("{name} of step {step}"), *got, *want, LOSS_TOLERANCE);
        }
        outcome.norm(
            &format!("gradient's norm of step {step}"),
            report.gradient_norm,
            *norm,
            NORM_TOLERANCE,
        );
    }
    let share = strayed(&before, &training.weights(), &case.state());
    outcome.at_most("change of all weights", share, CHANGE_TOLERANCE);
    outcome
}

/// The length of the difference of two changes, as a share of the length of the one that was wanted.
fn strayed(before: &Checkpoint, after: &Checkpoint, change: &Checkpoint) -> f64 {
    let keys = |of: &Checkpoint| of.tensors.keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(after), keys(change), "the weights that learn");
    let (mut strayed, mut length) = (0.0, 0.0);
    for (key, want) in &change.tensors {
        let (before, after) = (&before.tensors[key].data, &after.tensors[key].data);
        for ((before, after), want) in before.iter().zip(after).zip(&want.data) {
            strayed += f64::from(after - before - want).powi(2);
            length += f64::from(*want).powi(2);
        }
    }
    (strayed / length).sqrt()
}

fn training(config: &NetworkConfig, record: &Record, device: &Device) -> Training {
    let schedule = Schedule {
        start: record.schedule.start,
        end: record.schedule.end,
        steps: record.schedule.steps,
        warm_up: record.schedule.warm_up,
        cosine: record.schedule.cosine,
    };
    let adamw = AdamW::new(record.adamw.weight_decay, record.adamw.clip_norm);
    let training = Training::new(config, 0, adamw, schedule, device);
    let mut weights = recipe(&shapes(&training.state().module));
    for array in weights.tensors.values_mut().filter(|array| is_kernel(&array.shape)) {
        array.data.iter_mut().for_each(|value| *value *= record.kernels);
    }
    let training = training.with_weights(&weights, "recipe").expect("its own keys");
    match &record.objective {
        Some(terms) => with_towers(training, terms),
        None => training,
    }
}

/// Whether the recipe makes weights of this shape as long as they are many.
fn is_kernel(shape: &[usize]) -> bool {
    shape.len() >= 2 && shape.iter().product::<usize>() > shape.iter().copied().max().unwrap_or(1)
}

fn with_towers(training: Training, terms: &Terms) -> Training {
    let device = training.device().clone();
    let clip = ClipConfig {
        // Nothing is read with it: the prompts' features are given.
        vocab_size: 2,
        context_length: 2,
        transformer_width: 2,
        transformer_heads: 1,
        transformer_layers: 1,
        ..with(ClipConfig::default(), &terms.clip)
    };
    let clip = by_recipe(Clip::new(&clip, &device)).frozen();
    let dino = by_recipe(Dinov2::new(&with(Dinov2Config::default(), &terms.dinov2), &device));
    let vgg = by_recipe(Vgg16::new(&terms.vgg16, &device));
    let text: Checkpoint = recipe(&[("text".into(), vec![3, clip.feature_width()])]);
    let mut training = training
        .with_guide(Some(Guide::new(dino, RESOLUTION)))
        .with_objective(Objective {
            contrastive: Some(Contrastive {
                weight: terms.weight,
                temperature: terms.temperature,
            }),
            clip_aware: Some(ClipAware {
                weight: terms.weight,
                clip,
                text: text.tensors["text"].tensor(&device),
                scale: terms.clip_scale,
            }),
            perceptual: Some(Perceptual::new(
                terms.weight,
                vgg,
                terms.proxies.clone(),
                terms.difficulty,
                false,
            )),
        });
    training.set_average_psnr(terms.average_psnr);
    training
}

/// Settings with some of them changed.
fn with<C: serde::Serialize + serde::de::DeserializeOwned>(config: C, changes: &Value) -> C {
    let mut all = serde_json::to_value(config).expect("settings");
    let changes = changes.as_object().expect("an object of settings");
    all.as_object_mut().expect("settings by name").extend(changes.clone());
    serde_json::from_value(all).expect("settings of the tower")
}

fn by_recipe<M: burn::module::Module>(module: M) -> M {
    let weights = recipe(&shapes(&module));
    load(module, &weights, "recipe").expect("its own keys")
}

/// Noise upon noise, made of its names and the step.
fn crops(step: usize, batch: usize, patch: usize, negatives: Option<usize>) -> Crops {
    let shape = vec![batch * 3 * patch * patch];
    let noise = |name: &str| {
        let name = format!("{name}.{step}");
        let vector = recipe(&[(name.clone(), shape.clone())]).tensors.remove(&name);
        vector
            .expect("the name asked for")
            .data
            .into_iter()
            .map(|value| 0.5 + 5.0 * value)
    };
    let clean: Vec<f32> = noise("clean").collect();
    let disturbed = |name: &str, reach: f32| {
        let pixels = clean.iter().zip(noise(name));
        pixels
            .map(|(clean, noise)| clean + reach * (noise - 0.5))
            .collect::<Vec<f32>>()
    };
    Crops {
        batch,
        patch,
        degraded: disturbed("degraded", 0.25),
        second: negatives.map(|_| disturbed("second", 0.25)),
        negatives: (0..negatives.unwrap_or(0))
            .map(|index| disturbed(&format!("negative.{index}"), 0.125))
            .collect(),
        kinds: (0..batch).collect(),
        clean,
    }
}
