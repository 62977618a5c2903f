//! Stopping in the middle of what takes long: a single step, a pool of features, an evaluation; and after so many steps.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::process::Command;
use std::time::SystemTime;

use serde_json::{Value, json};

use crate::support::Desk;
use crate::support::mini::{LONG, MINI};
use crate::support::process::wait_until;

#[test]
fn a_single_step_that_takes_long_is_given_up_and_the_state_before_it_is_kept() {
    let desk = Desk::with(LONG);
    // Crops of many megapixels: one step takes minutes.
    let sets = [
        "restore.size=\"small\"",
        "restore.training.batch=64",
        "restore.training.patch=256",
        "train=[{ dataset = \"scenes\", count = 2, size = 256, degradations = [{ kind = \"noise\", sigma = 25 }] }]",
    ];
    let run: Vec<&str> = ["run", "long"]
        .into_iter()
        .chain(sets.iter().flat_map(|set| ["--set", set]))
        .collect();
    let running = desk.start(&run);
    wait_until("the training has begun", || {
        desk.home().join("work").exists()
            && !desk
                .ask(
                    "SELECT 'x' FROM events JOIN runs ON runs.id = run_id WHERE stage = 'restore' AND kind = 'started'",
                )
                .is_empty()
    });
    running.signal(libc::SIGTERM);
    running.wait().fails(130, &["stopped as asked"]);
    assert_eq!(desk.states().last().map(String::as_str), Some("restore paused"));
    assert_eq!(
        desk.ask("SELECT kind || ' ' || text FROM events ORDER BY run_id DESC, seq DESC LIMIT 1"),
        ["paused at 0"]
    );
    let kept = desk.checkpoints();
    assert_eq!(kept.len(), 1);
    assert!(kept[0].ends_with("step-00000000.safetensors"), "{kept:?}");
    desk.is_tidy();
}

#[test]
fn a_pool_of_features_goes_on_where_it_was() {
    let (desk, calm) = (Desk::with(MINI), Desk::with(MINI));
    let run = ["run", "mini", "--set", "prompts.pool=2000"];
    let running = desk.start(&run);
    let pooled = "SELECT 'x' FROM events JOIN runs ON runs.id = run_id
                  WHERE stage = 'prompts' AND kind = 'started' AND events.text LIKE '%crops learned'";
    wait_until("the pool has begun", || {
        desk.home().join("work").exists() && !desk.ask(pooled).is_empty()
    });
    running.signal(libc::SIGTERM);
    running.wait().fails(130, &["stopped as asked"]);
    assert_eq!(desk.states().last().map(String::as_str), Some("prompts paused"));
    desk.run(&run).fine();
    let went_on = desk.ask("SELECT text FROM events WHERE text LIKE 'goes on at % of 2000 crops learned'");
    assert_eq!(went_on.len(), 1, "{:?}", desk.ask("SELECT text FROM events"));
    calm.run(&run).fine();
    assert_eq!(desk.weights("prompts"), calm.weights("prompts"));
}

#[test]
fn an_evaluation_goes_on_with_the_pictures_that_are_missing() {
    let (desk, calm) = (Desk::with(LONG), Desk::with(LONG));
    let test = "test=[{ dataset = \"scenes\", count = 60, size = 96, degradations = [{ kind = \"haze\" }] }]";
    let run = [
        "run",
        "long",
        "--set",
        "test_limit=0",
        "--set",
        "restore.training.steps=2",
        "--set",
        test,
    ];
    let running = desk.start(&run);
    wait_until("some pictures are restored", || {
        let work = fs::read_dir(desk.home().join("work"));
        let made = work.into_iter().flatten().flatten();
        made.map(|entry| entry.path().join("artefact/restored"))
            .any(|folder| fs::read_dir(folder).is_ok_and(|pictures| pictures.count() > 12))
    });
    running.signal(libc::SIGTERM);
    running.wait().fails(130, &["stopped as asked"]);
    assert_eq!(desk.states().last().map(String::as_str), Some("evaluate paused"));
    let written = |folder: &std::path::Path| -> BTreeMap<String, SystemTime> {
        fs::read_dir(folder.join("restored"))
            .unwrap()
            .flatten()
            .map(|file| {
                let time = file.metadata().unwrap().modified().unwrap();
                (file.file_name().to_string_lossy().into_owned(), time)
            })
            .collect()
    };
    let before = written(&desk.unfinished().join("artefact"));
    desk.run(&run).fine();
    let after = written(&desk.artefacts("evaluate")[0]);
    let kept = before.iter().filter(|(name, time)| after[*name] == **time).count();
    // The first eight are restored again, for the sheet.
    assert_eq!(kept, before.len() - 8);
    assert_eq!(after.len(), 60);
    calm.run(&run).fine();
    let numbers =
        "SELECT picture || tier || metric || format('%!.17g', value) FROM evaluations ORDER BY picture, tier, metric";
    assert_eq!(desk.ask(numbers), calm.ask(numbers));
    let sheet = |desk: &Desk| fs::read(desk.artefacts("evaluate")[0].join("sheet.png")).unwrap();
    assert!(sheet(&desk) == sheet(&calm));
}

#[test]
fn a_training_pauses_after_the_steps_it_was_allowed() {
    let desk = Desk::with(LONG);
    let running = desk.start(&["run", "long"]);
    desk.wait_for_saved_state();
    running.signal(libc::SIGTERM);
    running.wait().fails(130, &["stopped as asked"]);
    let from = last_step(&desk);
    let order = desk.unfinished().join("order.json");
    let mut told: Value = serde_json::from_slice(&fs::read(&order).unwrap()).unwrap();
    told["run"] = json!("budget");
    told["step_limit"] = json!(7);
    fs::write(&order, told.to_string()).unwrap();
    let mut worker: Command = desk.command(&["worker", &order.display().to_string()]);
    let (told_to_go, go) = std::io::pipe().unwrap();
    (&go).write_all(b"go\n").unwrap();
    let ended = worker.stdin(told_to_go).output().unwrap();
    assert_eq!(
        ended.status.code(),
        Some(130),
        "{}",
        String::from_utf8_lossy(&ended.stderr)
    );
    let journal = fs::read_to_string(desk.home().join("journals/budget.jsonl")).unwrap();
    let last: Value = serde_json::from_str(journal.lines().last().unwrap()).unwrap();
    assert_eq!((&last["event"], &last["step"]), (&json!("paused"), &json!(from + 7)));
    assert_eq!(last_step(&desk), from + 7);
}

/// The step of the newest checkpoint.
fn last_step(desk: &Desk) -> u64 {
    let newest = desk.checkpoints().pop().unwrap();
    let name = newest.file_stem().unwrap().to_string_lossy().into_owned();
    name.strip_prefix("step-").unwrap().parse().unwrap()
}
