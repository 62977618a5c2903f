//! Comparing, querying, tags, notes, and what made a run.

use std::fs;

use crate::support::Desk;
use crate::support::mini::MINI;
use crate::{json, run_of, two_cases};

#[test]
fn two_cases_are_laid_side_by_side_with_the_same_pictures() {
    let desk = two_cases();
    let told = desk
        .run(&["runs", "compare", "mini/base", "other/base", "--format", "json"])
        .fine();
    let told = json(&told.stdout);
    let settings = told["settings"].as_array().unwrap();
    assert_eq!(settings.len(), 1, "{settings:?}");
    assert_eq!(settings[0]["name"], "restore.loss.clip_aware");
    assert_eq!(settings[0]["values"], json(r#"["0.05","0.2"]"#));
    let named = |list: &str, name: &str| {
        let lines = told[list].as_array().unwrap();
        lines
            .iter()
            .find(|line| line["name"] == name)
            .unwrap_or_else(|| panic!("no {name} in {lines:?}"))
            .clone()
    };
    let loss = named("metrics", "restore loss");
    let [first, second] = [0, 1].map(|side| loss["values"][side].as_f64().unwrap());
    assert_eq!(loss["differences"][0].as_f64().unwrap(), second - first);
    // What is shared is equal, and is no difference.
    assert_eq!(
        named("evaluation", "scenes noise25 degraded psnr_rgb")["differences"][0],
        0.0
    );
    assert_eq!(named("metrics", "prompts accuracy_held_out")["differences"][0], 0.0);

    let by_run = desk
        .run(&[
            "runs",
            "compare",
            &run_of(&desk, "restore"),
            "mini/base",
            "--pictures",
            &desk.arg("sheets"),
        ])
        .fine();
    assert!(by_run.stdout.contains("restore.loss.clip_aware"), "{}", by_run.stdout);
    for test in ["scenes_noise25.png", "scenes_rain.png"] {
        let sheet = image::open(desk.path("sheets").join(test)).unwrap();
        // Four columns of pictures that are enlarged to 320 pixels, two rows.
        assert!(
            sheet.width() > 4 * 320 && sheet.height() > 2 * 320,
            "{} x {}",
            sheet.width(),
            sheet.height()
        );
    }
    assert!(!by_run.stderr.contains("warning"), "{}", by_run.stderr);

    desk.run(&["runs", "compare", "mini/base", "mini/base"])
        .fails(2, &["named twice"]);
    desk.run(&["runs", "compare", "mini/base"]).fails(2, &["2 values"]);
    desk.run(&["runs", "compare", "mini/bas", "other/base"])
        .fails(4, &["did you mean 'base'?"]);
    desk.run(&["runs", "compare", "mini/base#9", "other/base"])
        .fails(4, &["known: mini/base#"]);
}

#[test]
fn pictures_of_other_scenes_are_not_laid_side_by_side() {
    let desk = Desk::with(MINI);
    desk.run(&["run", "mini"]).fine();
    desk.run(&["run", "mini", "--set", "seed=3"]).fine();
    desk.run(&[
        "runs",
        "compare",
        "mini/base#1",
        "mini/base#3",
        "--pictures",
        &desk.arg("sheets"),
    ])
    .fails(5, &["no evaluated picture in common", "no picture in common"]);
    assert_eq!(fs::read_dir(desk.path("sheets")).unwrap().count(), 0);
}

#[test]
fn a_query_answers_in_three_formats_and_reads_only() {
    let desk = two_cases();
    let sql = "SELECT experiment, count(*) AS runs FROM labelled_runs GROUP BY experiment ORDER BY 1";
    let csv = desk.run(&["runs", "query", sql, "--format", "csv"]).fine().stdout;
    assert_eq!(csv, "experiment,runs\nmini,14\nother,3\n");
    let rows = json(&desk.run(&["runs", "query", sql, "--format", "json"]).fine().stdout);
    assert_eq!((&rows[1]["experiment"], &rows[1]["runs"]), (&"other".into(), &3.into()));
    let cut = desk
        .run(&[
            "runs",
            "query",
            "SELECT id FROM runs",
            "--limit",
            "2",
            "--format",
            "csv",
        ])
        .fine();
    assert!(
        cut.stdout.lines().count() == 3 && cut.stderr.contains("the first 2 rows"),
        "{}",
        cut.stderr
    );

    let means = "SELECT mean, pictures FROM case_means WHERE experiment = 'mini' AND test = 'scenes rain' AND metric = 'psnr_rgb'";
    assert_eq!(
        json(&desk.run(&["runs", "query", means, "--format", "json"]).fine().stdout)[0]["pictures"],
        2
    );

    let before = desk.ask("SELECT id FROM runs");
    for (sql, words) in [
        ("DELETE FROM runs", "DELETE is refused"),
        ("WITH x AS (SELECT 1) DELETE FROM runs", "refused"),
        ("SELECT 1; DELETE FROM runs", "more than one"),
        ("ATTACH 'x.sqlite' AS x", "attached"),
        ("SELECT stat FROM runs", "character 8: no such column: stat"),
        ("SELECT * FROM rusn", "did you mean 'runs'?"),
        ("SELECT * FORM runs", "syntax error"),
    ] {
        desk.run(&["runs", "query", sql]).fails(2, &[words]);
    }
    assert_eq!(desk.ask("SELECT id FROM runs"), before);
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";
    desk.run(&["runs", "query", endless, "--timeout", "0.2"])
        .fails(2, &["within 0.2 s", "--timeout"]);
    let schema = desk.run(&["runs", "query", "--schema"]).fine().stdout;
    assert!(
        schema.contains("case_means (view)") && schema.contains("UUID version 7"),
        "{schema}"
    );
}

#[test]
fn tags_and_notes_are_shown_and_found() {
    let desk = two_cases();
    let run = run_of(&desk, "restore");
    desk.run(&["runs", "tag", &run, "best", "paper"]).fine();
    desk.run(&["runs", "untag", &run, "best"]).fine();
    desk.run(&["runs", "note", &run, "the one of table 7"]).fine();
    let listed = json(
        &desk
            .run(&["runs", "ls", "--tag", "paper", "--format", "json"])
            .fine()
            .stdout,
    );
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(
        (&listed[0]["tags"], &listed[0]["note"]),
        (&"paper".into(), &"the one of table 7".into())
    );
    let shown = desk.run(&["runs", "show", &run]).fine().stdout;
    assert!(
        shown.contains("paper") && shown.contains("the one of table 7"),
        "{shown}"
    );
    assert_eq!(desk.run(&["runs", "note", &run]).fine().stdout, "the one of table 7\n");
    desk.run(&["runs", "note", &run, ""]).fine();
    assert_eq!(desk.run(&["runs", "note", &run]).fine().stdout, "");
    desk.run(&["runs", "ls", "--tag", "papre"])
        .fails(4, &["did you mean 'paper'?"]);
    desk.run(&["runs", "untag", &run, "papre"])
        .fails(4, &["did you mean 'paper'?"]);
    desk.run(&["runs", "tag", &run, "two words"])
        .fails(2, &["cannot be a tag"]);
}

#[test]
fn the_code_the_machine_and_the_call_of_a_run_are_kept() {
    let desk = Desk::with(MINI);
    let mut command = desk.command(&["run", "mini"]);
    let output = command
        .env("RAYON_NUM_THREADS", "1")
        .env("PERCEIVE_SIMD", "portable")
        .output()
        .unwrap();
    assert!(output.status.success());
    let run = run_of(&desk, "restore");
    let shown = json(&desk.run(&["runs", "show", &run, "--format", "json"]).fine().stdout);
    let (code, origin) = (&shown["code"], &shown["origin"]);
    assert!(code["rustc"].as_str().unwrap().starts_with("rustc 1."), "{code}");
    assert_eq!(code["version"], shown["version"]);
    assert_eq!(
        (&origin["threads"], code["lock"].as_str().unwrap().len()),
        (&1.into(), 64)
    );
    assert_eq!(
        origin["environment"],
        r#"{"PERCEIVE_SIMD":"portable","RAYON_NUM_THREADS":"1"}"#
    );
    assert!(shown["command"].as_str().unwrap().ends_with("run mini"), "{shown}");
    assert_eq!(desk.ask("SELECT count(*) || '' FROM codes"), ["1"]);

    // As if the program had been built from a changed tree.
    desk.with_database(async |db| {
        sqlx::query("UPDATE codes SET diff = 'the patch', dirty = 1")
            .execute(db)
            .await
    });
    assert_eq!(desk.run(&["runs", "diff", &run]).fine().stdout, "the patch");
}

#[test]
fn a_case_is_taken_where_a_run_is_and_an_experiment_names_its_cases() {
    let desk = two_cases();
    let newest = "SELECT id FROM named_runs WHERE experiment = 'other' AND stage = 'restore' ORDER BY id DESC LIMIT 1";
    let run = desk.ask(newest).remove(0);
    let of = |arguments: &[&str]| desk.run(arguments).fine().stdout;
    let shown = json(&of(&["runs", "show", "other/base", "--format", "json"]));
    assert_eq!(shown["id"], run.as_str());
    assert_eq!(of(&["metrics", "ls", "other/base"]), of(&["metrics", "ls", &run]));
    assert_eq!(
        of(&["metrics", "show", "other/base", "loss"]),
        of(&["metrics", "show", &run, "loss"])
    );
    let file = desk.arg("points.csv");
    desk.run(&["metrics", "export", "other/base", "--output", &file]).fine();
    assert!(fs::read_to_string(&file).unwrap().contains(&run));
    for command in ["show", "compare", "archive"] {
        let arguments: &[&str] = match command {
            "compare" => &["runs", "compare", "mini", "mini"],
            "archive" => &["runs", "archive", "mini", "--to", &desk.arg("mini.tar")],
            _ => &["runs", "show", "mini"],
        };
        desk.run(arguments)
            .fails(4, &["'mini' is an experiment", "experiment/case#seed", "mini/base"]);
    }
}
