//! `perceive-ir spec check [FILE…]`: everything that is wrong with the experiments, or that they are fine.

use std::path::PathBuf;

use crate::command::planned::EXPERIMENTS;
use crate::failure::{Exit, Failure};
use crate::show::{self, Talk};
use crate::spec::SpecFile;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files of experiments [default: experiments.toml here, or else the one shipped inside the program].
    #[arg(value_name = "FILE", env = EXPERIMENTS)]
    files: Vec<PathBuf>,
}

pub fn run(args: &Args, talk: Talk) -> Result<(), Failure> {
    let file = SpecFile::read(&args.files)?;
    let checked = file.check();
    let experiments = show::count(checked.experiments, "experiment");
    let cases = show::count(checked.cases, "case");
    if checked.problems.is_empty() {
        talk.say(format!("{}: {experiments}, {cases}: fine", file.path.display()));
        return Ok(());
    }
    let problems = show::count(checked.problems.len(), "problem");
    for problem in checked.problems {
        Failure::from(problem).report();
    }
    Err(Failure::new(
        Exit::Spec,
        format!("{problems} in {experiments}, {cases}"),
    ))
}
