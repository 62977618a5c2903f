//! What the command line says over a file: `--scale`, `--set`, `--only`, `--seeds`.

use super::*;

/// The settings of the first case.
fn first(text: &str, scale: Option<Size>, sets: &[&str]) -> Result<Experiment, String> {
    let outside = Outside {
        scale,
        ..super::sets(sets)
    };
    Ok(cases_with(text, "a", &outside)?.remove(0).settings)
}

fn a() -> String {
    few("[experiment.a]\nextends = \"few\"\nrestore = { training = { steps = 7 } }")
}

#[test]
fn an_experiment_lies_over_its_scale_and_a_scale_from_outside_replaces_both() {
    let own = first(&a(), None, &[]).unwrap();
    assert_eq!((own.restore.training.steps, own.restore.size), (7, Size::Tiny));
    let same = first(&a(), Some(Size::Tiny), &[]).unwrap();
    assert_eq!(same, own);
    let small = first(&a(), Some(Size::Small), &[]).unwrap();
    assert_eq!((small.restore.training.steps, small.restore.size), (8000, Size::Small));
    let set = first(&a(), Some(Size::Small), &["restore.training.steps=5"]).unwrap();
    assert_eq!(set.restore.training.steps, 5);
    assert_eq!(first(&a(), None, &["scale=small"]).unwrap().restore.size, Size::Small);
    let both = first(&a(), Some(Size::Tiny), &["scale=small"]).unwrap_err();
    assert!(both.contains("--set scale=small: and --scale tiny"), "{both}");
}

/// An experiment as the paper ran it.
const PAPER: &str = r#"
[experiment.a]
train = [{ dataset = "BSD400", degradations = [{ kind = "noise", sigma = 25 }] }]
test = [{ dataset = "CBSD68", degradations = [{ kind = "noise", sigma = 25 }] }]
[experiment.a.restore.training]
steps = 200000
[[experiment.a.cases]]
name = "long"
restore.training.steps = 400000
train = [{ dataset = "WED", degradations = [{ kind = "noise", sigma = 25 }] }]
[experiment.a.matrix]
"prompts.batch" = [8]
"#;

#[test]
fn a_paper_experiment_can_be_tried_out_with_whatever_pictures_there_are() {
    let tiny = first(PAPER, Some(Size::Tiny), &[]).unwrap();
    assert_eq!(
        (tiny.scale, tiny.towers, tiny.restore.training.steps),
        (Size::Tiny, Towers::StandIn, 500)
    );
    assert!(tiny.train.iter().chain(&tiny.test).all(|set| set.optional));
    assert_eq!(tiny.train[0].dataset, "WED");
    // What the grid varies, it varies at any scale.
    assert_eq!(tiny.prompts.batch, 8);
    let small = first(PAPER, Some(Size::Small), &[]).unwrap();
    assert_eq!(small.towers, Towers::StandIn);
    assert!(!small.train[0].optional);
    let paper = first(PAPER, Some(Size::Paper), &[]).unwrap();
    assert_eq!((paper.towers, paper.restore.training.steps), (Towers::Real, 400_000));
}

#[test]
fn set_wins_over_a_scale_from_outside() {
    let set = first(PAPER, Some(Size::Tiny), &["towers=real", "restore.training.steps=9"]).unwrap();
    assert_eq!((set.towers, set.restore.training.steps), (Towers::Real, 9));
}

#[test]
fn only_chooses_cases_and_seeds_replaces_the_number_of_repetitions() {
    let text = few(r#"
        [experiment.a]
        extends = "few"
        seed = 5
        seeds = 2
        [experiment.a.matrix]
        "restore.pgca" = ["single", "off", "eq8"]
    "#);
    let outside = Outside {
        only: vec!["pgca=e*".into(), "pgca=single".into()],
        seeds: Some(3),
        ..Outside::default()
    };
    let found = cases_with(&text, "a", &outside).unwrap();
    assert_eq!(
        names(&found),
        [
            "pgca=single",
            "pgca=single",
            "pgca=single",
            "pgca=eq8",
            "pgca=eq8",
            "pgca=eq8"
        ]
    );
    assert_eq!(
        found.iter().map(|case| case.seed).collect::<Vec<_>>(),
        [5, 6, 7, 5, 6, 7]
    );
    let unknown = Outside {
        only: vec!["pgca=sinlge".into()],
        ..Outside::default()
    };
    let said = cases_with(&text, "a", &unknown).unwrap_err();
    assert!(
        said.contains("--only pgca=sinlge") && said.contains("did you mean \"pgca=single\"?"),
        "{said}"
    );
    assert!(file(&text).unwrap().cases("a", &unknown).unwrap_err().unknown_name);
}

#[test]
fn a_case_may_have_a_scale_of_its_own() {
    let text = few(r#"
        [experiment.a]
        extends = "few"
        [[experiment.a.cases]]
        name = "large"
        scale = "small"
        [[experiment.a.cases]]
        name = "little"
    "#);
    let sizes: Vec<Size> = cases(&text, "a")
        .unwrap()
        .iter()
        .map(|case| case.settings.restore.size)
        .collect();
    assert_eq!(sizes, [Size::Small, Size::Tiny]);
    let outside = Outside {
        scale: Some(Size::Paper),
        ..Outside::default()
    };
    let both = cases_with(&text, "a", &outside).unwrap();
    assert!(both.iter().all(|case| case.settings.restore.size == Size::Paper));
    assert!(both.iter().all(|case| case.settings.scale == Size::Paper));
}

/// A grid of two axes, and written cases.
const VARIED: &str = r#"
[experiment.sweep]
extends = "few"
[experiment.sweep.matrix]
"restore.pgca" = ["single", "off"]
"restore.training" = [{ name = "short", steps = 5 }, { name = "long", steps = 50 }]
[experiment.parts]
extends = "few"
[[experiment.parts.cases]]
name = "whole"
[[experiment.parts.cases]]
name = "plain"
restore = { cfe = false, loss = { contrastive = 0.0 } }
"#;

#[track_caller]
fn refused(name: &str, set: &str, parts: &[&str]) {
    let said = cases_with(&few(VARIED), name, &sets(&[set])).expect_err("the cases vary it");
    for part in parts {
        assert!(said.contains(part), "no {part:?} in {said:?}");
    }
}

#[test]
fn what_tells_the_cases_apart_is_not_set_from_outside() {
    refused(
        "sweep",
        "restore.pgca=off",
        &[
            "--set restore.pgca=off: the grid of experiment sweep varies restore.pgca",
            "--only '*pgca=off*' chooses its cases",
        ],
    );
    refused("sweep", "restore.pgca=eq8", &["no case has this value"]);
    // A key below that of an axis, and one above.
    refused(
        "sweep",
        "restore.training.steps=5",
        &["varies restore.training.steps", "'*training=short*'"],
    );
    refused(
        "sweep",
        "restore={ pgca = \"off\", cfe = true }",
        &["varies restore.pgca"],
    );
    refused("sweep", "restore.training=7", &["varies restore.training"]);
    // Written cases: another value, and the value that only one of them has.
    refused(
        "parts",
        "restore.loss.contrastive=0.2",
        &[
            "case plain of experiment parts sets restore.loss.contrastive",
            "--only '*whole*'",
        ],
    );
    refused(
        "parts",
        "restore.cfe=false",
        &["case plain of experiment parts", "--only '*plain*'"],
    );
}

#[test]
fn what_all_chosen_cases_leave_open_or_agree_on_may_be_set() {
    let found = |name: &str, only: &[&str], set: &str| {
        let outside = Outside {
            only: only.iter().copied().map(String::from).collect(),
            ..sets(&[set])
        };
        cases_with(&few(VARIED), name, &outside).unwrap().len()
    };
    assert_eq!(found("sweep", &[], "restore.training.batch=3"), 4);
    assert_eq!(found("sweep", &["pgca=off,*"], "restore.pgca=off"), 2);
    assert_eq!(found("parts", &[], "restore.training.steps=100"), 2);
    assert_eq!(found("parts", &["whole"], "restore.loss.contrastive=0.2"), 1);
}

#[test]
fn shipped_tables_take_settings_that_their_cases_leave_open() {
    let file = SpecFile::of(Book::shipped().unwrap());
    let run = |name: &str, set: &str| file.cases(name, &sets(&[set]));
    assert!(run("table7", "restore.training.steps=100").is_ok());
    assert!(run("table2", "restore.training.steps=100").is_ok());
    assert!(run("table2", "restore.network=nafnet").is_err());
}
