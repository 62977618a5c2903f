//! `perceive-ir spec`: what a file of experiments means, said by the program.

mod support;

use serde_json::Value;
use support::Desk;
use support::mini::MINI;

/// [`MINI`] with a grid of four cases, less one.
const GRID: &str = r#"
[experiment.sweep]
extends = "mini"
about = "four less one"
seeds = 2
[experiment.sweep.matrix]
"restore.loss.clip_aware" = [0.01, 0.05]
"restore.pgca" = ["single", "off"]
[[experiment.sweep.exclude]]
"restore.loss.clip_aware" = 0.05
"restore.pgca" = "off"
"#;

fn desk() -> Desk {
    Desk::with(&[MINI, GRID].concat())
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn experiments_are_listed_with_their_cases_in_the_order_of_the_file() {
    let desk = desk();
    let listed = desk.run(&["spec", "ls", "--format", "csv"]).fine().stdout;
    assert_eq!(
        listed,
        "experiment,cases,seeds,about\nmini,1,1,\nsweep,3,2,four less one\n"
    );
    let listed = json(&desk.run(&["spec", "ls", "--format", "json"]).fine().stdout);
    assert_eq!(
        (&listed[1]["experiment"], &listed[1]["cases"]),
        (&"sweep".into(), &3.into())
    );
    assert!(!desk.home().exists());
}

#[test]
fn a_check_says_fine_or_everything_that_is_wrong() {
    let desk = desk();
    desk.run(&["spec", "check"]).fine();
    let text = [
        MINI,
        &GRID
            .replace("[0.01, 0.05]", "[-1, 0.05]")
            .replace("seeds = 2", "seeds = 0"),
    ]
    .concat();
    desk.write_experiments(&text);
    let outcome = desk
        .run(&["spec", "check"])
        .fails(3, &["experiments.toml:", "seeds = 0", "2 problems", "2 experiments"]);
    assert!(
        outcome.stderr.contains("a loss weight of -1 is impossible"),
        "{}",
        outcome.stderr
    );
    desk.run(&["spec", "check", "gone.toml"])
        .fails(3, &["cannot read gone.toml"]);
    assert!(!desk.home().exists());
}

#[test]
fn every_misspelt_key_is_told_at_once_by_check_plan_and_run() {
    let text = [
        MINI,
        &GRID.replace(
            "seeds = 2",
            "seeds = 2\nprompts.tokns = 3\nmedium.trainning.steps = 3\nupkep = 2",
        ),
        "\n[bse]\n[experiment.other]\nextends = \"mini\"\n[[experiment.other.cases]]\nname = \"a\"\n\
         restore.los.difficulty = 0.5\n[[experiment.other.cases]]\nname = \"b\"\ntest = [{ datset = \"scenes\" }]\n",
    ]
    .concat();
    let desk = Desk::with(&text);
    let slips = ["tokens", "training", "upkeep", "base", "loss", "dataset"];
    for command in [&["spec", "check"][..], &["plan", "sweep"], &["run", "sweep"]] {
        let told = desk.run(command).fails(3, &[]).stderr;
        for meant in slips {
            let hint = format!("hint: did you mean `{meant}`?");
            let line = told.lines().position(|line| line == hint);
            let line = line.unwrap_or_else(|| panic!("no {hint:?} in {told}"));
            let above = told.lines().nth(line - 1).unwrap();
            assert!(above.starts_with("error: experiments.toml:"), "{above}");
        }
        assert_eq!(told.matches("hint: did you mean").count(), slips.len(), "{told}");
    }
    assert!(!desk.home().exists());
}

#[test]
fn every_setting_is_shown_with_where_it_comes_from() {
    let desk = desk();
    let show = |more: &[&str]| {
        desk.run(&[&["spec", "show", "sweep", "--only", "*=off"], more].concat())
            .fine()
            .stdout
    };
    let text = show(&["--set", "prompts.tokens=3"]);
    let line = |start: &str| text.lines().find(|line| line.starts_with(start)).unwrap().to_string();
    assert!(line("tokens = 3").ends_with("# --set prompts.tokens=3"), "{text}");
    assert!(line("clip_aware = 0.01").contains("# experiments.toml:"), "{text}");
    assert!(line("pool = 8").contains("# experiments.toml:5"), "{text}");
    assert!(line("clip_norm = 1.0").ends_with("# scale tiny"), "{text}");
    assert!(line("deviation = 0.02").ends_with("# default"), "{text}");
    let shown = json(&show(&["--format", "json"]));
    assert_eq!(shown[0]["case"], "clip_aware=0.01,pgca=off");
    assert_eq!(shown[0]["seeds"], serde_json::json!([1, 2]));
    assert_eq!(shown[0]["settings"]["restore"]["pgca"]["value"], "off");
    desk.run(&["spec", "show", "sweep", "--only", "nothing"])
        .fails(4, &["--only nothing", "experiment sweep has no such case"]);
}

#[test]
fn what_is_shown_can_be_run_in_place_of_the_experiment() {
    let desk = desk();
    let plan = |more: &[&str]| {
        let plan = json(
            &desk
                .run(&[&["plan", "--by", "job", "--format", "json"], more].concat())
                .fine()
                .stdout,
        );
        let keys = plan
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["key"].as_str().unwrap().to_string());
        keys.collect::<Vec<_>>()
    };
    let shown = desk.run(&["spec", "show", "sweep", "--only", "*=single"]).fine().stdout;
    std::fs::write(desk.path("shown.toml"), shown).unwrap();
    let names = ["sweep/clip_aware=0.01,pgca=single", "sweep/clip_aware=0.05,pgca=single"];
    let again = plan(&[&names[..], &["--experiments-file", "shown.toml"]].concat());
    assert_eq!(again, plan(&["sweep", "--only", "*=single"]));
}

#[test]
fn the_schema_is_one_json_document() {
    let schema = json(&Desk::new().run(&["spec", "schema"]).fine().stdout);
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    assert!(schema["definitions"]["Training"]["properties"]["steps"]["description"].is_string());
}
