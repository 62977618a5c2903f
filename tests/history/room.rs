//! Making room: what a policy lets go of, what it never does, and what is left whole.

use std::fs;

use crate::support::mini::files;
use crate::{json, run_of, two_cases};

#[test]
fn the_last_case_stays_whole_with_everything_that_it_stands_on() {
    let desk = two_cases();
    // The same experiment once more: `other` has two cases now, and shares all but the restorer with `mini`.
    desk.run(&["run", "other", "--set", "restore.loss.clip_aware=0.3"])
        .fine();
    let results = |name: &str| desk.run(&["results", name, "--format", "csv"]).fine().stdout;
    let before = (results("mini"), results("other"));
    let dry = desk
        .run(&["runs", "gc", "--keep-last", "1", "--dry-run", "--format", "json"])
        .fine();
    let kinds: Vec<String> = json(&dry.stdout)
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["what"].as_str().unwrap().to_string())
        .collect();
    // One restorer and two evaluations of it, nothing that is shared.
    let count = |kind: &str| kinds.iter().filter(|other| *other == kind).count();
    assert_eq!(
        (count("case"), count("run"), count("artefact")),
        (1, 3, 3),
        "{}",
        dry.stdout
    );
    assert_eq!(desk.ask("SELECT name FROM cases").len(), 3);

    desk.run(&["runs", "gc", "--keep-last", "1"]).fine();
    assert_eq!((results("mini"), results("other")), before);
    let again = desk
        .run(&["run", "other", "--set", "restore.loss.clip_aware=0.3"])
        .fine();
    assert!(
        again.stderr.contains("14 of 14 jobs are done already"),
        "{}",
        again.stderr
    );
    let second = desk.run(&["runs", "gc", "--keep-last", "1", "--format", "json"]).fine();
    assert_eq!(second.stdout, "[]\n");
    desk.is_tidy();
}

#[test]
fn what_is_tagged_stays_and_useless_things_go_without_any_policy() {
    let desk = two_cases();
    let run = run_of(&desk, "restore");
    desk.run(&["runs", "tag", &run, "keep"]).fine();
    let abandoned = desk.path("home/work/0123456789abcdef0123456789abcdef");
    let removed = desk.path("home/work/removed-cafe");
    for folder in [&abandoned, &removed] {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("state.safetensors"), "state").unwrap();
    }
    let before = desk.ask("SELECT id FROM runs");
    let told = desk.run(&["runs", "gc"]).fine();
    assert!(
        told.stderr.contains("removed 0 cases, 0 runs, 0 artefacts, 2 folders"),
        "{}",
        told.stderr
    );
    assert!(!abandoned.exists() && !removed.exists());
    assert_eq!(desk.ask("SELECT id FROM runs"), before);

    desk.run(&["runs", "gc", "--older-than", "0s", "--keep-last", "0"])
        .fine();
    // The case of the tagged run, and what that stands on, shared or not.
    assert_eq!(
        desk.ask("SELECT DISTINCT experiment FROM named_runs WHERE experiment IS NOT NULL"),
        ["other"]
    );
    assert_eq!(desk.artefacts("medium").len(), 2);
    assert_eq!(desk.artefacts("restore").len(), 1);
    let journals = files(&desk.path("home/journals"));
    assert_eq!(
        journals,
        [desk.path(&format!("home/journals/{run}.jsonl"))],
        "only the tagged run keeps its journal"
    );
    // Numbers do not go with an imported journal.
    let points = desk.ask("SELECT DISTINCT run_id FROM metrics ORDER BY 1");
    assert!(points.len() > 3 && points.contains(&run), "{points:?}");
}

#[test]
fn a_policy_that_is_not_understood_removes_nothing() {
    let desk = two_cases();
    let before = files(&desk.path("home/artefacts"));
    desk.run(&["runs", "gc", "--older-than", "soon"])
        .fails(2, &["'soon'", "30d"]);
    desk.run(&["runs", "gc", "--experiment", "oter"])
        .fails(4, &["did you mean 'other'?"]);
    desk.run(&["runs", "gc", "--keep-best", "1", "--metric", "psnr"])
        .fails(4, &["did you mean 'psnr_rgb'?"]);
    let lock = fs::File::create(desk.path("home/lock")).unwrap();
    lock.lock().unwrap();
    desk.run(&["runs", "gc", "--keep-last", "0"]).fails(7, &["is at work"]);
    drop(lock);
    assert_eq!(files(&desk.path("home/artefacts")), before);
}
