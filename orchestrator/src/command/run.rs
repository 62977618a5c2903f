//! `perceive-ir run EXPERIMENT…`: makes everything that the experiment's results need and is not there yet.

use crate::{
    command::planned::{Choice, Planned},
    database::Database,
    device::DeviceName,
    failure::{Exit, Failure},
    home::Home,
    run::{Orchestrator, take_over},
    show::{Format, Talk},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Experiments of experiments.toml, such as quickstart.
    #[arg(required = true)]
    experiments: Vec<String>,
    #[command(flatten)]
    choice: Choice,
    /// Where to compute: cpu, cuda:0, …
    #[arg(long, default_value = "cpu", value_name = "NAME")]
    device: String,
    /// Show the plan and do nothing.
    #[arg(long)]
    dry_run: bool,
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    let device: DeviceName = args.device.parse()?;
    device.open()?;
    let spec = args.choice.open()?;
    let resolved = args.choice.resolve(&spec, &args.experiments)?;
    let hold = if args.dry_run { None } else { Some(home.hold()?) };
    let database = Database::open(home)?;
    if hold.is_some() {
        take_over(home, &database, talk)?;
    }
    let planned = resolved
        .into_iter()
        .map(|(name, experiment)| Planned::new(name, experiment, home, &database, talk))
        .collect::<Result<Vec<_>, _>>()?;
    if args.dry_run {
        return planned
            .iter()
            .try_for_each(|planned| planned.print(home, Format::Table));
    }
    let asked_to_stop = Orchestrator::watch_for_stop()?;
    for planned in &planned {
        let settings = serde_json::to_value(&planned.experiment)
            .map_err(|error| Failure::new(Exit::Unexpected, error.to_string()))?
            .to_string();
        let Planned { name, experiment, .. } = planned;
        database.experiment(name, &spec.entry(name))?;
        let case = database.case(name, "base", experiment.seed, &experiment.scale.to_string(), &settings)?;
        let orchestrator = Orchestrator {
            home,
            database: &database,
            device,
            seed: experiment.seed,
            upkeep: experiment.upkeep.clone(),
            talk,
            asked_to_stop: asked_to_stop.clone(),
        };
        orchestrator.run(&planned.nodes, Some(case))?;
        planned.tell_where(home, talk);
    }
    drop(database);
    for planned in &planned {
        super::results::run(&super::results::Args::of(&planned.name), home, talk)?;
    }
    Ok(())
}
