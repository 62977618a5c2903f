//! Properties of whole batches, on small pictures in a temporary folder.

use std::collections::HashMap;

use super::*;
use crate::degradation::Protocol;
use crate::picture::Picture;

/// Pictures in a temporary folder: R is the column, G the row, B the picture's number; "degraded" ones are 100 - B.
struct Album {
    folder: tempfile::TempDir,
}

impl Album {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn picture(&self, name: &str, width: usize, height: usize, blue: u8) -> PathBuf {
        let mut picture = Picture::new(width, height);
        for (i, pixel) in picture.rgb.chunks_exact_mut(3).enumerate() {
            pixel.copy_from_slice(&[(i % width) as u8, (i / width) as u8, blue]);
        }
        let path = self.folder.path().join(name);
        image::save_buffer(&path, &picture.rgb, width as u32, height as u32, image::ColorType::Rgb8).unwrap();
        path
    }

    fn paired(&self, count: u8) -> Source {
        let sample = |i: u8| {
            let (width, height) = (40 + usize::from(i), 50 - usize::from(i));
            Sample {
                name: format!("pair {i}"),
                clean: self.picture(&format!("clean{i}.png"), width, height, i),
                degraded: Degraded::Picture(self.picture(&format!("bad{i}.png"), width, height, 100 - i)),
                kind: 1,
                companions: vec![self.picture(&format!("near{i}.png"), width, height, 200 - i)],
            }
        };
        Source {
            name: "paired".into(),
            weight: 1.0,
            samples: (0..count).map(sample).collect(),
        }
    }

    fn noisy(&self, count: u8, noise: &Noise) -> Source {
        let sample = |i: u8| Sample {
            name: format!("noisy {i}"),
            clean: self.picture(&format!("grey{i}.png"), 60, 44, 128),
            degraded: Degraded::Fresh(noise.clone()),
            kind: 0,
            companions: vec![self.picture(&format!("easy{i}.png"), 60, 44, 90)],
        };
        Source {
            name: "noisy".into(),
            weight: 3.0,
            samples: (0..count).map(sample).collect(),
        }
    }
}

const SETTINGS: BatchSettings = BatchSettings {
    batch: 6,
    patch: 16,
    flips: true,
    second_patch: true,
};

fn refusal(sources: Vec<Source>, settings: BatchSettings) -> String {
    let batches = match Batches::new(sources, settings, 0) {
        Ok(batches) => batches,
        Err(error) => return error.to_string(),
    };
    batches.batch(1, 0).unwrap_err().to_string()
}

#[test]
fn one_seed_and_step_give_one_batch_on_any_threads_and_cache() {
    let album = Album::new();
    let sources = vec![album.paired(5), album.noisy(3, &Noise::new(25.0))];
    let reference = Batches::new(sources.clone(), SETTINGS, 0).unwrap();
    for threads in [1, 2, 5] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let batches = Batches::new(sources.clone(), SETTINGS, 30_000).unwrap();
        for step in [7, 0, 3, 7] {
            let batch = pool.install(|| batches.batch(11, step)).unwrap();
            assert_eq!(
                batch,
                reference.batch(11, step).unwrap(),
                "{threads} threads, step {step}"
            );
        }
    }
    assert_ne!(
        reference.batch(11, 1).unwrap().degraded,
        reference.batch(12, 1).unwrap().degraded
    );
    assert_ne!(
        reference.batch(11, 1).unwrap().degraded,
        reference.batch(11, 2).unwrap().degraded
    );
}

#[test]
fn all_pictures_of_a_sample_are_cut_alike() {
    let album = Album::new();
    let batches = Batches::new(vec![album.paired(5)], SETTINGS, 0).unwrap();
    let area = SETTINGS.patch * SETTINGS.patch;
    let mut apart = 0;
    for step in 0..10 {
        let batch = batches.batch(2, step).unwrap();
        let second = batch.second.unwrap();
        for (place, chosen) in batch.chosen.iter().enumerate() {
            let of = |planes: &[f32]| planes[place * 3 * area..(place + 1) * 3 * area].to_vec();
            let (clean, bad, near, other) = (
                of(&batch.clean),
                of(&batch.degraded),
                of(&batch.companions[0]),
                of(&second),
            );
            // R and G hold coordinates: equal planes are equal crops and flips.
            assert_eq!(clean[..2 * area], bad[..2 * area]);
            assert_eq!(clean[..2 * area], near[..2 * area]);
            apart += usize::from(clean[..2 * area] != other[..2 * area]);
            for (planes, blue) in [
                (&clean, chosen.1),
                (&bad, 100 - chosen.1),
                (&near, 200 - chosen.1),
                (&other, 100 - chosen.1),
            ] {
                assert!(planes[2 * area..].iter().all(|v| *v == blue as f32 / 255.0));
            }
        }
    }
    assert!(apart > 50, "second patches are elsewhere: {apart} of 60");
}

#[test]
fn fresh_noise_has_its_sigma_and_never_repeats() {
    let album = Album::new();
    for protocol in [Protocol::Float, Protocol::Rounded] {
        let noise = Noise { sigma: 15.0, protocol };
        let settings = BatchSettings {
            batch: 8,
            patch: 40,
            ..SETTINGS
        };
        let batches = Batches::new(vec![album.noisy(1, &noise)], settings, 1 << 20).unwrap();
        let batch = batches.batch(1, 0).unwrap();
        let area = 40 * 40;
        let mut blue = Vec::new();
        for place in 0..8 {
            let at = (place * 3 + 2) * area;
            assert!(batch.clean[at..at + area].iter().all(|v| *v == 128.0 / 255.0));
            blue.push(batch.degraded[at..at + area].to_vec());
        }
        let all: Vec<f64> = blue.iter().flatten().map(|v| f64::from(*v) * 255.0 - 128.0).collect();
        let deviation = (all.iter().map(|v| v * v).sum::<f64>() / all.len() as f64).sqrt();
        // 12,800 values: four standard errors are 0.38.
        assert!((deviation - 15.0).abs() < 0.4, "{protocol:?}: {deviation}");
        assert!(blue.windows(2).all(|pair| pair[0] != pair[1]));
    }
}

#[test]
fn weights_share_out_places_and_every_sample_gets_its_turn() {
    let album = Album::new();
    let sources = vec![album.paired(5), album.noisy(3, &Noise::new(25.0))];
    let settings = BatchSettings {
        batch: 8,
        second_patch: false,
        ..SETTINGS
    };
    let batches = Batches::new(sources, settings, 1 << 20).unwrap();
    let mut counts: HashMap<(usize, usize), usize> = HashMap::new();
    for step in 0..50 {
        let batch = batches.batch(4, step).unwrap();
        assert!(batch.second.is_none());
        for (chosen, kind) in batch.chosen.iter().zip(&batch.kinds) {
            *counts.entry(*chosen).or_default() += 1;
            assert_eq!(*kind, 1 - chosen.0);
        }
    }
    // 400 draws: a quarter over 5 pairs, three quarters over 3 noisy ones.
    for i in 0..5 {
        assert!(counts[&(0, i)].abs_diff(20) <= 1, "{counts:?}");
    }
    for i in 0..3 {
        assert!(counts[&(1, i)].abs_diff(100) <= 1, "{counts:?}");
    }
}

#[test]
fn nothing_to_learn_from_is_refused() {
    let album = Album::new();
    let empty = Source {
        name: "Rain100L".into(),
        weight: 1.0,
        samples: Vec::new(),
    };
    assert!(refusal(Vec::new(), SETTINGS).contains("no pictures to learn from"));
    assert!(refusal(vec![empty.clone()], SETTINGS).contains("no pictures to learn from"));
    let message = refusal(vec![album.paired(1), empty], SETTINGS);
    assert!(message.contains("Rain100L has no samples"), "{message}");
}

#[test]
fn impossible_weights_settings_and_noise_are_refused() {
    let album = Album::new();
    for weight in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let source = Source {
            weight,
            ..album.paired(1)
        };
        let message = refusal(vec![source], SETTINGS);
        assert!(message.contains(&format!("weight {weight}")), "{message}");
    }
    assert!(refusal(vec![album.paired(1)], BatchSettings { batch: 0, ..SETTINGS }).starts_with("batch = 0"));
    assert!(refusal(vec![album.paired(1)], BatchSettings { patch: 0, ..SETTINGS }).starts_with("patch = 0"));
    let message = refusal(vec![album.noisy(1, &Noise::new(-2.0))], SETTINGS);
    assert!(
        message.contains("noisy 0") && message.contains("sigma = -2"),
        "{message}"
    );
}

#[test]
fn samples_with_unequal_negatives_are_refused() {
    let album = Album::new();
    let mut source = album.paired(2);
    source.samples[1].companions.clear();
    let message = refusal(vec![source], SETTINGS);
    assert!(
        message.contains("pair 1 of dataset paired has 0 negatives"),
        "{message}"
    );
}

#[test]
fn a_picture_smaller_than_the_crop_is_named_with_both_sizes() {
    let album = Album::new();
    let message = refusal(vec![album.paired(1)], BatchSettings { patch: 48, ..SETTINGS });
    assert!(
        message.contains("clean0.png is 40x50, smaller than the 48x48 crop"),
        "{message}"
    );
    assert!(message.contains("smaller patch"), "{message}");
}

#[test]
fn a_pair_of_different_sizes_is_named_with_both_paths_and_sizes() {
    let album = Album::new();
    let mut source = album.paired(1);
    album.picture("bad0.png", 41, 50, 1);
    let message = refusal(vec![source.clone()], SETTINGS);
    assert!(
        message.contains("bad0.png is 41x50") && message.contains("clean0.png is 40x50"),
        "{message}"
    );
    source = album.paired(1);
    album.picture("near0.png", 40, 51, 1);
    assert!(refusal(vec![source], SETTINGS).contains("near0.png is 40x51"));
}

#[test]
fn a_truncated_or_missing_picture_is_named() {
    let album = Album::new();
    let source = album.paired(1);
    let Degraded::Picture(path) = source.samples[0].degraded.clone() else {
        panic!("paired")
    };
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let message = refusal(vec![source.clone()], SETTINGS);
    assert!(
        message.contains("bad0.png") && message.contains("fetch this picture again"),
        "{message}"
    );
    std::fs::remove_file(&path).unwrap();
    assert!(refusal(vec![source], SETTINGS).contains("bad0.png"));
}
