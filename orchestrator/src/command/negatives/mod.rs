//! `perceive-ir negatives`: what the proxies made, how, and making it again.

mod ls;
mod made;
mod regenerate;
mod show;

use clap::Subcommand;

use crate::{failure::Failure, home::Home, show::Talk};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The proxies, where their pictures come from, and the average PSNR of those.
    Ls(ls::Args),
    /// Everything that is known of one proxy's pictures.
    Show(show::Args),
    /// Remake what is damaged or missing, and what comes from something that has changed since.
    Regenerate(regenerate::Args),
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    match &args.command {
        Command::Ls(args) => ls::run(args, home, talk),
        Command::Show(args) => show::run(args, home, talk),
        Command::Regenerate(args) => regenerate::run(args, home, talk),
    }
}
