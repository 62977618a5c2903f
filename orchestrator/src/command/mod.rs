//! The subcommands, one file or folder each: arguments in, results on stdout, talk on stderr.

pub mod data;
pub mod doctor;
pub mod negatives;
pub mod plan;
mod planned;
pub mod restore;
pub mod results;
pub mod run;
pub mod runs;
pub mod spec;
pub mod weights;

use clap::Subcommand;

use crate::{failure::Failure, home::Home, run::worker, show::Talk};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run experiments: make everything that their results need and is not there yet.
    Run(run::Args),
    /// Show the jobs of experiments, and which of them are done.
    Plan(plan::Args),
    /// Check, show and list the experiments of a file.
    Spec(spec::Args),
    /// Print the table of an experiment's results.
    Results(results::Args),
    /// Restore pictures of your own with a trained model.
    Restore(restore::Args),
    /// Add, list and check pictures.
    Data(data::Args),
    /// List, show and remove runs.
    Runs(runs::Args),
    /// List the proxies' negatives and remake them.
    Negatives(negatives::Args),
    /// Install, list and remove pretrained weights.
    Weights(weights::Args),
    /// Tell what this machine has, what is missing, and what to do.
    Doctor(doctor::Args),
    #[command(hide = true)]
    Worker(worker::Args),
}

impl Command {
    pub fn run(&self, home: &Home, talk: Talk) -> Result<(), Failure> {
        match self {
            Self::Run(args) => run::run(args, home, talk),
            Self::Plan(args) => plan::run(args, home, talk),
            Self::Spec(args) => spec::run(args, talk),
            Self::Results(args) => results::run(args, home, talk),
            Self::Restore(args) => restore::run(args, home, talk),
            Self::Data(args) => data::run(args, home, talk),
            Self::Runs(args) => runs::run(args, home, talk),
            Self::Negatives(args) => negatives::run(args, home, talk),
            Self::Weights(args) => weights::run(args, home, talk),
            Self::Doctor(args) => doctor::run(args, home),
            Self::Worker(args) => worker::run(args, home),
        }
    }
}
