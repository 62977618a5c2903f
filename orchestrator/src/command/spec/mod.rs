//! `perceive-ir spec`: the experiments of a file, checked, shown and described.

mod check;
mod ls;
mod schema;
mod show;

use clap::Subcommand;

use crate::failure::Failure;
use crate::show::Talk;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Resolve every case of every experiment and tell everything that is wrong.
    Check(check::Args),
    /// Show the settings of every case of an experiment, each with where it comes from.
    Show(show::Args),
    /// Print the JSON Schema of a file of experiments, for editors.
    Schema(schema::Args),
    /// List the experiments.
    Ls(ls::Args),
}

pub fn run(args: &Args, talk: Talk) -> Result<(), Failure> {
    match &args.command {
        Command::Check(args) => check::run(args, talk),
        Command::Show(args) => show::run(args),
        Command::Schema(args) => schema::run(args),
        Command::Ls(args) => ls::run(args),
    }
}
