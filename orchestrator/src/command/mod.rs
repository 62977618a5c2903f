//! The subcommands, one file or folder each: arguments in, results on stdout, talk on stderr.

// pub mod data;
pub mod doctor;
pub mod results;
pub mod runs;
pub mod weights;

use clap::Subcommand;

use crate::failure::Failure;
use crate::home::Home;
use crate::show::Talk;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add, list and check pictures.
    // Data(data::Args),
    /// List, show and remove runs.
    Runs(runs::Args),
    /// Print the table of an experiment's results.
    Results(results::Args),
    /// Install, list and remove pretrained weights.
    Weights(weights::Args),
    /// Tell what this machine has, what is missing, and what to do.
    Doctor(doctor::Args),
}

impl Command {
    pub fn run(&self, home: &Home, talk: Talk) -> Result<(), Failure> {
        match self {
            // Self::Data(args) => data::run(args, home, talk),
            Self::Runs(args) => runs::run(args, home, talk),
            Self::Results(args) => results::run(args, home, talk),
            Self::Weights(args) => weights::run(args, home, talk),
            Self::Doctor(args) => doctor::run(args, home),
        }
    }
}
