//! `experiments.toml` and `--set`: unknown keys, wrong types, impossible values.

use crate::support::Desk;
use crate::support::mini::MINI;

/// Runs `mini` with one piece of its text replaced.
#[track_caller]
fn with_slip(right: &str, wrong: &str, says: &[&str]) {
    assert!(MINI.contains(right), "{right}");
    let text = MINI.replacen(right, wrong, 1);
    let desk = Desk::with(&text);
    let outcome = desk.run(&["run", "mini"]).fails(3, says);
    let at = text[..text.find(wrong).unwrap()].matches('\n').count() + 1;
    let place = format!("experiments.toml:{at}:");
    assert!(outcome.stderr.contains(&place), "no '{place}' in: {}", outcome.stderr);
    assert!(!desk.home().exists(), "a wrong file must not make a home");
}

#[test]
fn an_unknown_key_is_shown_with_its_line_and_the_nearest_name() {
    with_slip(
        "steps = 4",
        "stpes = 4",
        &["unknown field `stpes`", "did you mean `steps`?"],
    );
    with_slip(
        "towers =",
        "tower =",
        &["unknown field `tower`", "did you mean `towers`?"],
    );
    with_slip("slice = 2", "silce = 2", &["`silce`", "did you mean `slice`?"]);
    with_slip("count = 6", "cuont = 6", &["`cuont`", "did you mean `count`?"]);
    with_slip("sigma = 25", "sigmas = 25", &["did you mean `sigma`?"]);
    with_slip(
        "[experiment.mini]",
        "[experimet.mini]",
        &["`experimet`", "did you mean `experiment`?"],
    );
}

#[test]
fn a_wrong_type_is_shown_with_its_line_and_what_is_expected() {
    with_slip(
        "steps = 4",
        "steps = \"four\"",
        &["invalid type: string \"four\"", "a whole number, 0 or more"],
    );
    with_slip("size = 40", "size = 40.5", &["40.5"]);
    with_slip("batch = 2", "batch = -2", &["-2"]);
    with_slip(
        "\"stand-in\"",
        "\"standin\"",
        &["unknown variant `standin`", "did you mean `stand-in`?"],
    );
    with_slip("kind = \"haze\"", "kind = \"hase\"", &["hase", "haze"]);
    with_slip("steps = 4,", "steps = ,", &["extra comma", ":10:"]);
}

#[test]
fn an_impossible_value_is_shown_with_its_line_and_what_is_possible() {
    with_slip("steps = 4", "steps = 0", &["restore.training.steps", "train nothing"]);
    with_slip("patch = 24", "patch = 20", &["restore.training.patch", "multiple of 8"]);
    with_slip("pool = 8", "pool = 0", &["prompts.pool"]);
    with_slip("tokens = 2", "tokens = 99", &["prompts.tokens", "1 to 75"]);
    with_slip("sigma = 25", "sigma = -25", &["sigma = -25", "between 0 and 255"]);
    with_slip("size = 40", "size = 8", &["train.0.size", "32 to 4096"]);
    with_slip("slice = 2", "perceptual = -1.0", &["restore.loss.perceptual", "-1"]);
}

#[test]
fn settings_from_the_command_line_are_held_to_the_same_rules() {
    let desk = Desk::with(MINI);
    for (set, says) in [
        (
            "restore.loss.clip_awar=0.1",
            ["--set restore.loss.clip_awar=0.1", "did you mean `clip_aware`?"],
        ),
        (
            "restore.training.steps=many",
            [
                "--set restore.training.steps=many",
                "expected a whole number, 0 or more",
            ],
        ),
        ("restore.training.steps", ["key=value", "for example --set"]),
        (
            "restore.pgca=double",
            ["--set restore.pgca=double: experiment mini", "single, eq8 and off"],
        ),
        (
            "restore.loss.difficulty=1.5",
            ["restore.loss.difficulty", "between 0 and 1"],
        ),
        ("prompts.words=[\"good\"]", ["prompts.words", "2, 3 or 4"]),
        ("restore.cfe=false", ["restore.loss.contrastive", "CFE"]),
        ("train=[]", ["nothing to train on", "experiment.NAME.train"]),
    ] {
        desk.run(&["run", "mini", "--set", set]).fails(3, &says);
        desk.run(&["plan", "mini", "--set", set]).fails(3, &says);
    }
    assert!(!desk.home().exists());
}

#[test]
fn a_named_file_that_is_not_there_is_named_with_its_option() {
    let desk = Desk::new();
    desk.run(&["run", "mini", "--experiments-file", "mine.toml"])
        .fails(3, &["cannot read mine.toml", "--experiments-file FILE"]);
    assert!(!desk.home().exists());
}
