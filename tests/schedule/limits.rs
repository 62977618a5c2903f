//! Limits of time, steps and memory, the signal to make room, and the median rule.

use std::time::{Duration, Instant};

use crate::support::Desk;
use crate::support::equal::same;
use crate::support::process::wait_until;
use crate::support::sweep::SWEEP;

const ONE: [&str; 4] = ["run", "sweep", "--only", "a"];

/// The only case's training long enough to be stopped.
fn long() -> Desk {
    Desk::with(&SWEEP.replace("steps = 60", "steps = 900"))
}

#[test]
fn the_signal_to_make_room_saves_and_ends_with_its_own_code() {
    let desk = long();
    let running = desk.start(&ONE);
    desk.wait_for_saved_state();
    let asked = Instant::now();
    running.signal(libc::SIGUSR1);
    running.wait().fails(75, &["make room", "run the same command again"]);
    assert!(asked.elapsed() < Duration::from_secs(10));
    assert_eq!(desk.states().last().map(String::as_str), Some("restore paused"));
    // Another signal may mean it.
    let running = desk.start(&[&ONE[..], &["--requeue-signal", "SIGUSR2"]].concat());
    wait_until("it goes on", || {
        !desk
            .ask("SELECT 'x' FROM runs WHERE stage = 'restore' AND state = 'running'")
            .is_empty()
    });
    running.signal(libc::SIGUSR2);
    running.wait().fails(75, &[]);
    desk.run(&[&ONE[..], &["--requeue-signal", "KILL"]].concat())
        .fails(2, &["no signal to save on"]);
    desk.is_tidy();
}

#[test]
fn the_time_limit_saves_and_ends_with_its_own_code() {
    let desk = long();
    desk.run(&[&ONE[..], &["--time-limit", "3s"]].concat())
        .fails(75, &["the time limit is over"]);
    desk.is_tidy();
    desk.run(&[&ONE[..], &["--time-limit", "soon"]].concat())
        .fails(2, &["is no time"]);
}

#[test]
fn the_step_limit_pauses_each_training_and_changes_no_result() {
    let (calm, desk) = (Desk::with(SWEEP), Desk::with(SWEEP));
    calm.run(&ONE).fine();
    let limited = [&ONE[..], &["--step-limit", "25"]].concat();
    for _ in 0..2 {
        desk.run(&limited).fails(75, &["--step-limit"]);
        assert_eq!(desk.states().last().map(String::as_str), Some("restore paused"));
    }
    desk.run(&limited).fine();
    same(&calm, &desk);
}

#[test]
fn a_worker_that_holds_too_much_memory_is_ended_with_the_reason() {
    let desk = long();
    desk.run(&[&ONE[..], &["--memory-limit", "20M", "--retries", "0"]].concat())
        .fails(10, &["out of memory", "--memory-limit"]);
    let cause = desk.ask("SELECT cause FROM runs WHERE state = 'failed'");
    assert_eq!(cause, ["out-of-memory"]);
    desk.is_tidy();
}

#[test]
fn the_median_rule_stops_the_worse_of_the_cases_and_the_rest_is_done() {
    let text = SWEEP
        .replace(
            "learning_rate = 2e-4",
            "learning_rate = 1e-9\nrestore.training.final_learning_rate = 0.0",
        )
        // Long enough to be judged on a fast machine, too.
        .replace("steps = 60", "steps = 800");
    let desk = Desk::with(&text);
    let told = desk.run(&["run", "sweep", "--prune", "l1@100"]).fine();
    assert!(told.stderr.contains("pruned at step"), "{}", told.stderr);
    let pruned = "SELECT cases.name || ' ' || state || ' ' || cause FROM runs JOIN cases ON cases.id = case_id
                  WHERE stage = 'restore' AND state != 'done'";
    assert_eq!(desk.ask(pruned), ["c cancelled pruned"]);
    assert_eq!(desk.artefacts("evaluate").len(), 2);
    let told = desk
        .run(&[
            "run",
            "sweep",
            "--prune",
            "validation_psnr@3",
            "--set",
            "restore.training.steps=3",
        ])
        .fine();
    assert!(
        told.stderr.contains("no training recorded that metric"),
        "{}",
        told.stderr
    );
    desk.run(&["run", "sweep", "--prune", "l1@soon"])
        .fails(2, &["is no step"]);
    desk.run(&["run", "sweep", "--prune", "lss@3"])
        .fails(4, &["--prune lss", "did you mean 'loss'?"]);
}
