//! The record that somebody else locks, journals that are cut in the middle of a line, pictures that change.

use std::fs;
use std::time::Duration;

use sqlx::Connection;

use super::Results;
use crate::support::process::wait_until;
use crate::support::sweep::SWEEP;
use crate::support::{Desk, cut};

const RUN: [&str; 4] = ["run", "sweep", "--only", "a"];

/// A training long enough to be disturbed.
fn long() -> Desk {
    Desk::with(&SWEEP.replace("steps = 60", "steps = 300"))
}

#[test]
fn a_record_that_is_locked_for_half_a_minute_stops_nothing_and_loses_nothing() {
    let (calm, desk) = (long(), long());
    calm.run(&RUN).fine();
    let running = desk.start(&RUN);
    desk.wait_for_saved_state();
    desk.with_database(async |db| {
        let locked = db.begin_with("BEGIN EXCLUSIVE").await?;
        tokio::time::sleep(Duration::from_secs(30)).await;
        locked.rollback().await
    });
    running.wait().fine();
    desk.is_tidy();
    Results::of(&desk).equal(&Results::of(&calm), "a lock of 30 seconds");
}

#[test]
fn a_journal_that_is_cut_in_the_middle_of_a_line_loses_only_what_comes_again() {
    let (calm, desk) = (long(), long());
    calm.run(&RUN).fine();
    for bytes in [1, 7, 40] {
        let running = desk.start(&RUN);
        desk.wait_for_saved_state();
        running.signal(libc::SIGKILL);
        running.wait();
        wait_until("its worker stops", || {
            desk.run(&["runs", "ls", "--state", "running", "--format", "csv"])
                .fine()
                .stdout
                .lines()
                .count()
                == 1
        });
        let newest = desk.ask("SELECT id FROM runs ORDER BY id DESC LIMIT 1").remove(0);
        let journal = desk.home().join("journals").join(format!("{newest}.jsonl"));
        cut(&journal, bytes);
        // As if it had never been read.
        desk.with_database(async |db| sqlx::query("DELETE FROM journals").execute(db).await);
    }
    desk.run(&RUN).fine();
    desk.is_tidy();
    Results::of(&desk).equal(&Results::of(&calm), "cut journals");
}

#[test]
fn a_picture_that_goes_or_changes_after_planning_ends_the_run_by_name_and_is_taken_back() {
    let text = crate::support::mini::RAIN.replace("steps = 8", "steps = 400");
    let desk = Desk::with(&text);
    desk.plant_pairs("train/Rain100L", 6);
    desk.plant_pairs("test/Rain100L", 2);
    desk.run(&["data", "add", &desk.arg("train"), &desk.arg("test")]).fine();
    // Planned and left; then a picture goes before anybody serves.
    desk.run(&["run", "rain", "--detach"]).fine();
    let picture = desk.path("train/Rain100L/input/3.png");
    let kept = fs::read(&picture).unwrap();
    fs::remove_file(&picture).unwrap();
    let served = desk.run(&["queue", "serve"]);
    assert!(served.stderr.contains("3.png"), "{}", served.stderr);
    assert!(
        !desk.states().iter().any(|state| state == "restore done"),
        "{:?}",
        desk.states()
    );
    desk.run(&["run", "rain"]).fails(5, &["3.png", "hint:"]);
    // Back again as it was, the same command goes on; its time must be told anew to the index.
    fs::write(&picture, kept).unwrap();
    desk.run(&["data", "add", &desk.arg("train")]).fine();
    desk.run(&["run", "rain"]).fine();
    desk.is_tidy();
}
