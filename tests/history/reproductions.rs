//! Making a run again: equal or not, without touching what is recorded.

use std::fs;

use crate::support::Desk;
use crate::support::mini::{LONG, MINI};
use crate::support::process::wait_until;
use crate::{contents, json, run_of};

/// SIGINT.
const CTRL_C: i32 = 2;

/// The code of `runs reproduce` where the numbers are others.
const DIFFERENT: i32 = 20;

#[test]
fn every_stage_is_made_again_with_equal_numbers() {
    let desk = Desk::with(MINI);
    desk.run(&["run", "mini"]).fine();
    let before = (
        contents(&desk.path("home/artefacts")),
        desk.ask("SELECT value || '' FROM evaluations ORDER BY 1"),
    );
    for stage in [
        "scenes",
        "degrade",
        "medium",
        "prompts",
        "negatives",
        "restore",
        "evaluate",
    ] {
        let run = run_of(&desk, stage);
        let told = desk.run(&["runs", "reproduce", &run, "--format", "json"]).fine();
        assert_eq!(told.stdout, "[]\n", "{stage}");
        assert!(told.stderr.contains("equal: "), "{}", told.stderr);
        assert!(!told.stderr.contains("not as then"), "{}", told.stderr);
    }
    let after = (
        contents(&desk.path("home/artefacts")),
        desk.ask("SELECT value || '' FROM evaluations ORDER BY 1"),
    );
    assert!(before == after, "a reproduction touched what is recorded");
    let own = desk
        .ask("SELECT label FROM runs WHERE state = 'done' AND label LIKE '%, reproduces %' AND reason LIKE 'equal:%'");
    assert_eq!(own.len(), 7);
    assert_eq!(fs::read_dir(desk.path("home/reproduce")).unwrap().count(), 0);
    desk.is_tidy();
}

#[test]
fn a_changed_file_and_a_changed_number_are_found() {
    let desk = Desk::with(MINI);
    desk.run(&["run", "mini"]).fine();
    let run = run_of(&desk, "evaluate");
    let key = desk
        .ask(&format!("SELECT artefact_key FROM runs WHERE id = '{run}'"))
        .remove(0);
    let picture = fs::read_dir(desk.path(&format!("home/artefacts/{key}/restored")))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    fs::write(&picture, "not what was made").unwrap();
    let sql = format!(
        "UPDATE evaluations SET value = value + 1e-9 WHERE artefact_key = '{key}' AND metric = 'psnr_rgb' AND tier = 'restored'"
    );
    desk.with_database(async |db| sqlx::query(sqlx::AssertSqlSafe(sql)).execute(db).await);
    let told = desk
        .run(&["runs", "reproduce", &run, "--format", "json"])
        .fails(DIFFERENT, &["different: 1 of 3 files", "2 of 12 evaluations"]);
    let rows = json(&told.stdout);
    let names: Vec<&str> = rows
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|row| row["name"].as_str())
        .collect();
    assert!(
        names[0].ends_with("restored psnr_rgb") && names[1].starts_with("restored/"),
        "{names:?}"
    );
    assert!(rows[0]["largest"].as_f64().unwrap() < 1e-6);
    assert_eq!(fs::read(&picture).unwrap(), b"not what was made");
    // What was made this time can be looked at.
    let again = desk
        .path(&format!("home/reproduce/{run}/artefacts/{key}/restored"))
        .join(picture.file_name().unwrap());
    assert!(image::open(again).is_ok());
    assert_eq!(
        desk.ask("SELECT exit_code || '' FROM runs WHERE label LIKE '%reproduces%'"),
        ["20"]
    );
}

#[test]
fn what_is_not_as_it_was_is_told_beforehand() {
    let desk = Desk::with(MINI);
    desk.run(&["run", "mini"]).fine();
    let run = run_of(&desk, "degrade");
    desk.with_database(async |db| {
        sqlx::query("UPDATE codes SET sources = 'of old', rustc = 'rustc 1.0'")
            .execute(db)
            .await
    });
    desk.with_database(async |db| sqlx::query("UPDATE run_code SET threads = 99").execute(db).await);
    let told = desk.run(&["runs", "reproduce", &run, "--dry-run"]).fine();
    for words in ["not as then: sources", "compiler: rustc 1.0 then", "threads: 99 then"] {
        assert!(told.stderr.contains(words), "{}", told.stderr);
    }
    assert!(!desk.path("home/reproduce").exists());
    desk.with_database(async |db| sqlx::query("UPDATE runs SET state = 'failed'").execute(db).await);
    desk.run(&["runs", "reproduce", &run])
        .fails(4, &["left nothing that could be compared"]);
}

#[test]
fn an_interrupted_reproduction_goes_on_and_is_equal() {
    let desk = Desk::with(LONG);
    desk.run(&["run", "long"]).fine();
    let run = run_of(&desk, "restore");
    let running = desk.start(&["runs", "reproduce", &run]);
    let scratch = desk.path(&format!("home/reproduce/{run}"));
    let (work, journals) = (scratch.join("work"), scratch.join("journals"));
    let trains = || {
        let journals = fs::read_dir(&journals).into_iter().flatten().flatten();
        journals
            .into_iter()
            .any(|journal| fs::read_to_string(journal.path()).is_ok_and(|text| text.contains(r#""event":"progress""#)))
    };
    wait_until("the reproduction trains", trains);
    running.signal(CTRL_C);
    running.wait().fails(130, &["run the same command again"]);
    let states = || desk.ask("SELECT state FROM runs WHERE label LIKE '%reproduces%' ORDER BY id");
    assert_eq!(states(), ["paused"]);
    desk.run(&["runs", "reproduce", &run]).fine();
    assert_eq!(states(), ["paused", "done"]);
    assert!(!work.exists());
}

#[test]
fn the_old_negatives_stay_until_the_new_ones_are_whole() {
    let desk = Desk::with(MINI);
    desk.run(&["run", "mini"]).fine();
    let negatives = desk.artefacts("negatives");
    let before: Vec<_> = negatives.iter().map(|folder| contents(folder)).collect();
    // A degraded picture is gone, so that new ones cannot be made.
    let degraded = desk
        .artefacts("degrade")
        .into_iter()
        .find(|folder| folder.join("degraded/train-00000.png").exists())
        .unwrap();
    let picture = degraded.join("degraded/train-00000.png");
    let bytes = fs::read(&picture).unwrap();
    fs::remove_file(&picture).unwrap();
    let failed = desk
        .run(&["negatives", "regenerate", "--force"])
        .fails(5, &["train-00000.png"]);
    assert!(!failed.stderr.contains(".."), "{}", failed.stderr);
    let after: Vec<_> = negatives.iter().map(|folder| contents(folder)).collect();
    assert!(after == before, "the old negatives did not stay");

    fs::write(&picture, bytes).unwrap();
    fs::remove_dir_all(negatives[0].join("restored")).unwrap();
    desk.run(&["negatives", "regenerate"]).fine();
    let after: Vec<_> = negatives.iter().map(|folder| contents(folder)).collect();
    assert!(after == before, "the new negatives are others");
    assert_eq!(fs::read_dir(desk.path("home/reproduce")).unwrap().count(), 0);
    let unknown = desk
        .ask("SELECT id FROM runs")
        .into_iter()
        .filter(|run| !desk.path(&format!("home/journals/{run}.jsonl")).exists());
    assert_eq!(unknown.count(), 0, "every run has its journal");
}
