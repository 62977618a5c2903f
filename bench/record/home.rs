//! A made-up home: experiments, cases and runs as rows, and what the runs told as journals that nobody has imported yet.

use std::error::Error;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use uuid::Uuid;

use super::program;

/// What a training tells at each step that it tells of.
pub const METRICS: [&str; 5] = ["loss", "clip_aware", "contrastive", "psnr", "rate"];

/// The stages of a case that train, one run each; the evaluation makes a fifth run.
const TRAININGS: [&str; 4] = ["medium", "medium", "prompts", "restore"];

const TESTS: [(&str, &str); 5] = [
    ("CBSD68 noise15", "noise15"),
    ("CBSD68 noise25", "noise25"),
    ("CBSD68 noise50", "noise50"),
    ("SOTS-Outdoor haze", "haze"),
    ("Rain100L rain", "rain"),
];

/// How large the home is.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub experiments: usize,
    /// Cases of an experiment, repetitions included.
    pub cases: usize,
    /// Metric rows of all runs together.
    pub rows: usize,
    /// Pictures of each of the five test sets.
    pub pictures: usize,
}

/// What was made.
#[derive(Clone, Debug, Default)]
pub struct Made {
    pub runs: usize,
    pub metrics: usize,
    pub evaluations: usize,
    pub journal_bytes: u64,
    /// Writing the journals, each line in one write as workers do.
    pub writing: Duration,
}

/// Fills the empty folder `home`.
pub fn make(home: &Path, size: Size) -> Result<Made, Box<dyn Error>> {
    // The program itself makes the database.
    program::run(home, &["doctor", "--repair"])?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let cases = runtime.block_on(rows(home, size))?;

    fs::create_dir_all(home.join("journals"))?;
    let trainings = cases.len() * TRAININGS.len();
    let steps = size.rows / trainings / METRICS.len();
    let mut made = Made::default();
    for case in &cases {
        for (number, (run, artefact)) in case.iter().enumerate() {
            // A whole artefact has a folder.
            fs::create_dir_all(home.join("artefacts").join(artefact))?;
            let lines = match TRAININGS.get(number) {
                Some(_) => training(made.runs, steps),
                None => evaluation(made.runs, size.pictures),
            };
            let began = Instant::now();
            let mut journal = File::create(home.join("journals").join(format!("{run}.jsonl")))?;
            for line in &lines {
                journal.write_all(line.as_bytes())?;
            }
            made.writing += began.elapsed();
            made.journal_bytes += lines.iter().map(|line| line.len() as u64).sum::<u64>();
            made.runs += 1;
        }
    }
    made.metrics = trainings * steps * METRICS.len();
    made.evaluations = cases.len() * TESTS.len() * size.pictures * 4;
    Ok(made)
}

/// Runs and artefacts of one case.
type Case = Vec<(String, String)>;

async fn rows(home: &Path, size: Size) -> Result<Vec<Case>, sqlx::Error> {
    const CASE: &str = "
        INSERT INTO cases (experiment_id, name, seed, scale, settings, seen_at) VALUES (?, ?, ?, 'tiny', ?, 0)
        RETURNING id";
    let file = SqliteConnectOptions::new().filename(home.join("perceive.sqlite"));
    let mut db = file.connect().await?;
    sqlx::query("BEGIN").execute(&mut db).await?;
    let mut cases = Vec::new();
    for experiment in 1..=size.experiments as i64 {
        let name = format!("sweep{experiment}");
        let insert = "INSERT INTO experiments (id, name, toml, first_seen) VALUES (?, ?, '', 0)";
        sqlx::query(insert).bind(experiment).bind(name).execute(&mut db).await?;
        for number in 0..size.cases as i64 {
            let settings = format!(r#"{{"towers":"stand-in","lambda2":{}}}"#, number / 2);
            let case = sqlx::query_scalar(CASE)
                .bind(experiment)
                .bind(format!("lambda {}", number / 2));
            let case: i64 = case.bind(number % 2).bind(settings).fetch_one(&mut db).await?;
            let mut runs = Vec::new();
            for (stage, label) in TRAININGS.into_iter().chain(["evaluate"]).zip(["A", "B", "", "", ""]) {
                runs.push(run(&mut db, case, stage, label).await?);
            }
            cases.push(runs);
        }
    }
    sqlx::query("COMMIT").execute(&mut db).await?;
    db.close().await?;
    Ok(cases)
}

async fn run(db: &mut SqliteConnection, case: i64, stage: &str, label: &str) -> Result<(String, String), sqlx::Error> {
    const RUN: &str = "
        INSERT INTO runs (id, case_id, stage, label, artefact_key, state, seed, device, command, version, dirty, machine,
                          queued_at, started_at, ended_at, exit_code)
        VALUES (?, ?, ?, ?, ?, 'done', 1, 'cpu', 'perceive-ir run sweep1', '0.1.0', 0, 'here', 0, 0, 60000, 0)";
    const ARTEFACT: &str = "
        INSERT INTO artefacts (key, stage, label, path, created_at, bytes, settings) VALUES (?1, ?2, ?3, ?1, 0, 1, '{}')";
    const USED: &str = "INSERT INTO case_artefacts (case_id, artefact_key) VALUES (?, ?)";
    let (id, key) = (Uuid::now_v7().to_string(), Uuid::now_v7().simple().to_string());
    let insert = sqlx::query(RUN).bind(&id).bind(case).bind(stage).bind(label).bind(&key);
    insert.execute(&mut *db).await?;
    sqlx::query(ARTEFACT)
        .bind(&key)
        .bind(stage)
        .bind(label)
        .execute(&mut *db)
        .await?;
    sqlx::query(USED).bind(case).bind(&key).execute(db).await?;
    Ok((id, key))
}

/// The journal of a training, line by line.
fn training(run: usize, steps: usize) -> Vec<String> {
    let mut lines = Lines::default();
    lines.push(&format!(r#""event":"started","step":0,"of":{steps},"unit":"steps""#));
    for step in 0..steps {
        for (place, name) in METRICS.iter().enumerate() {
            let value = ((run * 31 + place * 7 + 1) as f64 * 0.618).sin() / (1.0 + step as f64 * 0.01);
            lines.push(&format!(
                r#""event":"metric","name":"{name}","step":{step},"value":{value}"#
            ));
        }
        if step % 500 == 499 {
            lines.push(&format!(r#""event":"saved","step":{step}"#));
        }
    }
    lines.push(r#""event":"done""#);
    lines.texts
}

/// The journal of an evaluation, line by line.
fn evaluation(run: usize, pictures: usize) -> Vec<String> {
    let mut lines = Lines::default();
    for (test, degradation) in TESTS {
        for picture in 0..pictures {
            for (tier, base) in [("degraded", 20.0), ("restored", 30.0)] {
                for (metric, scale) in [("psnr_rgb", 1.0), ("ssim_rgb", 0.02)] {
                    let value = (base + ((run * 13 + picture) as f64).sin()) * scale;
                    lines.push(&format!(
                        r#""event":"evaluation","test":"{test}","degradation":"{degradation}","picture":"{picture:04}.png","tier":"{tier}","metric":"{metric}","value":{value}"#
                    ));
                }
            }
        }
    }
    lines.push(r#""event":"done""#);
    lines.texts
}

#[derive(Default)]
struct Lines {
    texts: Vec<String>,
}

impl Lines {
    fn push(&mut self, event: &str) {
        let seq = self.texts.len() + 1;
        self.texts
            .push(format!("{{\"seq\":{seq},\"at\":1700000000000,{event}}}\n"));
    }
}
