//! `perceive-ir runs` from outside, and what every command says of a database that it cannot use.

mod support;

use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};
use support::Desk;

const FAILED: &str = "01980000-0000-7000-8000-00000000000a";
const DONE: &str = "01980000-0001-7000-8000-00000000000b";

/// A home with two runs of `quickstart`: one failed, one done.
fn recorded() -> Desk {
    let desk = Desk::new();
    desk.plant_pairs("test/Rain100L", 1);
    desk.run(&["data", "add", &desk.arg("test")]).fine();
    with_database(&desk, async |db| {
        let columns =
            "id, case_id, stage, label, artefact_key, state, seed, device, command, version, code_commit, dirty,
                       machine, queued_at, started_at, ended_at, exit_code, reason";
        for sql in [
            "INSERT INTO experiments VALUES (1, 'quickstart', '', 0)".to_string(),
            "INSERT INTO cases VALUES (1, 1, 'base', 7, 'tiny', '{}', 0)".to_string(),
            "INSERT INTO settings VALUES (1, 'restore.lambda2', '0.1')".to_string(),
            "INSERT INTO artefacts VALUES ('cafe', 'restore', 'base', 'cafe', 0, 4, '{}')".to_string(),
            "INSERT INTO case_artefacts VALUES (1, 'cafe')".to_string(),
            format!(
                "INSERT INTO runs ({columns}) VALUES
                 ('{FAILED}', 1, 'restore', 'base', 'cafe', 'failed', 7, 'cpu', 'perceive-ir run quickstart', '0.1.0', 'a70cb46', 1,
                  'here', 1000, 2000, 5000, 9, 'the loss became NaN'),
                 ('{DONE}', 1, 'restore', 'base', 'cafe', 'done', 7, 'cpu', 'perceive-ir run quickstart', '0.1.0', 'a70cb46', 0,
                  'here', 6000, 7000, 124000, 0, NULL)"
            ),
            format!("INSERT INTO series VALUES (1, '{DONE}', 'loss')"),
            "INSERT INTO points VALUES (1, 10, 0.5), (1, 20, 0.25)".to_string(),
            format!("INSERT INTO events VALUES ('{DONE}', 1, 7000, 'started', '20 steps')"),
        ] {
            sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *db).await?;
        }
        Ok(())
    });
    std::fs::create_dir_all(desk.path("home/artefacts/cafe")).unwrap();
    std::fs::write(desk.path("home/artefacts/cafe/model.safetensors"), "text").unwrap();
    desk
}

/// Does something to the home's database as another program would.
fn with_database<T>(desk: &Desk, work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, sqlx::Error>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(desk.path("home/perceive.sqlite"));
        let mut connection = options.connect().await.unwrap();
        let done = work(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        done
    })
}

#[test]
fn runs_are_listed_newest_first_and_filtered() {
    let desk = recorded();
    let listed: Value = serde_json::from_str(&desk.run(&["runs", "ls", "--format", "json"]).fine().stdout).unwrap();
    let states: Vec<&str> = listed
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|run| run["state"].as_str())
        .collect();
    assert_eq!(states, ["done", "failed"]);
    assert_eq!(listed[0]["took"], 117.0);
    assert!(listed[0]["seed"].is_u64(), "{listed:#}");
    // The ids are those of every other file and query; only people see their beginnings.
    let ids = desk.run(&[
        "runs",
        "query",
        "SELECT id FROM runs ORDER BY id DESC",
        "--format",
        "json",
    ]);
    let ids: Value = serde_json::from_str(&ids.fine().stdout).unwrap();
    assert_eq!([&listed[0]["run"], &listed[1]["run"]], [&ids[0]["id"], &ids[1]["id"]]);
    let table = desk.run(&["runs", "ls", "--state", "failed"]).fine().stdout;
    assert!(
        table.contains("the loss became NaN") && !table.contains("done"),
        "{table}"
    );
    let limited = desk.run(&["runs", "ls", "--limit", "1", "--format", "csv"]).fine();
    assert_eq!(limited.stdout.lines().count(), 2);
    assert!(limited.stderr.contains("--limit"), "{}", limited.stderr);
    let none = desk.run(&["runs", "ls", "--state", "queued"]).fine();
    assert_eq!(none.stderr, "none\n");
    desk.run(&["runs", "ls", "--experiment", "quickstrat"])
        .fails(4, &["did you mean 'quickstart'?"]);
    desk.run(&["runs", "ls", "--state", "sleeping"])
        .fails(2, &["sleeping", "queued"]);
}

#[test]
fn one_run_is_shown_with_settings_code_metrics_and_events() {
    let desk = recorded();
    let shown = desk.run(&["runs", "show", "01980000-0001"]).fine().stdout;
    for words in [
        "restore.lambda2",
        "0.1",
        "a70cb46",
        "perceive-ir run quickstart",
        "loss",
        "0.2500",
        "20 steps",
        "1m 57s",
    ] {
        assert!(shown.contains(words), "no '{words}' in: {shown}");
    }
    let facts: Value =
        serde_json::from_str(&desk.run(&["runs", "show", DONE, "--format", "json"]).fine().stdout).unwrap();
    assert_eq!(
        (&facts["seed"], &facts["settings"]["restore.lambda2"]),
        (&7.into(), &"0.1".into())
    );
    let points = desk.run(&["runs", "show", DONE, "--format", "csv"]).fine().stdout;
    assert_eq!(points, "metric,step,value\nloss,10,0.5\nloss,20,0.25\n");
    desk.run(&["runs", "show", "0198"])
        .fails(4, &["'0198' is the beginning of 2 runs", FAILED, DONE]);
    desk.run(&["runs", "show", "ffff"])
        .fails(4, &["there is no run 'ffff'", "runs ls"]);
}

#[test]
fn removing_says_what_it_does_and_spares_what_is_used() {
    let desk = recorded();
    let dry = desk.run(&["runs", "rm", "--dry-run", DONE]).fine().stdout;
    assert!(
        dry.contains(&format!("would remove run {DONE}")) && dry.contains("would remove artefact cafe"),
        "{dry}"
    );
    let failed = desk.run(&["runs", "rm", FAILED]).fine().stdout;
    assert!(failed.contains("kept artefact cafe"), "{failed}");
    assert!(desk.path("home/artefacts/cafe").exists());
    desk.run(&["runs", "rm", DONE]).fine();
    assert!(!desk.path("home/artefacts/cafe").exists());
    let left = desk.run(&["runs", "ls", "--format", "json"]).fine().stdout;
    assert_eq!(left, "[]\n");
}

#[test]
fn before_anything_ran_there_is_an_empty_list() {
    let desk = Desk::new();
    assert_eq!(desk.run(&["runs", "ls", "--format", "json"]).fine().stdout, "[]\n");
    desk.run(&["runs", "show", "0198"])
        .fails(7, &["nothing has been recorded yet"]);
    assert!(!desk.home().exists());
}

#[test]
fn a_database_of_a_newer_version_is_refused_by_every_command() {
    let desk = recorded();
    with_database(&desk, async |db| {
        let newer = "INSERT INTO _sqlx_migrations VALUES (9000, 'of tomorrow', CURRENT_TIMESTAMP, TRUE, x'00', 0)";
        sqlx::query(newer).execute(db).await
    });
    let add = ["data", "add", &desk.arg("test")];
    for command in [
        &["runs", "ls"][..],
        &["runs", "show", DONE],
        &["data", "ls"],
        &["data", "verify"],
        &add,
    ] {
        desk.run(command)
            .fails(7, &["perceive.sqlite", "newer perceive-ir (schema 9000", "hint:"]);
    }
}

#[test]
fn a_damaged_database_is_refused_with_what_to_do() {
    let desk = recorded();
    for file in ["perceive.sqlite-wal", "perceive.sqlite-shm"] {
        let _ = std::fs::remove_file(desk.home().join(file));
    }
    std::fs::write(
        desk.path("home/perceive.sqlite"),
        "this was never a database".repeat(100),
    )
    .unwrap();
    desk.run(&["runs", "ls"])
        .fails(7, &["perceive.sqlite is damaged", ".recover"]);
}

#[test]
fn a_database_locked_by_another_program_is_named_and_reading_goes_on() {
    let desk = recorded();
    with_database(&desk, async |db| {
        let transaction = db.begin_with("BEGIN EXCLUSIVE").await?;
        desk.run(&["data", "ls"]).fine();
        desk.run(&["data", "add", &desk.arg("test")])
            .fails(7, &["perceive.sqlite", "locked by another program", "hint:"]);
        transaction.rollback().await
    });
    desk.run(&["data", "add", &desk.arg("test")]).fine();
}

#[test]
fn removing_while_another_process_works_in_the_home_is_refused() {
    let desk = recorded();
    let lock = std::fs::File::create(desk.path("home/lock")).unwrap();
    lock.lock().unwrap();
    std::fs::write(desk.path("home/lock"), "4711").unwrap();
    desk.run(&["runs", "rm", DONE])
        .fails(7, &["process 4711 is at work", "lock"]);
    drop(lock);
    desk.run(&["runs", "rm", DONE]).fine();
}
