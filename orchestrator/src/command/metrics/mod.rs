//! `perceive-ir metrics`: pictures measured on the spot; and the courses of losses and other numbers during runs, to look
//! at or to take elsewhere.

mod compare;
mod export;
mod ls;
mod show;
mod writer;

use clap::Subcommand;

use crate::failure::Failure;
use crate::home::Home;
use crate::show::Talk;

#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    arg_required_else_help = true
)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    compare: Option<compare::Args>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the metrics of a run, each in a line.
    Ls(ls::Args),
    /// Show one metric of a run, step by step.
    Show(show::Args),
    /// Write the metrics of experiments or runs (or of all) into a Parquet, CSV or JSON file.
    Export(export::Args),
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    match (&args.command, &args.compare) {
        (Some(Command::Ls(args)), _) => ls::run(args, home, talk),
        (Some(Command::Show(args)), _) => show::run(args, home),
        (Some(Command::Export(args)), _) => export::run(args, home, talk),
        (None, Some(args)) => compare::run(args, home, talk),
        // clap shows the help instead.
        (None, None) => Ok(()),
    }
}
