//! A wall clock that jumps by days, forth and back, while a training runs.

use std::fs;
use std::process::Stdio;

use super::{Results, preload};
use crate::support::Desk;
use crate::support::process::wait_until;
use crate::support::sweep::SWEEP;

const RUN: [&str; 4] = ["run", "sweep", "--only", "a"];

#[test]
fn a_clock_that_jumps_neither_ends_a_run_nor_changes_its_result() {
    let (calm, desk) = (
        Desk::with(&SWEEP.replace("steps = 60", "steps = 240")),
        Desk::with(&SWEEP.replace("steps = 60", "steps = 240")),
    );
    calm.run(&RUN).fine();
    let Some(library) = preload::library(&desk) else { return };
    let clock = desk.path("clock.txt");
    fs::write(&clock, "0").unwrap();
    let mut command = preload::command(&desk, &library, "clock", &RUN);
    let mut running = command
        .env("PERCEIVE_CLOCK", &clock)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut jumps = 0;
    for off in [86_400, -86_400, 10 * 365 * 86_400, 0] {
        let told = |desk: &Desk| {
            desk.ask("SELECT max(step) || '' FROM metrics WHERE name = 'loss'")
                .pop()
        };
        if !desk.home().join("perceive.sqlite").exists() {
            wait_until("there is a record", || desk.home().join("work").exists());
        }
        let before = told(&desk);
        wait_until("it goes on", || {
            told(&desk) != before || running.try_wait().unwrap().is_some()
        });
        if running.try_wait().unwrap().is_some() {
            break;
        }
        fs::write(&clock, off.to_string()).unwrap();
        jumps += 1;
        // Who looks now, by the true clock, still finds it running.
        let listed = desk.run(&["runs", "ls", "--format", "csv", "--state", "lost"]).fine();
        assert_eq!(listed.stdout.lines().count(), 1, "{}", listed.stdout);
    }
    let ended = running.wait_with_output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    assert!(jumps > 0, "the training was over before the clock jumped");
    desk.is_tidy();
    Results::of(&desk).equal(&Results::of(&calm), "a clock that jumped");
    println!("the clock jumped {jumps} times");
}
