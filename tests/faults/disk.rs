//! A disk that fills at every possible moment, and one that may only be read.

use super::Results;
use crate::support::Desk;
use crate::support::disk::SmallDisk;
use crate::support::mini::MINI;

const RUN: [&str; 4] = ["run", "mini", "--set", "upkeep.save_every=0"];

#[test]
fn a_disk_that_fills_again_and_again_loses_nothing() {
    let (calm, desk) = (Desk::with(MINI), Desk::with(MINI));
    calm.run(&RUN).fine();
    let Some(disk) = SmallDisk::at(desk.home(), "100k") else {
        println!("skipped: this user may not mount a small file system");
        return;
    };
    // Room comes in small pieces, so that checkpoints, journals, pictures and the record each meet the end of it.
    let (mut room, mut full) = (100, 0);
    let stages = loop {
        disk.grow(&format!("{room}k"));
        let outcome = desk.run(&RUN);
        match outcome.code {
            0 => break full,
            8 => full += 1,
            _ => {
                outcome.fails(8, &["cannot write", "hint:"]);
            }
        }
        room += 150 + room / 10;
        assert!(room < 200_000, "it never ends");
    };
    assert!(stages >= 5, "the disk was full {stages} times");
    desk.is_tidy();
    Results::of(&desk).equal(&Results::of(&calm), "full disks");
    println!("the disk was full {full} times, at up to {room} kB");
}

#[test]
fn a_home_that_may_only_be_read_is_told_and_harmed_in_nothing() {
    let desk = Desk::with(MINI);
    let Some(disk) = SmallDisk::at(desk.home(), "64m") else {
        println!("skipped: this user may not mount a small file system");
        return;
    };
    desk.run(&["run", "mini"]).fine();
    let before = Results::of(&desk);
    disk.make_read_only();
    let refused = desk.run(&["run", "mini", "--set", "restore.training.steps=5"]);
    assert!([7, 8].contains(&refused.code), "{} {}", refused.code, refused.stderr);
    assert!(refused.stderr.contains("hint:"), "{}", refused.stderr);
    disk.grow("65m,rw");
    Results::of(&desk).equal(&before, "a read-only home");
    desk.run(&["run", "mini", "--set", "restore.training.steps=5"]).fine();
    desk.is_tidy();
}
