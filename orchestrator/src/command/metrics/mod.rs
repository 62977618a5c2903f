//! `perceive-ir metrics`: the courses of losses and other numbers during runs, to look at or to take elsewhere.

mod export;
mod ls;
mod show;
mod writer;

use clap::Subcommand;

use crate::failure::Failure;
use crate::home::Home;
use crate::show::Talk;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
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
    match &args.command {
        Command::Ls(args) => ls::run(args, home, talk),
        Command::Show(args) => show::run(args, home),
        Command::Export(args) => export::run(args, home, talk),
    }
}
