//! Numbers that leave their bounds: each loss term is driven to infinity and named; a loss that explodes is told as such.

use std::fs;

use serde_json::Value;

use crate::support::Desk;
use crate::support::mini::{LONG, MINI};

/// The last line of the newest journal.
fn last_word(desk: &Desk) -> Value {
    let run = desk.ask("SELECT id FROM runs ORDER BY id DESC LIMIT 1").remove(0);
    let journal = fs::read_to_string(desk.home().join(format!("journals/{run}.jsonl"))).unwrap();
    serde_json::from_str(journal.lines().last().unwrap()).unwrap()
}

/// Checks that the newest run failed for good, for this reason.
#[track_caller]
fn given_up(desk: &Desk, kind: &str, says: &str) {
    let word = last_word(desk);
    assert_eq!(
        (&word["event"], &word["code"], &word["kind"]),
        (&"failed".into(), &9.into(), &kind.into())
    );
    assert!(word["reason"].as_str().unwrap().contains(says), "{word}");
    let recorded = desk.ask("SELECT state || ' ' || exit_code || ' ' || reason FROM runs ORDER BY id DESC LIMIT 1");
    assert!(
        recorded[0].starts_with("failed 9 ") && recorded[0].contains(says),
        "{recorded:?}"
    );
}

#[test]
fn each_loss_term_that_becomes_infinite_is_named() {
    let desk = Desk::with(MINI);
    desk.run(&["run", "mini"]).fine();
    for (set, term) in [
        ("restore.loss.contrastive=1e39", "the loss term contrastive"),
        ("restore.loss.clip_aware=1e39", "the loss term clip_aware"),
        ("restore.loss.perceptual=1e39", "the loss term perceptual"),
        ("restore.training.learning_rate=1e30", "the loss term l1"),
        ("medium.training.learning_rate=1e30", "the loss term l1"),
        ("prompts.learning_rate=1e38", "the loss term"),
    ] {
        desk.run(&["run", "mini", "--set", set]).fails(9, &[term, "hint:"]);
        given_up(&desk, "not-finite", term);
        desk.is_tidy();
    }
    println!("6 terms in 3 stages were driven to infinity");
}

#[test]
fn a_validation_of_pictures_that_are_no_numbers_is_no_score() {
    let desk = Desk::with(MINI);
    let run = [
        "run",
        "mini",
        "--set",
        "restore.training.steps=1",
        "--set",
        "restore.training.learning_rate=1e38",
        "--set",
        "restore.training.validation.every=1",
    ];
    let says = "a restored picture became";
    desk.run(&run).fails(9, &[says, "at step 1", "hint:"]);
    given_up(&desk, "not-finite", says);
    desk.is_tidy();
}

#[test]
fn the_last_save_outlives_a_nan_and_holds_no_part_of_it() {
    let desk = Desk::with(LONG);
    // Weights leave the numbers in the middle of the climb to this rate, not at once.
    let run = [
        "run",
        "long",
        "--set",
        "upkeep.save_every=0",
        "--set",
        "upkeep.diverged_above=0",
        "--set",
        "restore.training.learning_rate=1e37",
        "--set",
        "restore.training.clip_norm=0.0",
        "--set",
        "restore.training.warm_up=100000000",
    ];
    desk.run(&run).fails(9, &["the loss term"]);
    given_up(&desk, "not-finite", "at step");
    let whole = desk.checkpoints();
    assert!(!whole.is_empty());
    // Going on comes to the same end: the state was not touched by the step that broke.
    let reason = |desk: &Desk| last_word(desk)["reason"].as_str().unwrap().to_string();
    let first = reason(&desk);
    desk.run(&run).fails(9, &["the loss term"]);
    assert_eq!(reason(&desk), first);
    assert!(desk.notes().iter().any(|note| note.starts_with("goes on from step")));
}

#[test]
fn a_training_that_diverges_is_given_up_and_may_go_on_under_another_bound() {
    let (desk, calm) = (Desk::with(LONG), Desk::with(LONG));
    // Single pictures, some with hardly any noise, others hazy: any of the latter counts as an explosion here.
    let set = "train=[{ dataset = \"scenes\", count = 6, size = 40, degradations = [{ kind = \"noise\", sigma = 5 }, \
               { kind = \"noise\", sigma = 6 }, { kind = \"haze\" }] }]";
    let plain = ["run", "long", "--set", "restore.training.batch=1", "--set", set];
    let run = [&plain[..], &["--set", "upkeep.save_every=0"]].concat();
    desk.run(&[&run[..], &["--set", "upkeep.diverged_above=1.1"]].concat())
        .fails(9, &["the training diverged", "1.1 times the median"]);
    given_up(&desk, "diverged", "the training diverged");
    assert!(!desk.checkpoints().is_empty());
    desk.run(&run).fine();
    assert!(desk.notes().iter().any(|note| note.starts_with("goes on from step")));
    calm.run(&plain).fine();
    assert_eq!(desk.weights("restore"), calm.weights("restore"));
}
