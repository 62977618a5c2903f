//! How fast do pictures come? Batches for a training beside PyTorch's loader, and the scan of a large dataset.
//!
//! ```text
//! bench/pictures/run.sh                                   # all of it, PyTorch beside it
//! cargo bench --bench pictures -- --pytorch PYTHON        # batches: ours and PyTorch's by turns
//! cargo bench --bench pictures -- --scan                  # 74,196 pictures under OTS's names
//! ```
//! Batches need BSD400's JPEGs: `PERCEIVE_PICTURES` names the folder that holds `BSDS500`. Figures and what they were measured
//! on: `docs/performance.md`.

mod batches;
#[path = "../record/program.rs"]
mod program;
mod scan;

use std::error::Error;
use std::path::PathBuf;

use clap::Parser;

#[derive(Debug, Parser)]
struct Args {
    /// Rounds of each side; medians count.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Seconds of a round of batches.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// A Python with torch and pillow: its loader by turns with ours.
    #[arg(long, value_name = "PYTHON")]
    pytorch: Option<PathBuf>,
    /// Measures the scan instead.
    #[arg(long)]
    scan: bool,
    /// One round of ours in this process: `kept` or `cold`.
    #[arg(long, hide = true)]
    side: Option<batches::Pictures>,
    /// What cargo passes.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    match args.side {
        Some(side) => batches::round(side, args.seconds),
        None if args.scan => scan::measure(args.rounds),
        None => batches::compare(args.pytorch.as_deref(), args.rounds, args.seconds),
    }
}
