//! A disk that is full: the run fails with what could not be written, and goes on once there is room.

use std::path::PathBuf;
use std::process::Command;

use crate::support::mini::LONG;
use crate::support::{Desk, Outcome};

/// A file system of its own in the home's place, as small as one likes.
struct SmallDisk {
    place: PathBuf,
}

impl SmallDisk {
    /// `None` where mounting is not permitted.
    fn at(place: PathBuf, size: &str) -> Option<Self> {
        std::fs::create_dir_all(&place).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(&place)
            .output();
        mounted
            .is_ok_and(|output| output.status.success())
            .then_some(Self { place })
    }

    fn grow(&self, size: &str) {
        let grown = Command::new("mount")
            .args(["-o", &format!("remount,size={size}")])
            .arg(&self.place)
            .status();
        assert!(grown.unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.place).status();
    }
}

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
