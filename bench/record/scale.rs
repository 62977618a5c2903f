//! A large record: importing it, asking it, exporting it.

use std::error::Error;
use std::fs;
use std::path::Path;

use super::home::{self, Made, Size};
use super::program::{Cost, median, run};

/// What is measured, and what it must not exceed in seconds.
const QUESTIONS: [(&[&str], Option<f64>); 5] = [
    (&["runs", "ls"], Some(0.2)),
    (&["runs", "ls", "--experiment", "sweep7", "--limit", "1000"], Some(0.2)),
    (&["results", "sweep3"], Some(1.0)),
    (&["results", "sweep3", "--format", "csv"], Some(1.0)),
    (&["doctor"], None),
];

pub fn measure(rows: usize, times: usize, keep: Option<&Path>) -> Result<(), Box<dyn Error>> {
    let temporary = tempfile::tempdir()?;
    let home = keep.unwrap_or(temporary.path()).join("home");
    if !home.join("imported").exists() {
        let size = Size {
            experiments: 10,
            cases: 40,
            rows,
            pictures: 100,
        };
        let made = home::make(&home, size)?;
        import(&home, &made)?;
        fs::write(home.join("imported"), "")?;
    }
    for (arguments, target) in QUESTIONS {
        let cost = median(times, || run(&home, arguments))?;
        let target = target
            .map(|seconds| format!(" (at most {seconds} s)"))
            .unwrap_or_default();
        println!("{}{target}: {}", arguments.join(" "), words(cost));
    }
    for name in ["all.parquet", "all.csv", "all.json"] {
        let path = home.join(name).display().to_string();
        let cost = run(&home, &["metrics", "export", "-o", &path])?;
        println!("metrics export -o {name} ({}): {}", megabytes(&path)?, words(cost));
        fs::remove_file(&path)?;
    }
    println!("doctor --check: {}", words(run(&home, &["doctor", "--check"])?));
    Ok(())
}

fn import(home: &Path, made: &Made) -> Result<(), Box<dyn Error>> {
    let cost = run(home, &["doctor", "--repair"])?;
    let rows = made.metrics + made.evaluations;
    println!(
        "{} runs, {} metric rows, {} evaluation rows, journals of {} MB",
        made.runs,
        made.metrics,
        made.evaluations,
        made.journal_bytes / 1_000_000
    );
    println!(
        "import (at least 100000 rows/s): {:.0} rows/s, {}",
        rows as f64 / cost.wall.as_secs_f64(),
        words(cost)
    );
    println!("database: {}", megabytes(home.join("perceive.sqlite"))?);
    Ok(())
}

fn words(cost: Cost) -> String {
    let (wall, cpu) = (cost.wall.as_secs_f64(), cost.cpu.as_secs_f64());
    let memory = cost.memory / 1_000_000;
    format!("{wall:.3} s ({cpu:.3} s of processor), {memory} MB of memory")
}

fn megabytes(path: impl AsRef<Path>) -> Result<String, Box<dyn Error>> {
    Ok(format!("{:.1} MB", fs::metadata(path)?.len() as f64 / 1e6))
}
