//! Archives: what goes in comes out, here and elsewhere, and nothing comes out of a damaged one.

use std::fs;

use crate::support::{Desk, cut};
use crate::{contents, json, run_of, two_cases};

/// Another home beside the same experiments.
fn elsewhere(desk: &Desk) -> Desk {
    let other = Desk::new();
    fs::copy(desk.path("experiments.toml"), other.path("experiments.toml")).unwrap();
    other
}

#[test]
fn an_archived_case_comes_back_as_it_was_here_and_in_another_home() {
    let desk = two_cases();
    let run = run_of(&desk, "restore");
    desk.run(&["runs", "tag", &run, "paper"]).fine();
    desk.run(&["runs", "note", &run, "kept in an archive"]).fine();
    let artefacts = contents(&desk.path("home/artefacts"));
    let journals = contents(&desk.path("home/journals"));
    let told = |desk: &Desk| {
        let show = json(&desk.run(&["runs", "show", &run, "--format", "json"]).fine().stdout);
        let points = desk.run(&["runs", "show", &run, "--format", "csv"]).fine().stdout;
        (
            show,
            points,
            desk.run(&["results", "other", "--format", "csv"]).fine().stdout,
        )
    };
    let before = told(&desk);
    let file = desk.arg("other.tar");
    let dry = desk
        .run(&["runs", "archive", "other/base", "--to", &file, "--dry-run"])
        .fine();
    assert!(
        dry.stderr.contains(&run) && !desk.path("other.tar").exists(),
        "{}",
        dry.stderr
    );
    desk.run(&["runs", "archive", "other/base", "--to", &file, "--remove"])
        .fine();
    assert!(!desk.ask("SELECT id FROM runs").contains(&run));
    desk.run(&["results", "mini"]).fine();
    assert!(contents(&desk.path("home/artefacts")).len() < artefacts.len());

    desk.run(&["runs", "unarchive", &file]).fine();
    assert_eq!(told(&desk), before);
    assert!(
        contents(&desk.path("home/artefacts")) == artefacts,
        "an artefact is not as it was"
    );
    assert!(
        contents(&desk.path("home/journals")) == journals,
        "a journal is not as it was"
    );
    let again = desk.run(&["runs", "unarchive", &file]).fine();
    assert!(again.stderr.contains("is there already"), "{}", again.stderr);
    assert_eq!(told(&desk), before);
    desk.is_tidy();

    // In a home that never saw it, it is whole too: nothing needs to be done again.
    let other = elsewhere(&desk);
    other.run(&["runs", "unarchive", &file]).fine();
    let results = other.run(&["results", "other", "--format", "csv"]).fine().stdout;
    assert_eq!(results, before.2);
    let run = other.run(&["run", "other"]).fine();
    assert!(run.stderr.contains("14 of 14 jobs are done already"), "{}", run.stderr);
}

#[test]
fn a_damaged_archive_changes_nothing_and_a_file_is_never_overwritten() {
    let desk = two_cases();
    let run = run_of(&desk, "restore");
    let file = desk.arg("run.tar");
    desk.run(&["runs", "archive", &run, "--to", &file]).fine();
    desk.run(&["runs", "archive", &run, "--to", &file])
        .fails(2, &["is there already"]);
    let whole = fs::read(&file).unwrap();
    let other = elsewhere(&desk);

    let mut changed = whole.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    fs::write(&file, changed).unwrap();
    other
        .run(&["runs", "unarchive", &file])
        .fails(7, &["run.tar is damaged", "is not what its sum says"]);
    fs::write(&file, &whole).unwrap();
    cut(&desk.path("run.tar"), whole.len() / 3);
    other
        .run(&["runs", "unarchive", &file])
        .fails(7, &["run.tar is damaged"]);
    fs::write(&file, "no archive at all").unwrap();
    other
        .run(&["runs", "unarchive", &file])
        .fails(4, &["run.tar is no archive of runs"]);
    fs::write(&file, "").unwrap();
    other
        .run(&["runs", "unarchive", &file])
        .fails(4, &["run.tar is no archive of runs"]);
    fs::remove_file(&file).unwrap();
    other
        .run(&["runs", "unarchive", &file])
        .fails(4, &["cannot read", "there is no such file"]);
    assert!(!other.path("home/artefacts").exists() && !other.path("home/perceive.sqlite").exists());

    fs::write(&file, &whole).unwrap();
    let dry = other.run(&["runs", "unarchive", &file, "--dry-run"]).fine();
    assert!(dry.stderr.contains("1 run and 1 artefact"), "{}", dry.stderr);
    assert!(!other.path("home/perceive.sqlite").exists());
}
