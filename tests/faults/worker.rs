//! Workers that print without end and eat memory (those that hang or are killed: see the tests of the schedule).

use super::{Results, preload};
use crate::support::mini::files;
use crate::support::sweep::SWEEP;
use crate::support::{Desk, Outcome};

const RUN: [&str; 4] = ["run", "sweep", "--only", "a"];

#[test]
fn a_worker_that_prints_without_end_fills_no_disk_and_changes_no_result() {
    let (calm, desk) = (Desk::with(SWEEP), Desk::with(SWEEP));
    calm.run(&RUN).fine();
    let Some(library) = preload::library(&desk) else { return };
    let running = preload::command(&desk, &library, "print", &[&RUN[..], &["--step-limit", "30"]].concat())
        .output()
        .unwrap();
    assert_eq!(Outcome::of(running).code, 75);
    // Of six workers' 600 MB nothing is left but the end of the last one's.
    let bytes: u64 = files(&desk.home())
        .iter()
        .map(|file| file.metadata().unwrap().len())
        .sum();
    assert!(bytes < 150 << 20, "{bytes} bytes in the home");
    desk.run(&RUN).fine();
    desk.is_tidy();
    Results::of(&desk).equal(&Results::of(&calm), "100 MB of output");
}

#[test]
fn a_worker_that_eats_memory_is_ended_at_its_limit_and_done_in_better_company() {
    // Rendering is done before anybody looks; training is not.
    let long = SWEEP.replace("steps = 60", "steps = 400");
    let (calm, desk) = (Desk::with(&long), Desk::with(&long));
    calm.run(&RUN).fine();
    let Some(library) = preload::library(&desk) else { return };
    let limited = [&RUN[..], &["--memory-limit", "500M", "--retries", "0"]].concat();
    let ended = preload::command(&desk, &library, "eat", &limited).output().unwrap();
    Outcome::of(ended).fails(10, &["out of memory", "500 MB"]);
    desk.run(&limited).fine();
    desk.is_tidy();
    Results::of(&desk).equal(&Results::of(&calm), "an eaten memory");
}
