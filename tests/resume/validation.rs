//! Pictures held out of a training: its best network, and its early end.

use crate::support::Desk;
use crate::support::mini::LONG;

fn run(desk: &Desk, validation: &str, more: &[&str]) {
    let set = format!("restore.training.validation={{ {validation} }}");
    desk.run(&[&["run", "long", "--set", &set][..], more].concat()).fine();
}

/// (step, PSNR) of all validations.
fn validations(desk: &Desk) -> Vec<(u64, f64)> {
    let told = desk
        .ask("SELECT step || ' ' || format('%!.17g', value) FROM curves WHERE name = 'validation_psnr' ORDER BY step");
    told.iter()
        .map(|told| {
            let (step, psnr) = told.split_once(' ').unwrap();
            (step.parse().unwrap(), psnr.parse().unwrap())
        })
        .collect()
}

fn best(scores: &[(u64, f64)]) -> u64 {
    let best = scores
        .iter()
        .copied()
        .reduce(|best, next| if next.1 > best.1 { next } else { best });
    best.unwrap().0
}

#[test]
fn the_psnr_is_measured_every_so_many_steps_and_the_best_networks_are_kept() {
    let desk = Desk::with(LONG);
    run(&desk, "every = 50, pictures = 2", &["--set", "upkeep.keep_best=2"]);
    let scores = validations(&desk);
    assert_eq!(
        scores.iter().map(|score| score.0).collect::<Vec<_>>(),
        [50, 100, 150, 160]
    );
    assert!(scores.iter().all(|score| (5.0..60.0).contains(&score.1)), "{scores:?}");
    let artefact = desk.artefacts("restore").remove(0);
    let kept = crate::support::mini::files(&artefact.join("best"));
    assert_eq!(kept.len(), 2, "{kept:?}");
    assert!(
        kept.iter()
            .any(|file| file.ends_with(format!("step-{:08}.safetensors", best(&scores)))),
        "{kept:?}, {scores:?}"
    );
    let plain = Desk::with(LONG);
    plain.run(&["run", "long"]).fine();
    assert!(!plain.artefacts("restore")[0].join("best").exists());
    assert_ne!(
        plain.weights("restore"),
        desk.weights("restore"),
        "two scenes more were learned from"
    );
}

#[test]
fn patience_ends_a_training_early_and_the_best_network_is_what_it_leaves() {
    let desk = Desk::with(LONG);
    // No validation is ever 40 dB better than the first.
    run(
        &desk,
        "every = 20, pictures = 2, patience = 2, min_delta = 40.0, use_best = true",
        &[],
    );
    let scores = validations(&desk);
    assert_eq!(scores.iter().map(|score| score.0).collect::<Vec<_>>(), [20, 40, 60]);
    let notes = desk.notes();
    assert!(
        notes.iter().any(|note| note.starts_with("stopped early at step 60")),
        "{notes:?}"
    );
    let chosen = format!("the network is that of step {}", best(&scores));
    assert!(notes.iter().any(|note| note.starts_with(&chosen)), "{notes:?}");
    let artefact = desk.artefacts("restore").remove(0);
    let tensors = |path: &std::path::Path| {
        let bytes = std::fs::read(path).unwrap();
        let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let mut all: Vec<(String, Vec<u8>)> = file
            .iter()
            .map(|(key, view)| (key.to_string(), view.data().to_vec()))
            .collect();
        all.sort();
        all
    };
    let kept = artefact.join(format!("best/step-{:08}.safetensors", best(&scores)));
    assert!(tensors(&artefact.join("model.safetensors")) == tensors(&kept));
}

#[test]
fn too_few_pictures_to_hold_some_out_are_told() {
    let desk = Desk::with(LONG);
    desk.run(&[
        "run",
        "long",
        "--set",
        "restore.training.validation.every=10",
        "--set",
        "train_limit=1",
    ])
    .fails(5, &["too few pictures to hold some out", "hint:"]);
}
