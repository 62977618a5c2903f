//! `perceive-ir results`: from recorded numbers to a table, without experiments.toml and without any picture.

use std::path::PathBuf;
use std::process::{Command, Output};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tempfile::TempDir;

/// Two test sets of two pictures, evaluated by one case; a second seed whose restoring has failed.
const MIXED: &str = "
INSERT INTO experiments VALUES (1, 'mixed-small', '', 0);
INSERT INTO cases VALUES (1, 1, 'base', 1, 'small', '{\"towers\":\"stand-in\"}', 0);
INSERT INTO cases VALUES (2, 1, 'base', 2, 'small', '{\"towers\":\"stand-in\"}', 0);
INSERT INTO artefacts VALUES ('e1', 'evaluate', '', 'e1', 0, 1, '{}');
INSERT INTO case_artefacts VALUES (1, 'e1'), (2, 'r2');
INSERT INTO runs (id, case_id, stage, label, artefact_key, state, seed, device, command, version, dirty, machine,
                  queued_at, reason)
VALUES ('0199', 2, 'restore', '', 'r2', 'failed', 2, 'cpu', '', '', 0, '', 0, 'out of memory');";

/// Two losses of Table VII under two seeds, on whole artefacts; `h` was first asked for.
const TABLE7: &str = "
INSERT INTO experiments VALUES (1, 'table7', '', 0);
INSERT INTO cases VALUES
    (1, 1, 'h', 1, 'tiny', '{\"towers\":\"stand-in\",\"seed\":1,\"restore\":{\"loss\":{\"clip_aware\":0.05}}}', 0),
    (2, 1, 'h', 2, 'tiny', '{\"towers\":\"stand-in\",\"seed\":2,\"restore\":{\"loss\":{\"clip_aware\":0.05}}}', 0),
    (3, 1, 'a', 1, 'tiny', '{\"towers\":\"stand-in\",\"seed\":1,\"restore\":{\"loss\":{\"clip_aware\":0.0}}}', 0),
    (4, 1, 'a', 2, 'tiny', '{\"towers\":\"stand-in\",\"seed\":2,\"restore\":{\"loss\":{\"clip_aware\":0.0}}}', 0);
INSERT INTO artefacts SELECT 'e' || id, 'evaluate', '', 'e' || id, 0, 1, '{}' FROM cases;
INSERT INTO case_artefacts SELECT id, 'e' || id FROM cases;";

/// A plain restorer: no part of it looks through a tower.
const PLAIN: &str = "
INSERT INTO experiments VALUES (1, 'denoise-small', '', 0);
INSERT INTO cases VALUES (1, 1, 'base', 1, 'small',
    '{\"towers\":\"real\",\"restore\":{\"network\":\"restormer\",\"loss\":{\"clip_aware\":0.0,\"perceptual\":0.0}}}', 0);
INSERT INTO artefacts VALUES ('e1', 'evaluate', '', 'e1', 0, 1, '{}');
INSERT INTO case_artefacts VALUES (1, 'e1');";

struct Place {
    home: TempDir,
}

impl Place {
    /// `mixed-small` with PSNR and SSIM of each picture in three tiers.
    fn new() -> Self {
        let mut numbers = Vec::new();
        for (test, degradation, noisy) in [("CBSD68", "noise25", 20.0), ("SOTS-Outdoor", "haze", 16.0)] {
            for picture in 0..2 {
                for (tier, gain) in [("degraded", 0.0), ("medium", 5.0), ("restored", 9.25)] {
                    let psnr = noisy + gain + f64::from(picture);
                    numbers.push(Number("e1", test, degradation, picture, tier, "psnr_rgb", psnr));
                    numbers.push(Number("e1", test, degradation, picture, tier, "ssim_rgb", psnr / 40.0));
                }
            }
        }
        Self::with(MIXED, &numbers)
    }

    /// `table7`: `h` reaches 31 and 33 dB, `a` 30 dB twice.
    fn table7() -> Self {
        let psnr = [("e1", 31.0), ("e2", 33.0), ("e3", 30.0), ("e4", 30.0)];
        let number = |(artefact, psnr)| Number(artefact, "rain100l", "rain", 0, "restored", "psnr_rgb", psnr);
        Self::with(TABLE7, &psnr.map(number))
    }

    fn with(record: &str, numbers: &[Number]) -> Self {
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
            sqlx::raw_sql(AssertSqlSafe(record.to_owned()))
                .execute(&mut database)
                .await
                .unwrap();
            for number in numbers {
                number.insert(&mut database).await;
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

/// One number of one picture: artefact, test set, degradation, picture, tier, metric, value.
#[derive(Clone, Copy)]
struct Number(
    &'static str,
    &'static str,
    &'static str,
    i32,
    &'static str,
    &'static str,
    f64,
);

impl Number {
    async fn insert(&self, database: &mut SqliteConnection) {
        let Self(artefact, test, degradation, picture, tier, metric, value) = self;
        let sql = format!(
            "INSERT INTO evaluations (artefact_key, test, degradation, picture, tier, metric, value) VALUES
             ('{artefact}', '{test} {degradation}', '{degradation}', '{picture}.png', '{tier}', '{metric}', {value})"
        );
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(database).await.unwrap();
    }
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
    assert!(
        markdown.contains("Perceive-IR as printed in Table II (all-in-one, N+H+R)"),
        "{markdown}"
    );
    assert!(
        row("CBSD68").contains("| 29.75 | +9.25 | 31.53 | -1.78 |"),
        "{markdown}"
    );
    assert!(row("CBSD68").ends_with("| 0.890 | -0.146 |"), "{markdown}");
    assert!(row("SOTS-Outdoor").contains("| 30.87 | -5.12 |"), "{markdown}");
    assert!(row("**average**").contains("| **31.20** |"), "{markdown}");
}

#[test]
fn a_table_of_the_paper_is_a_pivot_with_its_rows_beside_ours() {
    let output = Place::table7().results(&["table7", "--methods", "b"]);
    let table = stdout(&output);
    let expected = "\
table7: means over the pictures of each test set, ± sample deviation over 2 seeds; restored pictures; * the best \
of its column; PSNR in dB
scale: tiny; towers: stand-in (stand-in: small seeded networks in place of CLIP, DINOv2 and VGG-16)
paper: as printed in Table VII (losses); full size and data, RGB, SSIM window not stated

case                 rain100l  paper  difference
                         rain   psnr    psnr_rgb
                     psnr_rgb
─────────────────────────────────────────────────
a               30.00 ± 0.00   37.30       -7.30
h               32.00 ± 1.41*  37.76       -5.76
L_clip (paper)             -   37.51           -
";
    assert_eq!(table, expected, "\n{table}");
    assert!(stderr(&output).is_empty(), "{}", stderr(&output));
    let without = stdout(&Place::table7().results(&["table7", "--no-paper"]));
    assert!(!without.contains("paper"), "{without}");
}

#[test]
fn rows_are_kept_sorted_and_written_as_asked() {
    let place = Place::table7();
    let csv = |arguments: &[&str]| {
        let arguments = [&["table7", "--format", "csv", "--no-paper"], arguments].concat();
        stdout(&place.results(&arguments))
    };
    assert_eq!(
        csv(&["--where", "restore.loss.clip_aware > 0.01"]),
        "case,scale,towers,test,degradation,pictures,seeds,psnr_rgb_restored,psnr_rgb_restored_std,\
         restore.loss.clip_aware\nh,tiny,stand-in,rain100l,rain,1,2,32.0,1.4142135623730951,0.05\n"
    );
    let first = |csv: String| csv.lines().nth(1).unwrap()[..1].to_owned();
    assert_eq!(first(csv(&["--sort", "psnr_rgb,desc"])), "h");
    assert_eq!(first(csv(&["--sort", "psnr_rgb"])), "a");
    assert_eq!(csv(&["--case", "a"]).lines().count(), 2);
    assert_eq!(
        csv(&["--per", "picture"]).lines().nth(1).unwrap(),
        "a,tiny,stand-in,rain100l,rain,0.png,2,30.0,0.0,0.0"
    );

    let file = place.home.path().join("table7.parquet");
    let output = place.results(&["table7", "--output", "table7.parquet"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(output.stdout.is_empty());
    assert!(std::fs::read(file).unwrap().starts_with(b"PAR1"));
}

#[test]
fn columns_of_the_table_come_before_settings_of_the_same_name() {
    let number = |artefact, test, psnr| Number(artefact, test, "rain", 0, "restored", "psnr_rgb", psnr);
    let record = TABLE7.replace("\"towers\":", "\"scale\":\"tiny\",\"test\":[\"x\"],\"towers\":");
    let numbers = ["e1", "e3"].map(|key| [number(key, "kodak24", 30.0), number(key, "rain100l", 31.0)]);
    let place = Place::with(&record, &numbers.concat());
    let tests = |arguments: &[&str]| -> Vec<String> {
        let output = place.results(&[&["table7", "--no-paper", "--format", "csv"], arguments].concat());
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", stderr(&output));
        let csv = stdout(&output);
        assert!(csv.starts_with("case,scale,towers,test,"), "{csv}");
        let test = |line: &str| line.split(',').nth(3).unwrap().to_owned();
        csv.lines().skip(1).map(test).collect()
    };
    assert_eq!(tests(&["--where", "test = kodak24"]), ["kodak24"; 2]);
    assert_eq!(tests(&["--where", "scale = tiny and towers = stand-in"]).len(), 6);
    assert_eq!(tests(&["--sort", "test,desc"])[..2], ["rain100l"; 2]);
    for shown in [&["--long"][..], &["--case", "a"], &[]] {
        for by in ["test,desc", "scale", "towers"] {
            let output = place.results(&[&["table7", "--sort", by], shown].concat());
            assert_eq!(output.status.code(), Some(0), "{by} {shown:?}: {}", stderr(&output));
        }
    }
}

#[test]
fn what_cannot_be_asked_is_told() {
    let place = Place::table7();
    for (arguments, code, said) in [
        (&["--format", "parquet"][..], 2, "--output table7.parquet"),
        (&["--where", "clip_aware"], 2, "NAME = VALUE"),
        (
            &["--where", "restore.los.clip_aware = 1"],
            4,
            "'restore.loss.clip_aware'",
        ),
        (&["--where", "psnr_rgb > high"], 2, "it is a number"),
        (&["--sort", "psnr_rbg"], 4, "'psnr_rgb"),
        (&["--case", "i"], 4, "case of table7"),
        (&["--methods", "z"], 4, "row of Table VII"),
        (&["--per", "picture", "--paper"], 2, "single pictures"),
        (&["--format", "json", "--output", "table7.csv"], 2, "contradict"),
        (&["--output", "no/folder/table.csv"], 8, "no/folder is no folder"),
    ] {
        let output = place.results(&[&["table7"], arguments].concat());
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(said), "{arguments:?}: {}", stderr(&output));
    }
}

#[test]
fn cases_that_were_not_run_alike_are_told_by_the_settings_that_no_grid_varies() {
    let entry = "'table7', '[[cases]]\nname = \"a\"\nrestore.loss.clip_aware = 0.0'";
    let record = TABLE7.replace("'table7', ''", entry);
    let number = |artefact| Number(artefact, "rain100l", "rain", 0, "restored", "psnr_rgb", 30.0);
    let numbers = ["e1", "e2", "e3", "e4"].map(number);
    let alike = Place::with(&record, &numbers).results(&["table7"]);
    assert!(stderr(&alike).is_empty(), "{}", stderr(&alike));
    let mixed = record.replace(
        "\"clip_aware\":0.05}",
        "\"clip_aware\":0.05},\"training\":{\"steps\":40}",
    );
    let mixed = Place::with(&mixed, &numbers).results(&["table7"]);
    assert_eq!(mixed.status.code(), Some(0));
    let talk = stderr(&mixed);
    assert!(
        talk.contains("restore.training.steps") && !talk.contains("clip_aware"),
        "{talk}"
    );
}

#[test]
fn what_uses_no_tower_does_not_name_one() {
    let place = Place::with(
        PLAIN,
        &[Number("e1", "cbsd68", "noise25", 0, "restored", "psnr_rgb", 30.0)],
    );
    let table = stdout(&place.results(&["denoise-small"]));
    assert!(table.contains("towers: none") && !table.contains("real"), "{table}");
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
