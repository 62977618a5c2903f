//! `perceive-ir runs`: what was done, how it went, and making room.

mod ls;
mod rm;
mod show;

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
    /// List runs, newest first.
    Ls(ls::Args),
    /// Show one run: settings, command, code, metrics, events.
    Show(show::Args),
    /// Remove runs, and their artefacts where nothing else stands on them.
    Rm(rm::Args),
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    match &args.command {
        Command::Ls(args) => ls::run(args, home, talk),
        Command::Show(args) => show::run(args, home, talk),
        Command::Rm(args) => rm::run(args, home, talk),
    }
}
