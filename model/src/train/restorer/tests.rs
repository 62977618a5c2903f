//! Whole, in pieces, on several devices, in bf16, run again, and by momentum contrast.

use super::*;
use crate::{
    network::Size,
    tower::stand_in,
    train::objective::{ClipAware, Contrastive, Perceptual},
};

/// A guided network under all four terms.
fn training() -> Training {
    let device = Device::flex();
    let dino = stand_in::dinov2(&device.clone().autodiff());
    let config = NetworkConfig::sized("perceive-ir", Size::Tiny)
        .unwrap()
        .with_guidance_width(dino.width());
    let schedule = Schedule {
        start: 1e-4,
        end: 1e-4,
        steps: 10,
        warm_up: 0,
        cosine: false,
    };
    let training = Training::new(&config, 3, AdamW::new(1e-4, 0.0), schedule, &device);
    let device = training.device().clone();
    let clip = stand_in::clip(&device).frozen();
    device.seed(4);
    let text = Tensor::<2>::random([3, clip.feature_width()], burn::tensor::Distribution::Default, &device);
    let mut training = training
        .with_guide(Some(Guide::new(dino, 28)))
        .with_objective(Objective {
            contrastive: Some(Contrastive {
                weight: 0.3,
                temperature: 0.2,
            }),
            clip_aware: Some(ClipAware {
                weight: 0.2,
                clip,
                text,
                scale: 5.0,
            }),
            perceptual: Some(Perceptual::new(0.1, stand_in::vgg16(&device), vec![29.0], 0.25, true)),
        });
    training.set_average_psnr(28.0);
    training
}

fn crops(step: u64) -> Crops {
    let pixels = |stream: u64| -> Vec<f32> {
        let mut state = (step * 10 + stream + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let draw = |_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1_u64 << 24) as f32
        };
        (0..6 * 3 * 16 * 16).map(draw).collect()
    };
    Crops {
        batch: 6,
        patch: 16,
        degraded: pixels(0),
        clean: pixels(1),
        second: Some(pixels(2)),
        negatives: vec![pixels(3)],
        kinds: vec![0, 1, 2, 0, 1, 0],
    }
}

/// Three steps.
struct Course {
    reports: Vec<Report>,
    /// Of all parameters after the first step; AdamW's first moment is then a tenth of it.
    gradient: Vec<f32>,
    /// After the last.
    weights: Vec<f32>,
}

fn course(mut training: Training) -> Course {
    let numbers = |checkpoint: Checkpoint| -> Vec<f32> {
        let arrays = checkpoint.tensors.into_values();
        arrays.flat_map(|array| array.data).collect()
    };
    let mut reports = vec![training.step(&crops(0)).unwrap()];
    let gradient = numbers(training.state().checkpoint().under("adamw.first."));
    reports.extend((1..3).map(|step| training.step(&crops(step)).unwrap()));
    Course {
        reports,
        gradient,
        weights: numbers(training.weights()),
    }
}

/// The length of the difference, relative to that of `want`.
fn apart(want: &[f32], got: &[f32]) -> f64 {
    let length = |values: &mut dyn Iterator<Item = f32>| values.map(|v| f64::from(v).powi(2)).sum::<f64>().sqrt();
    assert_eq!(want.len(), got.len());
    length(&mut want.iter().zip(got).map(|(want, got)| want - got)) / length(&mut want.iter().copied())
}

fn assert_equal_within_rounding(want: &Course, got: &Course, what: &str) {
    for (want, got) in want.reports.iter().zip(&got.reports) {
        assert_eq!(want.losses.len(), 5);
        for ((name, want), (other, got)) in want.losses.iter().zip(&got.losses) {
            assert_eq!(name, other, "{what}");
            assert!((want - got).abs() <= 1e-5 * want.abs(), "{what}: {name} {want} {got}");
        }
    }
    for (name, want, got) in [
        ("gradients", &want.gradient, &got.gradient),
        ("weights", &want.weights, &got.weights),
    ] {
        let apart = apart(want, got);
        println!("{what}: {name} differ by {apart:.2e}");
        assert!(apart < 1e-5, "{what}: {name} differ by {apart:.2e}");
    }
}

#[test]
fn a_batch_in_pieces_is_the_batch_within_rounding() {
    let whole = course(training());
    for pieces in [2, 3, 4] {
        let got = course(training().accumulating(pieces));
        assert_equal_within_rounding(&whole, &got, &format!("{pieces} pieces"));
    }
}

#[test]
fn blocks_that_are_run_again_learn_the_same_to_the_last_bit() {
    let (kept, again) = (course(training()), course(training().recomputing(true)));
    assert_eq!(kept.reports, again.reports);
    assert_eq!(kept.weights, again.weights);
}

#[test]
fn a_batch_on_several_devices_is_the_batch_within_rounding() {
    let whole = course(training());
    let two = course(training().beside(&[Device::flex()]));
    assert_equal_within_rounding(&whole, &two, "two devices");
    let four = course(training().accumulating(2).beside(&[Device::flex()]));
    assert_equal_within_rounding(&whole, &four, "two devices, two pieces each");
    // Pieces are summed in their order, wherever they were computed.
    assert_eq!(two.weights, course(training().accumulating(2)).weights);
}

#[test]
fn pieces_that_are_no_numbers_change_nothing() {
    let mut training = training().accumulating(3);
    training.step(&crops(0)).unwrap();
    let before = training.state().checkpoint();
    let mut broken = crops(1);
    let last = broken.clean.len() - 1;
    broken.clean[last] = f32::NAN;
    let failure = training.step(&broken).unwrap_err();
    assert_eq!((failure.what.as_str(), failure.step), ("the loss term l1", 2));
    assert_eq!(training.state().checkpoint(), before);
}

#[test]
fn restored_pictures_that_are_no_numbers_have_no_psnr() {
    let training = training();
    let mut crops = crops(0);
    let psnr = |crops: &Crops| training.psnr(crops, training.guidance(&training.degraded(crops)));
    let whole = |crops: &Crops| {
        let picture = training.degraded(crops).narrow(0, 0, 1);
        let guidance = training.guidance(&picture);
        training.restore(picture, guidance)
    };
    assert!(psnr(&crops).unwrap().iter().all(|psnr| (0.0..50.0).contains(psnr)));
    whole(&crops).unwrap();
    crops.degraded[0] = f32::NAN;
    for failure in [psnr(&crops).unwrap_err(), whole(&crops).map(drop).unwrap_err()] {
        assert_eq!(failure.what, "the mean of a restored picture");
        assert!(failure.value.is_nan() && failure.step == 0);
    }
}

#[test]
fn bf16_learns_with_f32_weights() {
    let exact = course(training());
    let rounded = course(training().with_precision(Precision::Bf16));
    for (exact, rounded) in exact.reports.iter().zip(&rounded.reports) {
        assert!(
            (exact.loss - rounded.loss).abs() < 0.03 * exact.loss,
            "{exact:?} {rounded:?}"
        );
    }
    let apart = apart(&exact.gradient, &rounded.gradient);
    assert!(apart > 0.0 && apart < 0.2, "gradients differ by {apart:.2e}");
    // A step of 1e-4 is finer than bf16 is at most weights: they would not be what they are had they been rounded.
    let coarse = rounded
        .weights
        .iter()
        .filter(|value| value.to_bits().trailing_zeros() >= 16);
    assert!(coarse.count() < rounded.weights.len() / 10);
    let pieces = course(training().with_precision(Precision::Bf16).accumulating(2));
    let (pieces, whole) = (pieces.reports[0].loss, rounded.reports[0].loss);
    assert!((pieces - whole).abs() < 1e-3 * whole, "{pieces} {whole}");
}

fn airnet(seed: u64) -> Training {
    let config = NetworkConfig::sized("airnet", Size::Tiny).unwrap();
    let schedule = Schedule {
        start: 1e-3,
        end: 1e-6,
        steps: 10,
        warm_up: 0,
        cosine: true,
    };
    let contrastive = Contrastive {
        weight: 0.1,
        temperature: 0.07,
    };
    Training::new(&config, seed, AdamW::new(1e-4, 0.0), schedule, &Device::flex())
        .with_objective(Objective {
            contrastive: Some(contrastive),
            ..Objective::default()
        })
        .with_momentum_contrast(6, seed)
}

/// Crops of 16 pixels, others at every step; NaN where asked.
fn pairs(step: u64, broken: bool) -> Crops {
    let pixels = |start: u64| -> Vec<f32> {
        let value = |at: u64| ((at + start + 1000 * step) as f32 * 0.37).sin() * 0.5 + 0.5;
        (0..2 * 3 * 16 * 16).map(value).collect()
    };
    let mut crops = Crops {
        batch: 2,
        patch: 16,
        degraded: pixels(0),
        clean: pixels(3),
        second: Some(pixels(5)),
        negatives: Vec::new(),
        kinds: vec![0, 1],
    };
    if broken {
        crops.clean[7] = f32::NAN;
    }
    crops
}

#[test]
fn momentum_contrast_goes_on_from_a_checkpoint_as_if_it_had_never_stopped() {
    let mut whole = airnet(5);
    for step in 0..4 {
        let report = whole.step(&pairs(step, false)).unwrap();
        assert_eq!(report.losses[1].0, "contrastive");
    }
    let mut first = airnet(5);
    for step in 0..2 {
        first.step(&pairs(step, false)).unwrap();
    }
    let checkpoint = first.state().checkpoint();
    assert!(checkpoint.tensors.contains_key("contrast.queue"));
    let mut second = airnet(9).resume(checkpoint, "memory").unwrap();
    for step in 2..4 {
        second.step(&pairs(step, false)).unwrap();
    }
    assert_eq!(second.state().checkpoint(), whole.state().checkpoint());
}

#[test]
fn a_step_that_fails_leaves_the_queue_and_the_statistics_as_they_were() {
    let mut training = airnet(5);
    training.step(&pairs(0, false)).unwrap();
    let before = training.state().checkpoint();
    training.step(&pairs(1, true)).unwrap_err();
    assert_eq!(training.state().checkpoint(), before);
}
