//! What the machine did to a worker may pass: it is tried again, as often as allowed, and goes on where it was.

use crate::support::Desk;
use crate::support::equal::same;
use crate::support::process::{send, wait_until};
use crate::support::sweep::SWEEP;

const ONE: [&str; 6] = ["run", "sweep", "--only", "a", "--back-off", "50ms"];

#[test]
fn a_worker_that_was_killed_is_tried_again_and_goes_on() {
    let (calm, desk) = (Desk::with(SWEEP), Desk::with(SWEEP));
    calm.run(&ONE).fine();
    let running = desk.start(&ONE);
    desk.wait_for_saved_state();
    send(running.worker(), libc::SIGKILL);
    let told = running.wait().fine();
    assert!(told.stderr.contains("tried again in 0.1 s (1 of 2)"), "{}", told.stderr);
    let attempts = "SELECT state || ' ' || cause || ' ' || attempt FROM runs WHERE stage = 'restore' ORDER BY id";
    assert_eq!(desk.ask(attempts), ["failed signal 1", "done done 2"]);
    same(&calm, &desk);
}

#[test]
fn a_worker_that_hangs_is_ended_and_tried_again() {
    let (calm, desk) = (Desk::with(SWEEP), Desk::with(SWEEP));
    calm.run(&ONE).fine();
    let running = desk.start(&[&ONE[..], &["--hang-after", "4s"]].concat());
    desk.wait_for_saved_state();
    send(running.worker(), libc::SIGSTOP);
    let told = running.wait().fine();
    assert!(told.stderr.contains("the worker hung"), "{}", told.stderr);
    assert_eq!(desk.ask("SELECT cause FROM runs WHERE state = 'failed'"), ["hung"]);
    same(&calm, &desk);
}

#[test]
fn attempts_come_to_an_end() {
    let desk = Desk::with(SWEEP);
    let running = desk.start(&[&ONE[..], &["--retries", "1"]].concat());
    desk.wait_for_saved_state();
    for attempt in ["1", "2"] {
        let begun =
            format!("SELECT 'x' FROM runs WHERE stage = 'restore' AND state = 'running' AND attempt = {attempt}");
        wait_until("it is at work", || {
            !desk.ask(&begun).is_empty() && running.find_worker().is_some()
        });
        send(running.worker(), libc::SIGKILL);
    }
    running.wait().fails(10, &["restore", "killed (signal 9)", "hint:"]);
    assert_eq!(
        desk.ask("SELECT count(*) || '' FROM runs WHERE state = 'failed'"),
        ["2"]
    );
    desk.run(&ONE).fine();
    desk.is_tidy();
}
