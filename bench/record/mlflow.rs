//! The same metrics logged to and read back from MLflow with SQLite, alternately with ours, on the same machine.

use std::error::Error;
use std::path::Path;
use std::process::Command;

use super::home::{self, Size};
use super::program::run;

/// More would only take longer: both sides work run by run.
pub const MOST_ROWS: usize = 100_000;

/// Seconds of one round.
#[derive(Clone, Debug, Default)]
struct Round {
    log: f64,
    read: f64,
}

pub fn compare(python: &Path, rows: usize, times: usize) -> Result<(), Box<dyn Error>> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let mut version = String::new();
    for number in 1..=times.max(5) {
        let folder = tempfile::tempdir()?;
        let size = Size {
            experiments: 1,
            cases: 5,
            rows,
            pictures: 0,
        };
        let home = folder.path().join("home");
        let made = home::make(&home, size)?;
        // Of ours, everything counts: each line written by itself as workers do, then importing, both to disk.
        let log = made.writing + run(&home, &["doctor", "--repair"])?.wall;
        let output = folder.path().join("all.parquet").display().to_string();
        let read = run(&home, &["metrics", "export", "-o", &output])?.wall;
        let round = Round {
            log: log.as_secs_f64(),
            read: read.as_secs_f64(),
        };
        let (other, told) = peer(python, &home, made.metrics)?;
        version = told;
        println!("round {number}: ours {round:.3?}, theirs {other:.3?}");
        ours.push(round);
        theirs.push(other);
    }
    println!(
        "\n{rows} metric rows of 20 runs, medians of {} alternating rounds; {version}",
        ours.len()
    );
    println!(
        "| | perceive-ir {} | mlflow | times faster |",
        env!("CARGO_PKG_VERSION")
    );
    println!("| --- | ---: | ---: | ---: |");
    for (what, of) in [
        ("log", (|round| round.log) as fn(&Round) -> f64),
        ("read back", |round| round.read),
    ] {
        let (our, their) = (middle(&ours, of), middle(&theirs, of));
        println!("| {what} | {our:.3} s | {their:.3} s | {:.1} |", their / our);
    }
    Ok(())
}

/// `mlflow_peer.py` on the same journals: its seconds, and its versions.
fn peer(python: &Path, home: &Path, rows: usize) -> Result<(Round, String), Box<dyn Error>> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bench/record/mlflow_peer.py");
    let output = Command::new(python).arg(script).arg(home.join("journals")).output()?;
    if !output.status.success() {
        return Err(format!("the peer failed: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let told: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    if told["rows"] != rows {
        return Err(format!("mlflow read back {} rows, not {rows}", told["rows"]).into());
    }
    let seconds = |name: &str| told[name].as_f64().ok_or("the peer told no time");
    let round = Round {
        log: seconds("log")?,
        read: seconds("read")?,
    };
    Ok((round, told["versions"].as_str().unwrap_or_default().to_string()))
}

fn middle(rounds: &[Round], of: fn(&Round) -> f64) -> f64 {
    let mut seconds: Vec<f64> = rounds.iter().map(of).collect();
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}
