//! `perceive-ir weights`: the pretrained towers and other networks that experiments start from.

mod export;
mod fetch;
mod import;
mod kinds;
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
    /// Fetch weights from where they are published, and install them.
    Fetch(fetch::Args),
    /// Check a file of weights and install it.
    Import(import::Args),
    /// List what is installed, and what is published and is not.
    Ls(ls::Args),
    /// List the networks whose weights can be imported.
    Kinds(kinds::Args),
    /// Show where weights came from, or where to get them.
    Show(show::Args),
    /// Write a trained restorer as safetensors under PyTorch's key names.
    Export(export::Args),
    /// Remove installed weights.
    Rm(rm::Args),
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    match &args.command {
        Command::Fetch(args) => fetch::run(args, home, talk),
        Command::Import(args) => import::run(args, home, talk),
        Command::Ls(args) => ls::run(args, home, talk),
        Command::Kinds(args) => kinds::run(args),
        Command::Show(args) => show::run(args, home),
        Command::Export(args) => export::run(args, home, talk),
        Command::Rm(args) => rm::run(args, home, talk),
    }
}
