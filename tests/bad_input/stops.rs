//! Stopping a run in the middle: Ctrl-C, SIGTERM, kill -9 of the worker and of the orchestrator. What was done is kept,
//! states are true, and the next `run` goes on.

use crate::support::Desk;
use crate::support::mini::{LONG, MINI};
use crate::support::process::{is_alive, send, wait_until};

/// Runs `long` again after something befell it, and checks that it went on and came to its end.
#[track_caller]
fn goes_on(desk: &Desk) {
    desk.run(&["run", "long"]).fine();
    desk.is_tidy();
    let went_on = "SELECT text FROM events WHERE kind = 'note' AND text LIKE 'goes on from step %'";
    assert!(
        !desk.ask(went_on).is_empty(),
        "{:?}",
        desk.ask("SELECT kind || ' ' || text FROM events")
    );
    assert_eq!(desk.states().last().map(String::as_str), Some("evaluate done"));
    assert_eq!(desk.artefacts("restore").len(), 1);
    // Every step's loss reached the database, whichever of the runs made it.
    assert_eq!(
        desk.ask("SELECT CAST(count(DISTINCT step) AS TEXT) FROM metrics WHERE name = 'loss'"),
        ["160"]
    );
}

#[test]
fn ctrl_c_in_the_medium_stage_pauses_it_and_the_next_run_goes_on() {
    let desk = Desk::with(MINI);
    let run = ["run", "mini", "--set", "medium.training.steps=60"];
    let running = desk.start(&run);
    wait_until("the medium stage has begun", || {
        desk.home().join("work").exists()
            && !desk
                .ask("SELECT 'x' FROM events JOIN runs ON runs.id = run_id WHERE stage = 'medium' AND kind = 'started'")
                .is_empty()
    });
    running.signal(libc::SIGINT);
    running
        .wait()
        .fails(130, &["stopped as asked", "goes on where it stopped"]);
    assert_eq!(desk.states().last().map(String::as_str), Some("medium paused"));
    assert_eq!(
        desk.ask("SELECT kind FROM events ORDER BY run_id DESC, seq DESC LIMIT 1"),
        ["paused"]
    );
    desk.is_tidy();
    let planned = desk
        .run(&["plan", "mini", "--set", "medium.training.steps=60", "--format", "csv"])
        .fine();
    assert!(planned.stdout.contains(",begun"), "{}", planned.stdout);

    let again = desk.run(&run).fine();
    assert!(again.stderr.contains("goes on from step"), "{}", again.stderr);
    assert_eq!(desk.states().last().map(String::as_str), Some("evaluate done"));
    desk.is_tidy();
}

#[test]
fn ctrl_c_while_pictures_are_made_keeps_those_that_are_done() {
    let desk = Desk::with(LONG);
    let set = "train=[{ dataset = \"scenes\", count = 1200, size = 64, degradations = [{ kind = \"haze\" }] }]";
    let run = [
        "run",
        "long",
        "--set",
        "train_limit=0",
        "--set",
        set,
        "--set",
        "restore.training.steps=1",
    ];
    let running = desk.start(&run);
    wait_until("some scenes are rendered", || {
        let work = std::fs::read_dir(desk.home().join("work"));
        let made = work.into_iter().flatten().flatten();
        made.map(|entry| entry.path().join("artefact/clean"))
            .any(|folder| std::fs::read_dir(folder).is_ok_and(|pictures| pictures.count() > 20))
    });
    running.signal(libc::SIGINT);
    running.wait().fails(130, &["stopped as asked"]);
    assert_eq!(desk.states(), ["scenes paused"]);
    desk.is_tidy();
    desk.run(&run).fine();
    assert_eq!(desk.states()[..2], ["scenes paused", "scenes done"]);
    desk.is_tidy();
}

#[test]
fn sigterm_pauses_and_a_second_one_ends_at_once() {
    let desk = Desk::with(LONG);
    let running = desk.start(&["run", "long"]);
    desk.wait_for_saved_state();
    running.signal(libc::SIGTERM);
    running.wait().fails(130, &["stopped as asked"]);
    assert_eq!(desk.states().last().map(String::as_str), Some("restore paused"));
    desk.is_tidy();

    let running = desk.start(&["run", "long"]);
    wait_until("it goes on", || {
        desk.ask("SELECT 'x' FROM runs WHERE stage = 'restore' AND state = 'running'")
            .len()
            == 1
    });
    let worker = running.worker();
    // A worker that does not listen is ended by the second signal.
    send(worker, libc::SIGSTOP);
    running.signal(libc::SIGTERM);
    wait_until("it says so", || desk.said("saving state"));
    running.signal(libc::SIGTERM);
    running.wait().fails(130, &["stopping at once"]);
    assert!(!is_alive(worker));
    assert_eq!(desk.states().last().map(String::as_str), Some("restore paused"));
    goes_on(&desk);
}

#[test]
fn a_worker_that_is_killed_fails_its_run_with_the_reason_and_can_go_on() {
    let desk = Desk::with(LONG);
    let running = desk.start(&["run", "long", "--retries", "0"]);
    desk.wait_for_saved_state();
    send(running.worker(), libc::SIGKILL);
    running.wait().fails(
        10,
        &["killed (signal 9)", "memory", "run the same command again to go on"],
    );
    assert_eq!(desk.states().last().map(String::as_str), Some("restore failed"));
    let reason = desk.ask("SELECT reason FROM runs WHERE state = 'failed'").remove(0);
    assert!(reason.contains("killed (signal 9)"), "{reason}");
    goes_on(&desk);
}

#[test]
fn a_killed_orchestrator_takes_its_worker_along_and_loses_nothing() {
    let desk = Desk::with(LONG);
    let running = desk.start(&["run", "long"]);
    desk.wait_for_saved_state();
    let worker = running.worker();
    running.signal(libc::SIGKILL);
    running.wait().fails(-1, &[]);
    wait_until("the worker stops by itself", || !is_alive(worker));
    // Whoever looks next finds the true state, told by the worker's last words.
    desk.run(&["runs", "ls"]).fine();
    assert_eq!(desk.states().last().map(String::as_str), Some("restore paused"));
    desk.is_tidy();
    goes_on(&desk);
}

#[test]
fn a_command_that_follows_a_killed_one_at_once_waits_for_its_worker() {
    let desk = Desk::with(LONG);
    let running = desk.start(&["run", "long"]);
    desk.wait_for_saved_state();
    running.signal(libc::SIGKILL);
    running.wait().fails(-1, &[]);
    goes_on(&desk);
    let makers = desk.ask("SELECT state FROM runs WHERE stage = 'restore' ORDER BY id");
    assert_eq!(makers, ["paused", "done"]);
}
