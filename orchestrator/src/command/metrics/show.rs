//! `perceive-ir metrics show RUN NAME`: one metric of a run, step by step.

use super::ls::DECIMALS;
use crate::command::runs::named::Named;
use crate::database::Database;
use crate::failure::Failure;
use crate::home::Home;
use crate::show::{Cell, Format, Table};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The run's id, or its beginning; experiment/case[#seed][@scale] is the case's newest restore run.
    run: String,
    /// The metric's name, such as `loss`.
    name: String,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub fn run(args: &Args, home: &Home) -> Result<(), Failure> {
    let database = Database::open_read_only(home)?;
    let run = Named::run(&database, &args.run)?;
    let points = database.metric(&run.id, &args.name)?;
    if points.is_empty() {
        let told = database.metric_summaries(&run.id)?;
        let names = told.iter().map(|metric| metric.name.as_str());
        return Err(Failure::unknown("metric of this run", &args.name, names));
    }
    let mut table = Table::new(["step", "value"]);
    for (step, value) in points {
        table.push([Cell::Whole(step), Cell::Number(value, DECIMALS)]);
    }
    table.print(args.format)
}
