//! How fast are the networks? The same work in this program and in PyTorch, on the same machine, repetition by repetition.
//!
//! ```text
//! bench/speed/run.sh                                     # all rows; makes a virtual environment with torch
//! bench/speed/run.sh --row restormer --row nafnet        # some
//! bench/speed/run.sh --check                             # only whether both sides compute the same
//! ```
//! The table goes to stdout, how it goes to stderr. Figures and what they were measured on: `docs/performance.md`.

mod area;
mod distance;
mod machine;
mod ours;
mod pixels;
mod row;
mod side;
mod table;
mod work;

use std::error::Error;
use std::path::PathBuf;

use clap::Parser;

use self::side::Sides;

#[global_allocator]
static ALLOCATOR: perceive_model::kernel::LineAllocator = perceive_model::kernel::LineAllocator;

#[derive(Debug, Parser)]
struct Args {
    /// A Python with torch; without one, only our side is measured.
    #[arg(long, value_name = "PYTHON", env = "PERCEIVE_BENCH_PYTHON")]
    python: Option<PathBuf>,
    /// The rows to measure; all of them by default.
    #[arg(long = "row", value_parser = row::names())]
    rows: Vec<String>,
    /// Repetitions of each side, in turn; their median counts.
    #[arg(long, default_value_t = 7)]
    times: usize,
    /// Threads of each side.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Only compares what both sides compute.
    #[arg(long)]
    check: bool,
    /// One side of a row: does this work when it is told to.
    #[arg(long, value_name = "JSON", hide = true)]
    serve: Option<String>,
    /// What cargo passes.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    if let Some(work) = &args.serve {
        return ours::serve(&serde_json::from_str(work)?);
    }
    let sides = Sides {
        python: args.python,
        threads: args.threads,
        times: args.times.max(1),
        check: args.check,
    };
    let wanted = |name: &str| args.rows.is_empty() || args.rows.iter().any(|row| row == name);
    let rows: Vec<_> = row::ROWS.iter().filter(|row| wanted(row.name)).collect();
    let area = wanted(area::NAME) && !args.check;

    let load = machine::load();
    let mut lines = Vec::new();
    for row in rows {
        lines.extend(sides.compare(row)?);
    }
    let areas = if area { area::measure(&sides)? } else { Vec::new() };
    println!("{}", machine::describe(&sides, &load)?);
    if args.check {
        println!("Both sides compute the same.");
    } else {
        println!("Medians of {} repetitions, side by side.\n", sides.times);
    }
    print!("{}", table::comparisons(&lines));
    print!("{}", table::areas(&areas));
    Ok(())
}
