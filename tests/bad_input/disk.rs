//! A disk that is full: the run fails with what could not be written, and goes on once there is room.

use std::process::Command;

use crate::support::disk::SmallDisk;
use crate::support::mini::LONG;
use crate::support::{Desk, Outcome};

const RUN: [&str; 4] = ["run", "long", "--set", "restore.training.steps=2"];

#[test]
fn a_full_disk_is_told_at_whatever_it_stops_and_the_same_command_goes_on_when_there_is_room() {
    // The database does not fit; the pictures do not; the training's state does not.
    for size in ["200k", "500k", "1000k"] {
        let desk = Desk::with(LONG);
        let Some(disk) = SmallDisk::at(desk.home(), size) else {
            println!("skipped: this user may not mount a small file system");
            return;
        };
        desk.run(&RUN).fails(
            8,
            &["cannot write", "hint: free some space", "goes on where it stopped"],
        );
        disk.grow("64m");
        desk.run(&RUN).fine();
        let states = desk.states();
        assert_eq!(
            states.last().map(String::as_str),
            Some("evaluate done"),
            "{size}: {states:?}"
        );
        desk.is_tidy();
    }
}

#[test]
fn a_limit_on_the_size_of_files_is_told_like_a_full_disk() {
    let desk = Desk::with(LONG);
    // The state of the smallest training is larger, and so may be the database's log.
    let command = desk.command(&RUN);
    let limited = Command::new("sh")
        .args(["-c", "ulimit -f 600 && exec \"$0\" \"$@\""])
        .arg(command.get_program())
        .args(command.get_args())
        .current_dir(desk.path(""))
        .output()
        .unwrap();
    Outcome::of(limited).fails(8, &["cannot write", "hint:"]);
    desk.run(&RUN).fine();
    desk.is_tidy();
}

#[test]
fn pictures_that_cannot_be_written_are_named_and_leave_nothing() {
    let desk = Desk::with(LONG);
    desk.run(&RUN).fine();
    let picture = desk.plant("in/large.png", 96, 96).display().to_string();
    let Some(_disk) = SmallDisk::at(desk.path("out"), "4k") else {
        println!("skipped: this user may not mount a small file system");
        return;
    };
    desk.run(&["restore", &picture, "-o", &desk.arg("out"), "--model", "long"])
        .fails(8, &["cannot write", "large.png", "free some space"]);
    assert_eq!(std::fs::read_dir(desk.path("out")).unwrap().count(), 0);
}

#[test]
fn without_room_for_a_copy_an_older_record_stays_as_it_is() {
    let desk = Desk::with(LONG);
    desk.run(&RUN).fine();
    // As an older program left it: without its last step, with as much as a copy has no room for.
    desk.with_database(async |db| {
        sqlx::raw_sql(
            "DELETE FROM _sqlx_migrations WHERE version = (SELECT max(version) FROM _sqlx_migrations);
             UPDATE experiments SET toml = hex(zeroblob(400000))",
        )
        .execute(db)
        .await
    });
    let record = desk.home().join("perceive.sqlite");
    let old = std::fs::read(&record).unwrap();
    let Some(_disk) = SmallDisk::at(desk.home(), "1400k") else {
        println!("skipped: this user may not mount a small file system");
        return;
    };
    std::fs::write(&record, &old).unwrap();
    desk.run(&["runs", "ls"])
        .fails(8, &["perceive.sqlite.before-", "full", "hint: free some space"]);
    let entries = std::fs::read_dir(desk.home()).unwrap().flatten();
    let names: Vec<_> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    assert!(names.iter().all(|name| !name.contains("before")), "{names:?}");
    assert!(std::fs::read(&record).unwrap() == old, "the record was changed");
}

#[test]
fn a_home_on_a_read_only_disk_can_be_read_and_says_that_it_cannot_be_written() {
    let desk = Desk::with(LONG);
    let Some(disk) = SmallDisk::at(desk.home(), "64m") else {
        println!("skipped: this user may not mount a small file system");
        return;
    };
    desk.run(&RUN).fine();
    disk.make_read_only();
    let told = desk.run(&["results", "long", "--format", "csv"]).fine().stdout;
    assert!(told.contains("noise25"), "{told}");
    desk.run(&["metrics", "export", "-o", &desk.arg("all.parquet")]).fine();
    desk.run(&["doctor", "--check"]).fine();
    for command in [&["run", "long"][..], &["doctor", "--repair"]] {
        desk.run(command)
            .fails(8, &["Read-only file system", "hint:", "--home DIR"]);
    }
}
