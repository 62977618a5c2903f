//! `perceive-ir run EXPERIMENT…`: makes everything that the experiment's results need and is not there yet.

use crate::{
    command::planned::{Choice, Planned},
    database::Database,
    device::DeviceName,
    failure::{Exit, Failure},
    home::Home,
    run::{Orchestrator, take_over},
    show::{Format, Talk},
    spec::Case,
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
    let cases = args.choice.cases(&spec, &args.experiments)?;
    let hold = if args.dry_run { None } else { Some(home.hold()?) };
    let database = Database::open(home)?;
    if hold.is_some() {
        take_over(home, &database, talk)?;
    }
    let planned = cases
        .into_iter()
        .map(|case| Planned::new(case, home, &database, talk))
        .collect::<Result<Vec<_>, _>>()?;
    if args.dry_run {
        return Planned::print(&planned, home, Format::Table);
    }
    let asked_to_stop = Orchestrator::watch_for_stop()?;
    for planned in &planned {
        let Case {
            experiment,
            name,
            seed,
            settings,
        } = &planned.case;
        let written = serde_json::to_value(settings)
            .map_err(|error| Failure::new(Exit::Unexpected, error.to_string()))?
            .to_string();
        database.experiment(experiment, &spec.entry(experiment))?;
        let case = database.case(experiment, name, *seed, &settings.scale.to_string(), &written)?;
        let orchestrator = Orchestrator {
            home,
            database: &database,
            device,
            seed: *seed,
            talk,
            asked_to_stop: asked_to_stop.clone(),
        };
        orchestrator.run(&planned.nodes, Some(case))?;
        planned.tell_where(home, talk);
    }
    drop(database);
    for name in &args.experiments {
        super::results::run(&super::results::Args::of(name), home, talk)?;
    }
    Ok(())
}
