//! `perceive-ir queue`: what several terminals have asked for in one home.

use crate::{
    command::manner::Work,
    database::Database,
    failure::{Exit, Failure},
    home::Home,
    run::{queue::Queue, serve_all, take_over},
    show::{Cell, Format, Table, Talk},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// List the requests that are not settled yet, oldest first.
    Ls {
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Do what is queued, until nothing is left.
    Serve {
        #[command(flatten)]
        work: Box<Work>,
    },
    /// Take requests out; what runs only for them saves and stops.
    Rm {
        /// Ids as `queue ls` shows them, or their beginnings.
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    match &args.what {
        What::Ls { format } => list(home, *format, talk),
        What::Serve { work } => {
            let manner = work.manner(talk)?;
            let _hold = home.hold()?;
            let database = Database::open(home)?.patient(talk)?;
            let stops = work.stops()?;
            take_over(home, &database, talk)?;
            serve_all(home, &database, &manner, &stops)
        }
        What::Rm { ids } => remove(home, ids, talk),
    }
}

fn list(home: &Home, format: Format, talk: Talk) -> Result<(), Failure> {
    let queue = Queue::of(home);
    let mut table = Table::new(["id", "asked for", "cases", "jobs", "made", "priority", "process"]);
    for id in queue.ids()? {
        let Some(request) = queue.get(&id)? else { continue };
        let made = request
            .graph
            .nodes
            .iter()
            .filter(|node| home.artefact(&node.key).exists());
        let who = match (request.asker.is_there(), request.asker.detached) {
            (_, true) => "detached".to_string(),
            (true, _) => request.asker.pid.to_string(),
            (false, _) => "gone".to_string(),
        };
        table.push([
            Cell::text(&id),
            Cell::text(&request.title),
            Cell::from(request.graph.cases.len()),
            Cell::from(request.graph.nodes.len()),
            Cell::from(made.count()),
            Cell::Whole(i64::from(request.priority)),
            Cell::text(who),
        ]);
    }
    table.list(format, talk)
}

fn remove(home: &Home, ids: &[String], talk: Talk) -> Result<(), Failure> {
    let queue = Queue::of(home);
    let known = queue.ids()?;
    let chosen = ids
        .iter()
        .map(|prefix| {
            let mut found = known.iter().filter(|id| id.starts_with(prefix.as_str()));
            match (found.next(), found.next()) {
                (Some(id), None) => Ok(id),
                (None, _) => Err(Failure::unknown("request", prefix, known.iter().map(String::as_str))),
                _ => Err(
                    Failure::new(Exit::Unknown, format!("several requests begin with {prefix}"))
                        .help("`perceive-ir queue ls` shows their ids"),
                ),
            }
        })
        .collect::<Result<Vec<_>, _>>()?;
    for id in chosen {
        queue.remove(id);
        talk.say(format!("{id} taken out"));
    }
    Ok(())
}
