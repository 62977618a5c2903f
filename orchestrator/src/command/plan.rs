//! `perceive-ir plan EXPERIMENT…`: the jobs of an experiment, and which of them are done.

use crate::{
    command::planned::{Choice, Planned},
    database::Database,
    failure::Failure,
    home::Home,
    show::{Format, Talk},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Experiments of experiments.toml.
    #[arg(required = true)]
    experiments: Vec<String>,
    #[command(flatten)]
    choice: Choice,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    let spec = args.choice.open()?;
    let cases = args.choice.cases(&spec, &args.experiments)?;
    let database = Database::open(home)?;
    let planned = cases
        .into_iter()
        .map(|case| Planned::new(case, home, &database, talk))
        .collect::<Result<Vec<_>, _>>()?;
    Planned::print(&planned, home, args.format)
}
