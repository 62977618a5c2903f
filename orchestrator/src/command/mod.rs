//! The subcommands, one file or folder each: arguments in, results on stdout, talk on stderr.

pub mod data;
pub mod runs;

use clap::Subcommand;

use crate::failure::Failure;
use crate::home::Home;
use crate::show::Talk;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add, list and check pictures.
    Data(data::Args),
    /// List, show and remove runs.
    Runs(runs::Args),
}

impl Command {
    pub fn run(&self, home: &Home, talk: Talk) -> Result<(), Failure> {
        match self {
            Self::Data(args) => data::run(args, home, talk),
            Self::Runs(args) => runs::run(args, home, talk),
        }
    }
}
