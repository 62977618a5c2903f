//! The same bytes: stopped or not, on one thread or two, made once or made again.

use std::fs;

use crate::support::equal::{artefacts, same};
use crate::support::mini::{LONG, MINI};
use crate::support::process::wait_until;
use crate::support::{Desk, Outcome};

#[test]
fn a_training_that_was_stopped_and_went_on_equals_one_that_never_stopped() {
    let (calm, disturbed) = (Desk::with(MINI), Desk::with(MINI));
    // Long enough for a stop in the middle of eq. 10's epochs, with all losses.
    let run = [
        "run",
        "mini",
        "--set",
        "restore.training.steps=40",
        "--set",
        "prompts.steps=20",
    ];
    calm.run(&run).fine();
    let mut stops = 0;
    for stage in ["medium", "prompts", "restore"] {
        let running = disturbed.start(&run);
        let begun = format!(
            "SELECT 'x' FROM events JOIN runs ON runs.id = run_id
             WHERE stage = '{stage}' AND kind = 'started' AND events.text LIKE '%steps'"
        );
        wait_until("the stage trains", || {
            disturbed.home().join("work").exists() && !disturbed.ask(&begun).is_empty()
        });
        running.signal(libc::SIGINT);
        // A short stage may be done before it hears of it; then the next one does.
        stops += usize::from(running.wait().code == 130);
    }
    disturbed.run(&run).fine();
    let paused = disturbed.ask("SELECT stage FROM runs WHERE state = 'paused' AND stage IN ('medium', 'restore')");
    assert!(stops > 0 && paused.iter().any(|stage| stage == "restore"), "{paused:?}");
    let went_on = disturbed.ask("SELECT text FROM events WHERE text LIKE 'goes on from step%'");
    assert!(went_on.iter().any(|text| text != "goes on from step 0"), "{went_on:?}");
    same(&calm, &disturbed);
    let numbers = "SELECT test || degradation || picture || tier || metric || ' ' || value FROM evaluations
                   ORDER BY test, degradation, picture, tier, metric";
    assert_eq!(calm.ask(numbers), disturbed.ask(numbers));
}

#[test]
fn a_killed_training_that_went_on_equals_one_that_never_was() {
    let (calm, disturbed) = (Desk::with(LONG), Desk::with(LONG));
    let running = disturbed.start(&["run", "long"]);
    disturbed.wait_for_saved_state();
    running.signal(libc::SIGKILL);
    running.wait().fails(-1, &[]);
    disturbed.run(&["run", "long"]).fine();
    calm.run(&["run", "long"]).fine();
    same(&calm, &disturbed);
}

#[test]
fn one_thread_and_two_give_the_same_bytes() {
    let desks = ["1", "2"].map(|threads| {
        let desk = Desk::with(MINI);
        let output = desk
            .command(&["run", "mini"])
            .env("RAYON_NUM_THREADS", threads)
            .output()
            .unwrap();
        Outcome::of(output).fine();
        desk
    });
    same(&desks[0], &desks[1]);
}

#[test]
fn negatives_that_are_made_anew_are_the_same_pictures() {
    let desk = Desk::with(MINI);
    desk.run(&["run", "mini"]).fine();
    let before = artefacts(&desk);
    let [a, b] = desk.artefacts("negatives").try_into().unwrap();
    let picture = a.join("restored/scenes_noise25/train-00000.png");
    fs::remove_file(&picture).unwrap();

    let told = desk.run(&["negatives", "regenerate", "--dry-run"]).fine();
    assert!(
        told.stderr.contains("restormer-a") && !picture.exists(),
        "{}",
        told.stderr
    );
    let other = fs::metadata(b.join("reached.json")).unwrap().modified().unwrap();
    desk.run(&["negatives", "regenerate", "--proxy", "restormer-a"]).fine();
    assert_eq!(fs::metadata(b.join("reached.json")).unwrap().modified().unwrap(), other);
    assert!(artefacts(&desk) == before, "the pictures of one proxy differ");
    desk.run(&["negatives", "regenerate", "--force"]).fine();
    assert_ne!(fs::metadata(b.join("reached.json")).unwrap().modified().unwrap(), other);
    assert!(artefacts(&desk) == before, "the pictures differ");
    desk.run(&["negatives", "regenerate", "--proxy", "restormer-c"])
        .fails(4, &["'restormer-c'", "did you mean 'restormer-"]);

    let listed = desk.run(&["negatives", "ls", "--format", "csv"]).fine().stdout;
    assert_eq!(listed.lines().count(), 3, "{listed}");
    // While an interrupted remaking waits to go on, its pictures are not there.
    fs::remove_dir_all(&a).unwrap();
    let listed = desk.run(&["negatives", "ls", "--format", "csv"]).fine().stdout;
    assert!(listed.contains(",,,0,gone,"), "{listed}");
    desk.run(&["negatives", "regenerate"]).fine();
    assert!(artefacts(&desk) == before);
    desk.is_tidy();
}
