//! Checkpoints on disk: how many there are, what happens to a damaged one, and going back.

use std::fs;

use serde_json::Value;

use crate::support::Desk;
use crate::support::mini::LONG;
use crate::support::process::wait_until;

/// `long`, saving at every step.
const RUN: [&str; 4] = ["run", "long", "--set", "upkeep.save_every=0"];

/// A home in which `long` was stopped with three checkpoints.
fn paused() -> Desk {
    let desk = Desk::with(LONG);
    let running = desk.start(&RUN);
    wait_until("there are three checkpoints", || desk.checkpoints().len() == 3);
    running.signal(libc::SIGTERM);
    running.wait().fails(130, &["stopped as asked"]);
    assert_eq!(desk.checkpoints().len(), 3);
    desk
}

fn calm() -> Desk {
    let desk = Desk::with(LONG);
    desk.run(&["run", "long"]).fine();
    desk
}

fn run_of(desk: &Desk) -> String {
    desk.ask("SELECT id FROM runs WHERE stage = 'restore' ORDER BY id DESC LIMIT 1")
        .remove(0)
}

fn step_of(path: &std::path::Path) -> u64 {
    let name = path.file_stem().unwrap().to_string_lossy().into_owned();
    name.strip_prefix("step-").unwrap().parse().unwrap()
}

#[test]
fn a_damaged_checkpoint_is_passed_over_for_the_one_before_and_said_so() {
    let desk = paused();
    let [first, second, third] = desk.checkpoints().try_into().unwrap();
    let mut bytes = fs::read(&third).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&third, bytes).unwrap();
    fs::write(&second, "").unwrap();
    let listed = desk
        .run(&["checkpoints", "ls", &run_of(&desk), "--format", "json"])
        .fine();
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    let states: Vec<&str> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["state"].as_str().unwrap())
        .collect();
    assert_eq!(states[0], "whole");
    assert!(states[2].contains("do not match their hash"), "{states:?}");
    desk.run(&RUN).fine();
    let notes = desk.notes();
    for (path, why) in [(&third, "do not match their hash"), (&second, "is damaged")] {
        let passed = format!("the checkpoint of step {} is passed over", step_of(path));
        assert!(
            notes.iter().any(|note| note.starts_with(&passed) && note.contains(why)),
            "{notes:?}"
        );
    }
    assert!(
        notes.contains(&format!("goes on from step {}", step_of(&first))),
        "{notes:?}"
    );
    assert_eq!(desk.weights("restore"), calm().weights("restore"));
}

#[test]
fn without_a_whole_checkpoint_it_starts_again_and_says_so() {
    let desk = paused();
    for path in desk.checkpoints() {
        crate::support::cut(&path, 1);
    }
    desk.run(&RUN).fine();
    let notes = desk.notes();
    assert!(notes.iter().any(|note| note.starts_with("starts again")), "{notes:?}");
    assert_eq!(desk.weights("restore"), calm().weights("restore"));
}

#[test]
fn a_rewound_training_goes_on_from_there_to_the_same_end() {
    let desk = paused();
    let run = run_of(&desk);
    let [first, second, third] = desk.checkpoints().try_into().unwrap();
    let back = step_of(&first).to_string();
    let told = desk.run(&["checkpoints", "rewind", &run, &back, "--dry-run"]).fine();
    assert!(told.stdout.contains(&third.display().to_string()), "{}", told.stdout);
    assert_eq!(desk.checkpoints().len(), 3);
    desk.run(&["checkpoints", "rewind", &run, "9999"])
        .fails(4, &["no checkpoint of step 9999", "hint: there are:"]);
    desk.run(&["checkpoints", "rewind", "zebra", "1"])
        .fails(4, &["'zebra'"]);
    let told = desk.run(&["checkpoints", "rewind", &run, &back]).fine();
    assert!(told.stdout.contains(&second.display().to_string()), "{}", told.stdout);
    assert_eq!(desk.checkpoints(), [first]);
    desk.run(&RUN).fine();
    assert!(desk.notes().contains(&format!("goes on from step {back}")));
    assert_eq!(desk.weights("restore"), calm().weights("restore"));
    assert_eq!(desk.curves(), calm().curves());
    // What is whole has no state that one could go back to.
    desk.run(&["checkpoints", "rewind", &run, &back])
        .fails(2, &["is whole"]);
    let listed = desk.run(&["checkpoints", "ls", &run, "--format", "csv"]).fine();
    assert_eq!(listed.stdout.lines().count(), 1);
}

#[test]
fn how_a_training_is_looked_after_is_no_part_of_its_key() {
    let desk = Desk::with(LONG);
    let keys = |more: &[&str]| {
        desk.run(&[&["plan", "long", "--format", "csv"][..], more].concat())
            .fine()
            .stdout
    };
    let plain = keys(&[]);
    for set in ["save_every=5", "keep_last=9", "keep_best=4", "diverged_above=0"] {
        assert_eq!(keys(&["--set", &format!("upkeep.{set}")]), plain, "{set}");
    }
    let validation = |set: &str| keys(&["--set", &format!("restore.training.validation={{ {set} }}")]);
    // Off is off, whatever it would measure.
    assert_eq!(validation("every = 0, pictures = 3, min_delta = 0.5"), plain);
    assert_ne!(validation("every = 50"), plain);
    desk.run(&["plan", "long", "--set", "upkeep.keep_last=0"])
        .fails(3, &["upkeep.keep_last"]);
}
