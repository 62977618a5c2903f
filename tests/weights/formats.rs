//! Every way in which PyTorch writes a state dict, and training programs wrap it: files that PyTorch itself wrote
//! (`tests/torch/make.py`) give the weights that went into them.

use std::path::{Path, PathBuf};

use half::{bf16, f16};
use perceive_model::weights::{Array, Checkpoint, WeightsError};
use proptest::prelude::*;

use super::golden;

fn file(layout: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/torch")
        .join(format!("{layout}.pth"))
}

/// The tensors of the golden NAFNet that the files hold.
fn few() -> Checkpoint {
    let mut few = golden("nafnet");
    let begins = ["intro.", "ending.", "encoders.0.0."];
    few.tensors
        .retain(|key, _| begins.iter().any(|begin| key.starts_with(begin)));
    few.metadata.clear();
    few
}

fn rounded(few: &Checkpoint, number: impl Fn(f32) -> f32) -> Checkpoint {
    let mut rounded = few.clone();
    for Array { data, .. } in rounded.tensors.values_mut() {
        for value in data {
            *value = number(*value);
        }
    }
    rounded
}

#[test]
fn every_layout_gives_the_weights_that_went_into_it_to_the_last_bit() {
    let few = few();
    assert!(few.tensors.len() > 20);
    let half = rounded(&few, |value| f16::from_f32(value).to_f32());
    let brain = rounded(&few, |value| bf16::from_f32(value).to_f32());
    for (layout, wrapper, expected) in [
        ("bare", "", &few),
        ("legacy", "", &few),
        ("params", "params.", &few),
        ("ema+legacy", "params_ema.", &few),
        ("lightning+net+half", "state_dict.net.", &half),
        ("trainer+module", "state_dict.module.", &few),
        ("trainer+module+legacy", "state_dict.module.", &few),
        ("model+bfloat16+compiled", "model._orig_mod.", &brain),
        ("double+parameters", "", &few),
        ("transposed", "", &few),
        ("transposed+legacy+half", "", &half),
    ] {
        let (found, taken_off) = Checkpoint::published(file(layout)).unwrap();
        assert_eq!(taken_off.prefix, wrapper, "{layout}");
        assert_eq!(
            found.tensors.keys().collect::<Vec<_>>(),
            expected.tensors.keys().collect::<Vec<_>>()
        );
        for (key, array) in &expected.tensors {
            assert_eq!(&found.tensors[key], array, "{layout}: {key}");
        }
    }
}

#[test]
fn what_pytorch_scripted_is_read_by_the_paths_of_its_modules() {
    let path = file("scripted").with_extension("pt");
    let found = Checkpoint::read(path).unwrap();
    assert_eq!(found.tensors.keys().collect::<Vec<_>>(), ["intro.weight", "scale"]);
    let intro = rounded(&few(), |value| f16::from_f32(value).to_f32()).tensors["intro.weight"].clone();
    assert_eq!(found.tensors["intro.weight"], intro);
    assert_eq!(found.tensors["scale"].data, [2.5]);
}

#[test]
fn a_file_of_pytorch_cut_anywhere_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.pth");
    for layout in ["params", "trainer+module+legacy"] {
        let whole = std::fs::read(file(layout)).unwrap();
        for length in (0..whole.len()).step_by(97) {
            std::fs::write(&path, &whole[..length]).unwrap();
            let error = Checkpoint::read(&path).unwrap_err();
            let is_told = matches!(error, WeightsError::Format { .. } | WeightsError::NotWeights { .. });
            assert!(is_told, "{length} of {} bytes: {error}", whole.len());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(600) })]

    /// Bytes changed, put in, taken out, doubled, in the part that is read as a program would be.
    #[test]
    fn no_mutation_of_a_file_of_pytorch_panics(
        layout in prop::sample::select(vec![
            "legacy", "lightning+net+half", "trainer+module+legacy", "double+parameters", "transposed+legacy+half",
        ]),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..10),
    ) {
        let mut bytes = std::fs::read(file(layout)).unwrap();
        for (at, byte, what) in edits {
            // Pickles stand at the beginning, the archive's listing at the end.
            let at = at.index(bytes.len().min(4000));
            match what {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => { bytes.remove(at); }
                _ => {
                    let end = bytes.len() - 1 - at.min(bytes.len() / 2);
                    bytes[end] = byte;
                }
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mutated.pth");
        std::fs::write(&path, bytes).unwrap();
        let _ = Checkpoint::published(&path);
    }
}
