//! The record from outside: `metrics`, `doctor --check` and `doctor --repair` on a home that a miniature run has filled.

mod support;

use polars::prelude::{ChunkAgg, JsonReader, ParquetReader, SerReader};
use std::fs;

use support::Desk;
use support::mini::LONG;

const RUN: [&str; 4] = ["run", "long", "--set", "restore.training.steps=3"];

fn trained() -> Desk {
    let desk = Desk::with(LONG);
    desk.run(&RUN).fine();
    desk
}

fn training(desk: &Desk) -> String {
    desk.ask("SELECT id FROM runs WHERE stage = 'restore'").remove(0)
}

#[test]
fn every_point_of_every_metric_is_exported_in_every_format() {
    let desk = trained();
    let points: usize = desk.ask("SELECT CAST(count(*) AS TEXT) FROM metrics")[0]
        .parse()
        .unwrap();
    assert!(points >= 3);
    for name in ["all.parquet", "all.csv", "all.json"] {
        let told = desk.run(&["metrics", "export", "-o", &desk.arg(name)]).fine();
        assert!(told.stderr.contains(&format!("{points} rows")), "{}", told.stderr);
        assert!(!desk.path(&format!("{name}.part")).exists());
    }
    let parquet = ParquetReader::new(fs::File::open(desk.path("all.parquet")).unwrap())
        .finish()
        .unwrap();
    let json = JsonReader::new(fs::File::open(desk.path("all.json")).unwrap())
        .finish()
        .unwrap();
    let csv = fs::read_to_string(desk.path("all.csv")).unwrap();
    let columns = ["run", "experiment", "case", "seed", "stage", "metric", "step", "value"];
    assert_eq!(parquet.get_column_names(), columns);
    assert_eq!(json.get_column_names(), columns);
    assert_eq!(csv.lines().next(), Some(columns.join(",").as_str()));
    assert_eq!(
        (parquet.height(), json.height(), csv.lines().count()),
        (points, points, points + 1)
    );
    let stored = desk.ask("SELECT printf('%!.17g', sum(value)) FROM metrics")[0]
        .parse::<f64>()
        .unwrap();
    for frame in [&parquet, &json] {
        let sum = frame.column("value").unwrap().f64().unwrap().sum().unwrap();
        assert!((sum - stored).abs() <= stored.abs() * 1e-12, "{sum} is not {stored}");
    }
}

#[test]
fn one_run_and_one_experiment_are_chosen_by_name_and_nothing_else_by_any() {
    let desk = trained();
    let run = training(&desk);
    let of_run: usize = desk.ask(&format!(
        "SELECT CAST(count(*) AS TEXT) FROM metrics WHERE run_id = '{run}'"
    ))[0]
        .parse()
        .unwrap();
    let out = desk.arg("one.csv");
    desk.run(&["metrics", "export", &run, "-o", &out]).fine();
    assert_eq!(fs::read_to_string(&out).unwrap().lines().count(), of_run + 1);
    desk.run(&["metrics", "export", "long", &run, "-o", &out]).fine();
    assert!(
        fs::read_to_string(&out)
            .unwrap()
            .lines()
            .skip(1)
            .all(|line| line.contains(",long,"))
    );
    desk.run(&["metrics", "export", "lang", "-o", &out])
        .fails(4, &["'lang'", "did you mean 'long'?"]);
    desk.run(&["metrics", "export", "-o", &desk.arg("out.txt")])
        .fails(2, &["out.txt", "FILE.parquet"]);
    desk.run(&["metrics", "export", "-o", &desk.arg("no/such/folder.csv")])
        .fails(1, &["folder.csv", "No such file"]);
    desk.run(&["metrics", "export", "--dry-run", "-o", &desk.arg("dry.csv")])
        .fine();
    assert!(!desk.path("dry.csv").exists());
}

#[test]
fn a_metric_is_listed_and_shown_step_by_step() {
    let desk = trained();
    let run = training(&desk);
    let listed = desk.run(&["metrics", "ls", &run, "--format", "csv"]).fine().stdout;
    assert!(
        listed.starts_with("metric,points,last step,last,smallest,largest\n"),
        "{listed}"
    );
    assert!(listed.contains("\nloss,3,"), "{listed}");
    let shown = desk
        .run(&["metrics", "show", &run, "loss", "--format", "csv"])
        .fine()
        .stdout;
    assert_eq!(shown.lines().count(), 4, "{shown}");
    desk.run(&["metrics", "show", &run, "los"])
        .fails(4, &["did you mean 'loss'?"]);
    desk.run(&["metrics", "show", "ffff", "loss"])
        .fails(4, &["there is no run 'ffff'"]);
}

#[test]
fn a_home_as_the_program_left_it_has_nothing_to_repair_and_damage_is_found() {
    let desk = trained();
    let checked = desk.run(&["doctor", "--check", "--format", "csv"]).fine().stdout;
    assert!(checked.lines().skip(1).all(|line| line.contains(",ok,")), "{checked}");
    let told = desk.run(&["doctor", "--repair"]).fine();
    assert!(told.stderr.contains("nothing to repair") && told.stdout.is_empty());

    let [model] = desk.artefacts("restore").try_into().unwrap();
    let mut bytes = fs::read(model.join("model.safetensors")).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(model.join("model.safetensors"), bytes).unwrap();
    desk.run(&["doctor", "--check"])
        .fails(7, &["1 problem stands in the way", "rm -r"]);
    fs::remove_dir_all(&model).unwrap();
    desk.run(&RUN).fine();
    desk.run(&["doctor", "--check"]).fine();
}

#[test]
fn a_lost_database_is_made_again_from_artefacts_and_journals() {
    let desk = trained();
    let numbers = "SELECT artefact_key || test || picture || tier || metric || value FROM evaluations ORDER BY 1";
    let courses = "SELECT run_id || name || step || value FROM metrics ORDER BY 1";
    let runs = "SELECT id || stage || label || artefact_key || state FROM runs ORDER BY 1";
    let artefacts = "SELECT key || stage || label || settings FROM artefacts ORDER BY 1";
    let all = |desk: &Desk| [numbers, courses, runs, artefacts].map(|sql| desk.ask(sql));
    let before = all(&desk);
    for file in ["perceive.sqlite", "perceive.sqlite-wal", "perceive.sqlite-shm"] {
        let _ = fs::remove_file(desk.home().join(file));
    }
    let would = desk.run(&["doctor", "--repair", "--dry-run"]).fine().stdout;
    assert!(would.contains("would have recorded"), "{would}");
    desk.run(&["doctor", "--repair"]).fine();
    assert_eq!(all(&desk), before);
    // The experiment finds them again without doing anything anew.
    desk.run(&RUN).fine();
    assert_eq!(all(&desk), before);
    desk.run(&["doctor", "--check"]).fine();
}
