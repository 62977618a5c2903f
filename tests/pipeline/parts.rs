//! Switching parts of the method off and over: each variant trains, and only the stages that it needs are planned.

use crate::support::Desk;
use crate::support::mini::MINI;

/// The stages, each once, that `mini` runs with these settings.
fn stages_with(desk: &Desk, sets: &[&str]) -> Vec<String> {
    let mut arguments = vec!["run", "mini", "--set", "restore.training.steps=2"];
    arguments.extend(sets.iter().flat_map(|set| ["--set", set]));
    let before = if desk.home().exists() { desk.states().len() } else { 0 };
    desk.run(&arguments).fine();
    let mut stages = desk.states().split_off(before);
    assert!(stages.iter().all(|state| state.ends_with(" done")), "{stages:?}");
    for state in &mut stages {
        state.truncate(state.len() - " done".len());
    }
    stages.dedup();
    desk.is_tidy();
    stages
}

/// The terms of the loss that the newest training recorded.
fn terms(desk: &Desk) -> Vec<String> {
    desk.ask(
        "SELECT DISTINCT name FROM metrics
         WHERE run_id = (SELECT max(id) FROM runs WHERE stage = 'restore')
           AND name IN ('l1', 'contrastive', 'clip_aware', 'perceptual') ORDER BY name",
    )
}

#[test]
fn each_part_of_the_network_can_be_switched_off() {
    let desk = Desk::with(MINI);
    stages_with(&desk, &[]);
    assert_eq!(terms(&desk), ["clip_aware", "contrastive", "l1", "perceptual"]);
    let mut sizes = vec![
        std::fs::metadata(desk.artefacts("restore")[0].join("model.safetensors"))
            .unwrap()
            .len(),
    ];
    for sets in [
        &["restore.cfe=false", "restore.loss.contrastive=0.0"][..],
        &["restore.guidance=false"],
        &["restore.pgm=false"],
        &["restore.pgca=off"],
        &["restore.pgca=eq8"],
        &["restore.network=restormer", "restore.loss.contrastive=0.0"],
        &["restore.network=perceive-ir-nafnet"],
        &["restore.network=airnet"],
    ] {
        assert_eq!(stages_with(&desk, sets), ["restore", "evaluate"], "{sets:?}");
        let newest = desk
            .ask("SELECT artefact_key FROM runs WHERE stage = 'restore' ORDER BY id DESC LIMIT 1")
            .remove(0);
        let model = desk.home().join("artefacts").join(newest).join("model.safetensors");
        sizes.push(std::fs::metadata(model).unwrap().len());
    }
    sizes.sort_unstable();
    sizes.dedup();
    assert!(sizes.len() >= 7, "parts that are off have no weights: {sizes:?}");
}

#[test]
fn each_loss_can_be_switched_off_with_the_stages_that_only_it_needs() {
    let (no_clip, no_perceptual, no_contrastive) = (
        "restore.loss.clip_aware=0.0",
        "restore.loss.perceptual=0.0",
        "restore.loss.contrastive=0.0",
    );
    let desk = Desk::with(MINI);
    let made = ["scenes", "degrade", "scenes", "degrade"];
    assert_eq!(
        stages_with(&desk, &[no_clip, no_perceptual, no_contrastive]),
        [&made[..], &["restore", "evaluate"]].concat()
    );
    assert_eq!(terms(&desk), ["l1"]);
    assert_eq!(
        stages_with(&desk, &[no_clip, no_contrastive]),
        ["medium", "negatives", "restore", "evaluate"]
    );
    assert_eq!(terms(&desk), ["l1", "perceptual"]);
    assert_eq!(
        stages_with(&desk, &[no_perceptual, no_contrastive]),
        ["prompts", "restore", "evaluate"]
    );
    assert_eq!(terms(&desk), ["clip_aware", "l1"]);
    assert_eq!(stages_with(&desk, &[no_clip, no_perceptual]), ["restore", "evaluate"]);
    assert_eq!(terms(&desk), ["contrastive", "l1"]);
}

#[test]
fn two_and_four_prompts_and_each_initialisation_can_be_learned() {
    let desk = Desk::with(MINI);
    let only = ["restore.loss.contrastive=0.0", "restore.loss.perceptual=0.0"];
    for (set, way) in [
        ("prompts.words=[\"excellent\", \"terrible\"]", "2-way"),
        (
            "prompts.words=[\"excellent\", \"good\", \"mediocre\", \"terrible\"]",
            "4-way",
        ),
        ("prompts.initialisation=random", "3-way"),
        ("prompts.initialisation=fixed", "3-way"),
    ] {
        let stages = stages_with(&desk, &[&only[..], &[set]].concat());
        assert!(
            stages.ends_with(&["prompts", "restore", "evaluate"].map(String::from)),
            "{stages:?}"
        );
        let newest =
            "SELECT text FROM events WHERE kind = 'note' AND text LIKE '%accuracy%' ORDER BY run_id DESC LIMIT 1";
        let note = desk.ask(newest).remove(0);
        assert!(note.starts_with(way) && note.contains("held-out"), "{set}: {note}");
    }
}
