//! `perceive-ir run EXPERIMENT…`: makes everything that the experiments' results need and is not there yet.

use std::collections::BTreeSet;

use crate::{
    command::{
        manner::Work,
        plan::show,
        planned::{Choice, planned},
    },
    database::Database,
    failure::Failure,
    home::Home,
    plan::Graph,
    run::{
        fulfil, leave,
        queue::{Asker, Queue, Request},
    },
    show::{Format, Talk},
    stage::{Job, evaluate::SHEET},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Experiments of experiments.toml, such as quickstart.
    #[arg(required = true)]
    experiments: Vec<String>,
    #[command(flatten)]
    choice: Choice,
    #[command(flatten)]
    work: Work,
    /// Go on with what does not depend on it when a job fails.
    #[arg(long)]
    keep_going: bool,
    /// More is more urgent, when several commands share a queue.
    #[arg(long, default_value_t = 0, value_name = "N", allow_negative_numbers = true)]
    priority: i32,
    /// Fail when another command is at work in this home, instead of joining its queue.
    #[arg(long)]
    no_join: bool,
    /// Leave the request in the queue and come back at once.
    #[arg(long, conflicts_with = "no_join")]
    detach: bool,
    /// Show the plan and do nothing.
    #[arg(long)]
    dry_run: bool,
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    let manner = args.work.manner(talk)?;
    let spec = args.choice.open()?;
    let cases = args.choice.cases(&spec, &args.experiments)?;
    if args.no_join {
        drop(home.hold()?);
    }
    let database = Database::open(home)?;
    let graph = planned(&cases, home, &database, talk)?;
    if args.dry_run {
        return show(&graph, home, &database, &manner.devices, None, Format::Table, talk);
    }
    drop(database);
    // Only now: until here Ctrl-C simply ends the process.
    let stops = args.work.stops()?;
    let title = format!("run {}", args.experiments.join(" "));
    let request = Request {
        id: Queue::new_id(),
        title,
        experiments: args
            .experiments
            .iter()
            .map(|name| (name.clone(), spec.entry(name)))
            .collect(),
        graph,
        priority: args.priority,
        keep_going: args.keep_going,
        seed: 0,
        asker: Asker::me(args.detach),
    };
    if args.detach {
        return leave(&request, home, talk);
    }
    fulfil(&request, home, &manner, &stops, args.no_join)?;
    tell_where(&request.graph, home, talk);
    let names: BTreeSet<&String> = args.experiments.iter().collect();
    for name in names {
        super::results::run(&super::results::Args::of(name), home, talk)?;
    }
    Ok(())
}

/// Where the contact sheets are: all of them where there are few.
fn tell_where(graph: &Graph, home: &Home, talk: Talk) {
    const FEW: usize = 12;
    let mut sheets = Vec::new();
    for case in &graph.cases {
        for node in case.nodes.iter().map(|place| &graph.nodes[*place]) {
            if let Job::Evaluate(job) = &node.job {
                let sheet = home.artefact(&node.key).join(SHEET);
                // With one case in sight its name says nothing.
                let title = (graph.cases.len() > 1).then(|| format!("{}, ", case.title()));
                sheets.push((title.unwrap_or_default(), &job.set.label, sheet));
            }
        }
    }
    for (title, label, sheet) in sheets.iter().take(FEW) {
        talk.say(format!("{title}{label}: {}", sheet.display()));
    }
    if sheets.len() > FEW {
        talk.say(format!(
            "... and {} more sheets; `perceive-ir runs ls` names the runs",
            sheets.len() - FEW
        ));
    }
}
