//! Pictures that are missing, truncated, too small, or of another size than their partner, met by `run` and `restore`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;

use crate::support::mini::{LONG, MINI, RAIN};
use crate::support::{Desk, Outcome, cut};

/// A desk with five indexed pairs of 24 x 16 pixels for the experiment `rain`.
fn with_pairs() -> Desk {
    let desk = Desk::with(&[RAIN, LONG].concat());
    desk.plant_pairs("test/Rain100L", 5);
    desk.run(&["data", "add", &desk.arg("test")]).fine();
    desk
}

#[test]
fn a_folder_that_cannot_be_read_is_named() {
    /// An account without any rights.
    const NOBODY: u32 = 65534;
    let desk = Desk::new();
    desk.plant_pairs("closed/Rain100L", 2);
    let allow = |name: &str, mode| fs::set_permissions(desk.path(name), fs::Permissions::from_mode(mode)).unwrap();
    allow("", 0o755);
    allow("closed", 0o000);
    let mut command = desk.command(&["data", "add", &desk.arg("closed")]);
    // SAFETY: asks the system for this process's own user.
    if unsafe { libc::geteuid() } == 0 {
        // Nothing is closed to root.
        command.uid(NOBODY);
    }
    let output = command.output();
    allow("closed", 0o755);
    match output {
        Ok(output) => {
            let refused = Outcome::of(output).fails(5, &["closed"]);
            assert!(
                refused.stderr.to_lowercase().contains("permission"),
                "{}",
                refused.stderr
            );
            assert!(!desk.home().exists());
        }
        Err(error) => println!("skipped: the program cannot be started as another user: {error}"),
    }
}

#[test]
fn a_truncated_picture_ends_the_training_by_name_and_a_mended_one_lets_it_go_on() {
    let desk = with_pairs();
    let broken = desk.path("test/Rain100L/target/2.png");
    let whole = fs::read(&broken).unwrap();
    cut(&broken, 20);
    desk.run(&["data", "add", &desk.arg("test")]).fine();
    desk.run(&["run", "rain"])
        .fails(5, &["target/2.png", "hint:", "data verify"]);
    assert_eq!(desk.states(), ["restore failed"]);
    let reason = desk.ask("SELECT reason FROM runs").remove(0);
    assert!(reason.contains("target/2.png"), "{reason}");
    desk.is_tidy();

    fs::write(&broken, whole).unwrap();
    desk.run(&["data", "add", &desk.arg("test")]).fine();
    desk.run(&["run", "rain"]).fine();
    assert_eq!(desk.states(), ["restore failed", "restore done", "evaluate done"]);
    desk.is_tidy();
}

#[test]
fn a_truncated_picture_ends_the_degrading_by_name() {
    let desk = Desk::with(LONG);
    for name in ["a", "b", "c"] {
        desk.plant(&format!("holiday/{name}.png"), 32, 32);
    }
    cut(&desk.path("holiday/b.png"), 20);
    desk.run(&["data", "add", "--dataset", "holiday", &desk.arg("holiday")])
        .fine();
    let set = "train=[{ dataset = \"holiday\", degradations = [{ kind = \"haze\" }] }]";
    desk.run(&["run", "long", "--set", set])
        .fails(5, &["holiday/b.png", "data verify"]);
    assert_eq!(desk.states(), ["degrade failed"]);
    desk.is_tidy();
}

#[test]
fn a_picture_that_has_gone_is_named_before_anything_runs() {
    let desk = with_pairs();
    fs::remove_file(desk.path("test/Rain100L/input/3.png")).unwrap();
    desk.run(&["run", "rain"])
        .fails(5, &["is gone since it was added", "input/3.png", "data add"]);
    assert!(desk.states().is_empty());
    desk.is_tidy();
}

#[test]
fn a_picture_smaller_than_a_crop_is_named_with_both_sizes_before_anything_runs() {
    let desk = with_pairs();
    desk.run(&["run", "rain", "--set", "restore.training.patch=32"])
        .fails(5, &[".png is 24x16", "32x32 crops", "restore.training.patch=16"]);
    assert!(desk.states().is_empty());
    desk.is_tidy();

    let desk = Desk::with(MINI);
    desk.run(&["plan", "mini", "--set", "prompts.patch=64"])
        .fails(5, &["a scene is 40x40", "64x64 crops of prompts.patch"]);
    desk.run(&["plan", "mini", "--set", "medium.training.patch=48"])
        .fails(5, &["48x48 crops of medium.training.patch", "=40"]);
    // A crop that nobody cuts need not fit.
    let unused = ["--set", "restore.loss.clip_aware=0", "--set", "prompts.patch=64"];
    desk.run(&[&["plan", "mini"][..], &unused].concat()).fine();
}

#[test]
fn a_picture_that_was_changed_is_named_before_anything_runs() {
    let desk = with_pairs();
    desk.plant("test/Rain100L/input/2.png", 20, 16);
    desk.run(&["run", "rain"])
        .fails(5, &["input/2.png has changed since it was added", "data add"]);
    assert!(desk.states().is_empty());
    desk.is_tidy();
}

#[test]
fn a_pair_of_two_sizes_is_named_with_both_and_left_out() {
    let desk = with_pairs();
    desk.plant("test/Rain100L/input/2.png", 20, 16);
    let add = desk.run(&["data", "add", &desk.arg("test")]).fine();
    let told = format!("{}{}", add.stdout, add.stderr);
    for said in ["20x16", "24x16", "2.png"] {
        assert!(told.contains(said), "no '{said}' in: {told}");
    }
    desk.run(&["run", "rain"]).fine();
    desk.is_tidy();
}

#[test]
fn restoring_names_what_it_cannot_read_and_restores_the_rest() {
    let desk = Desk::with(LONG);
    desk.run(&["run", "long", "--set", "restore.training.steps=1"]).fine();
    desk.plant("in/good.png", 24, 16);
    desk.plant("in/bad.png", 24, 16);
    cut(&desk.path("in/bad.png"), 20);
    fs::create_dir(desk.path("empty")).unwrap();
    let restore = |input: &str, output: &str| {
        desk.run(&["restore", &desk.arg(input), "-o", &desk.arg(output), "--model", "long"])
    };
    restore("in", "out").fails(5, &["1 of 2 pictures", "bad.png", "the others are restored"]);
    let names: Vec<_> = fs::read_dir(desk.path("out"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["good.png"]);
    restore("in/bad.png", "none").fails(5, &["1 of 1 pictures", "bad.png", "nothing was written"]);
    restore("nowhere", "none").fails(5, &["no picture", "nowhere"]);
    restore("empty", "none").fails(5, &["no pictures to restore", "PNG, JPEG, BMP, TIFF and WebP"]);
    assert!(!desk.path("none").exists());
}
