//! The subcommands, one file or folder each: arguments in, results on stdout, talk on stderr.

pub mod checkpoints;
pub mod data;
pub mod doctor;
mod manner;
pub mod metrics;
mod model;
pub mod negatives;
pub mod plan;
mod planned;
pub mod queue;
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
    /// Show the jobs of experiments, how each stands, and what is left to do.
    Plan(plan::Args),
    /// List what waits to be done, serve it, or take it out.
    Queue(queue::Args),
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
    /// Measure pictures; list, show and export the metrics of runs.
    Metrics(metrics::Args),
    /// List the checkpoints of an unfinished training, and go back to one.
    Checkpoints(checkpoints::Args),
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
            Self::Queue(args) => queue::run(args, home, talk),
            Self::Spec(args) => spec::run(args, talk),
            Self::Results(args) => results::run(args, home, talk),
            Self::Restore(args) => restore::run(args, home, talk),
            Self::Data(args) => data::run(args, home, talk),
            Self::Runs(args) => runs::run(args, home, talk),
            Self::Metrics(args) => metrics::run(args, home, talk),
            Self::Checkpoints(args) => checkpoints::run(args, home, talk),
            Self::Negatives(args) => negatives::run(args, home, talk),
            Self::Weights(args) => weights::run(args, home, talk),
            Self::Doctor(args) => doctor::run(args, home, talk),
            Self::Worker(args) => worker::run(args, home),
        }
    }
}

/// The end of an argument's help whose value is one of a registry's names: clap lists the names of its own types alone.
fn one_of<'a>(names: impl Iterator<Item = &'a str>) -> String {
    format!("[possible values: {}]", names.collect::<Vec<_>>().join(", "))
}
