//! A database that is newer than the program, or locked, met by `run`. (The other commands: `tests/runs.rs`.)

use sqlx::Connection;

use crate::support::Desk;
use crate::support::mini::LONG;
use crate::support::process::wait_until;

const RUN: [&str; 4] = ["run", "long", "--set", "restore.training.steps=1"];

#[test]
fn a_database_of_a_newer_version_is_left_alone() {
    let desk = Desk::with(LONG);
    desk.run(&RUN).fine();
    desk.with_database(async |db| {
        let newer = "INSERT INTO _sqlx_migrations VALUES (9000, 'of tomorrow', CURRENT_TIMESTAMP, TRUE, x'00', 0)";
        sqlx::query(newer).execute(db).await
    });
    let before = desk.states();
    for command in [&RUN[..], &["plan", "long"], &["negatives", "ls"], &["results", "long"]] {
        desk.run(command)
            .fails(7, &["perceive.sqlite", "newer perceive-ir (schema 9000", "hint:"]);
    }
    assert_eq!(desk.states(), before);
}

#[test]
fn a_second_command_in_the_same_home_is_told_who_is_at_work() {
    let desk = Desk::with(LONG);
    let running = desk.start(&["run", "long"]);
    desk.wait_for_saved_state();
    let alone = [&RUN[..], &["--no-join"]].concat();
    desk.run(&alone).fails(7, &["is at work in", "lock", "--home DIR"]);
    desk.run(&["negatives", "regenerate"]).fails(7, &["is at work in"]);
    // Looking is free.
    let listed = desk
        .run(&["runs", "ls", "--state", "running", "--format", "csv"])
        .fine();
    assert_eq!(listed.stdout.lines().count(), 2, "{}", listed.stdout);
    running.signal(libc::SIGINT);
    running.wait().fails(130, &[]);
}

#[test]
fn a_database_that_another_program_locks_in_the_middle_stops_nothing_and_loses_nothing() {
    let desk = Desk::with(LONG);
    let running = desk.start(&["run", "long"]);
    desk.wait_for_saved_state();
    desk.with_database(async |db| {
        let transaction = db.begin_with("BEGIN EXCLUSIVE").await?;
        wait_until("the program says that it waits", || {
            desk.said("locked by another program: waiting")
        });
        // Looking is free.
        desk.run(&["doctor"]).fine();
        transaction.rollback().await
    });
    let ended = running.wait().fine();
    assert!(ended.stderr.contains("is free again"), "{}", ended.stderr);
    assert_eq!(
        desk.ask("SELECT CAST(count(DISTINCT step) AS TEXT) FROM metrics WHERE name = 'loss'"),
        ["160"]
    );
    desk.is_tidy();
}

#[test]
fn what_a_locked_or_full_database_did_not_take_is_imported_by_the_next_run() {
    let desk = Desk::with(LONG);
    desk.run(&RUN).fine();
    let numbers = || desk.ask("SELECT picture || tier || metric || value FROM evaluations ORDER BY 1");
    let before = numbers();
    assert_eq!(before.len(), 2 * 2 * 2);
    desk.with_database(async |db| {
        sqlx::raw_sql(
            "UPDATE runs SET state = 'failed', exit_code = 8, reason = 'full' WHERE stage = 'evaluate';
             DELETE FROM evaluations;
             DELETE FROM journals",
        )
        .execute(db)
        .await
    });
    desk.run(&RUN).fine();
    assert_eq!(numbers(), before);
    assert_eq!(desk.states().last().map(String::as_str), Some("evaluate done"));
    desk.is_tidy();
}
