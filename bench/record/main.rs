//! How fast is the record? The built program is measured from outside, whole processes with their start.
//!
//! ```text
//! cargo bench --bench record                      # 10 million metric rows of 2,000 runs
//! cargo bench --bench record -- --rows 1000000    # fewer
//! bench/record/run.sh                             # all of it, and MLflow beside it
//! ```
//! Figures and what they were measured on: `docs/performance.md`.

mod home;
mod mlflow;
mod program;
mod scale;

use std::error::Error;
use std::path::PathBuf;

use clap::Parser;

#[derive(Debug, Parser)]
struct Args {
    /// Metric rows of the large record.
    #[arg(long, default_value_t = 10_000_000)]
    rows: usize,
    /// Measurements of each command; their median counts.
    #[arg(long, default_value_t = 7)]
    times: usize,
    /// A Python with mlflow: compares with it instead.
    #[arg(long, value_name = "PYTHON")]
    mlflow: Option<PathBuf>,
    /// Keeps the large home here, and uses it again.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// What cargo passes.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    match &args.mlflow {
        Some(python) => mlflow::compare(python, args.rows.min(mlflow::MOST_ROWS), args.times),
        None => scale::measure(args.rows, args.times, args.keep.as_deref()),
    }
}
