//! `perceive-ir results`: from recorded numbers to a table, without experiments.toml and without any picture.

use std::path::PathBuf;
use std::process::{Command, Output};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tempfile::TempDir;

/// Two test sets of two pictures, evaluated by one case; a second seed whose restoring has failed.
const RECORD: &str = "
INSERT INTO experiments VALUES (1, 'mixed-small', '', 0);
INSERT INTO cases VALUES (1, 1, 'base', 1, 'small', '{\"towers\":\"stand-in\"}', 0);
INSERT INTO cases VALUES (2, 1, 'base', 2, 'small', '{\"towers\":\"stand-in\"}', 0);
INSERT INTO artefacts VALUES ('e1', 'evaluate', '', 'e1', 0, 1, '{}');
INSERT INTO case_artefacts VALUES (1, 'e1'), (2, 'r2');
INSERT INTO runs (id, case_id, stage, label, artefact_key, state, seed, device, command, version, dirty, machine,
                  queued_at, reason)
VALUES ('0199', 2, 'restore', '', 'r2', 'failed', 2, 'cpu', '', '', 0, '', 0, 'out of memory');";

struct Place {
    home: TempDir,
}

impl Place {
    /// A home with [`RECORD`] in it.
    fn new() -> Self {
        let place = Self {
            home: tempfile::tempdir().unwrap(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let options = SqliteConnectOptions::new()
                .filename(place.database())
                .create_if_missing(true);
            let mut database = options.connect().await.unwrap();
            sqlx::migrate!("../migrations").run(&mut database).await.unwrap();
            sqlx::raw_sql(RECORD).execute(&mut database).await.unwrap();
            for (test, degradation, noisy) in [("CBSD68", "noise25", 20.0), ("SOTS-Outdoor", "haze", 16.0)] {
                for picture in 0..2 {
                    for (tier, gain) in [("degraded", 0.0), ("medium", 5.0), ("restored", 9.25)] {
                        let psnr = noisy + gain + f64::from(picture);
                        evaluate(&mut database, test, degradation, picture, tier, "psnr_rgb", psnr).await;
                        evaluate(&mut database, test, degradation, picture, tier, "ssim_rgb", psnr / 40.0).await;
                    }
                }
            }
            database.close().await.unwrap();
        });
        place
    }

    fn database(&self) -> PathBuf {
        self.home.path().join("perceive.sqlite")
    }

    /// Runs where there is no experiments.toml.
    fn results(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_perceive-ir"));
        command.current_dir(self.home.path()).env_remove("PERCEIVE_HOME");
        command
            .args(["--home", ".", "results"])
            .args(arguments)
            .output()
            .unwrap()
    }
}

async fn evaluate(
    database: &mut SqliteConnection,
    test: &str,
    degradation: &str,
    picture: i32,
    tier: &str,
    metric: &str,
    value: f64,
) {
    let sql = format!(
        "INSERT INTO evaluations (artefact_key, test, degradation, picture, tier, metric, value)
         VALUES ('e1', '{test} {degradation}', '{degradation}', '{picture}.png', '{tier}', '{metric}', {value})"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(database).await.unwrap();
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn people_get_a_captioned_table_and_hear_what_is_missing() {
    let output = Place::new().results(&["mixed-small"]);
    let (table, talk) = (stdout(&output), stderr(&output));
    assert_eq!(output.status.code(), Some(0), "{talk}");
    for said in [
        "stand-in",
        "scale: small",
        "psnr_rgb",
        "restored",
        "29.75",
        "+9.25",
        "0.743",
        "average",
    ] {
        assert!(table.contains(said), "'{said}' is not in: {table}");
    }
    assert!(
        table.find("CBSD68").unwrap() < table.find("SOTS-Outdoor").unwrap(),
        "{table}"
    );
    for said in [
        "seed 2",
        "restore is failed (out of memory)",
        "perceive-ir run mixed-small",
    ] {
        assert!(talk.contains(said), "'{said}' is not in: {talk}");
    }
}

#[test]
fn programs_get_the_table_alone_with_the_stand_ins_named() {
    let place = Place::new();
    let csv = stdout(&place.results(&["mixed-small", "--format", "csv", "--metric", "psnr_rgb"]));
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 1 + 2 + 1, "{csv}");
    assert!(lines[0].starts_with("case,scale,towers,test,"), "{csv}");
    assert!(!csv.contains("ssim"), "{csv}");
    assert!(
        lines[1].starts_with("base,small,stand-in,CBSD68,noise25,2,1,20.5,"),
        "{csv}"
    );

    let json = stdout(&place.results(&["mixed-small", "--format", "json"]));
    let rows: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(rows[2]["test"], "average");
    assert_eq!(rows[2]["psnr_rgb_restored"], 27.75);
}

#[test]
fn the_papers_numbers_stand_beside_ours_where_they_coincide() {
    let markdown = stdout(&Place::new().results(&["mixed-small", "--paper", "--format", "markdown"]));
    let row = |test: &str| markdown.lines().find(|line| line.contains(test)).unwrap().to_owned();
    assert!(markdown.contains("table II (all-in-one, N+H+R)"), "{markdown}");
    assert!(row("CBSD68").contains("| II | 31.53 | 0.890 |"), "{markdown}");
    assert!(row("SOTS-Outdoor").contains("| II | 30.87 | 0.975 |"), "{markdown}");
}

#[test]
fn unknown_experiments_and_metrics_are_told_the_nearest() {
    let place = Place::new();
    let output = place.results(&["mixed-smal"]);
    assert_eq!(output.status.code(), Some(4));
    assert!(stderr(&output).contains("'mixed-small'"));
    let output = place.results(&["mixed-small", "--metric", "psnr_rgb,ssim_rbg"]);
    assert_eq!(output.status.code(), Some(4));
    assert!(stderr(&output).contains("'ssim_rgb'"));
}

#[test]
fn a_home_without_a_record_says_how_to_begin() {
    let place = Place {
        home: tempfile::tempdir().unwrap(),
    };
    let output = place.results(&["quickstart"]);
    assert_eq!(output.status.code(), Some(7));
    assert!(stderr(&output).contains("perceive-ir run quickstart"));
    assert!(!place.database().exists());
}
