//! `perceive-ir metrics ls RUN`: the metrics of a run, each in a line.

use crate::command::runs::named::Named;
use crate::database::Database;
use crate::failure::Failure;
use crate::home::Home;
use crate::show::{Cell, Format, Table, Talk};

/// Digits behind the point: losses are small.
pub const DECIMALS: usize = 6;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The run's id, or its beginning; experiment/case[#seed][@scale] is the case's newest restore run.
    run: String,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    let database = Database::open_read_only(home)?;
    let run = Named::run(&database, &args.run)?;
    let mut table = Table::new(["metric", "points", "last step", "last", "smallest", "largest"]);
    for metric in database.metric_summaries(&run.id)? {
        table.push([
            Cell::text(metric.name),
            Cell::Whole(metric.points),
            Cell::Whole(metric.last_step),
            Cell::Number(metric.last, DECIMALS),
            Cell::Number(metric.smallest, DECIMALS),
            Cell::Number(metric.largest, DECIMALS),
        ]);
    }
    if table.is_empty() {
        talk.say(format!("run {} ({}) has told no metric", run.id, run.stage));
    }
    table.print(args.format)
}
