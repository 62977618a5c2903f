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
    let resolved = args.choice.resolve(&spec, &args.experiments)?;
    let database = Database::open(home)?;
    for (name, experiment) in resolved {
        Planned::new(name, experiment, home, &database, talk)?.print(home, args.format)?;
    }
    Ok(())
}
