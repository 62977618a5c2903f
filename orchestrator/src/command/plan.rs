//! `perceive-ir plan EXPERIMENT…`: the jobs of experiments, how each stands, and what is left to do.

use clap::ValueEnum;

use crate::{
    command::planned::{Choice, planned},
    database::Database,
    device::DeviceGroup,
    disk::free_space,
    failure::Failure,
    home::Home,
    plan::{Graph, Standing, Standings, estimate::Estimates},
    show::{Cell, Format, Table, Talk, bytes, count, duration},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Experiments of experiments.toml.
    #[arg(required = true)]
    experiments: Vec<String>,
    #[command(flatten)]
    choice: Choice,
    /// One row a job, or one row a case [default: jobs of a single case, cases of several].
    #[arg(long, value_enum)]
    by: Option<By>,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum By {
    Job,
    Case,
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    let spec = args.choice.open()?;
    let cases = args.choice.cases(&spec, &args.experiments)?;
    let database = Database::open(home)?;
    let graph = planned(&cases, home, &database, talk)?;
    show(
        &graph,
        home,
        &database,
        &[DeviceGroup::default()],
        args.by,
        args.format,
        talk,
    )
}

/// The plan on stdout, its sum on stderr.
pub fn show(
    graph: &Graph,
    home: &Home,
    database: &Database,
    devices: &[DeviceGroup],
    by: Option<By>,
    format: Format,
    talk: Talk,
) -> Result<(), Failure> {
    let outlook = Outlook::of(graph, home, database)?;
    let few = if graph.cases.len() > 1 { By::Case } else { By::Job };
    let table = match by.unwrap_or(few) {
        By::Job => outlook.by_job(),
        By::Case => outlook.by_case(),
    };
    table.print(format)?;
    talk.say(outlook.sum(home, devices));
    Ok(())
}

/// How every job stands and what it will take.
struct Outlook<'a> {
    graph: &'a Graph,
    standings: Vec<Standing>,
    /// Seconds and bytes of what is to be done; `None` where nothing like it has run.
    seconds: Vec<Option<f64>>,
    bytes: Vec<Option<f64>>,
}

impl<'a> Outlook<'a> {
    fn of(graph: &'a Graph, home: &Home, database: &Database) -> Result<Self, Failure> {
        let standings = Standings::read(home, database)?;
        let needed = graph.needed(&graph.inputs(), |key| standings.is_whole(key));
        let standings: Vec<Standing> = graph
            .nodes
            .iter()
            .zip(needed)
            .map(|(node, needed)| standings.of(&node.key, needed))
            .collect();
        let past = Estimates::read(database)?;
        let estimates: Vec<_> = graph
            .nodes
            .iter()
            .zip(&standings)
            .map(|(node, standing)| is_to_do(*standing).then(|| past.of(&node.job)))
            .collect();
        Ok(Self {
            graph,
            standings,
            seconds: estimates
                .iter()
                .map(|estimate| estimate.and_then(|e| e.seconds))
                .collect(),
            bytes: estimates
                .iter()
                .map(|estimate| estimate.and_then(|e| e.bytes))
                .collect(),
        })
    }

    fn by_job(&self) -> Table {
        let mut owners = vec![None; self.graph.nodes.len()];
        let mut users = vec![0_usize; self.graph.nodes.len()];
        for case in &self.graph.cases {
            for place in &case.nodes {
                owners[*place].get_or_insert(case);
                users[*place] += 1;
            }
        }
        let mut table = Table::new([
            "experiment",
            "case",
            "seed",
            "cases",
            "stage",
            "job",
            "key",
            "state",
            "time",
            "disk",
        ]);
        for (place, node) in self.graph.nodes.iter().enumerate() {
            let owner = owners[place];
            table.push([
                Cell::maybe(owner.map(|case| &case.experiment)),
                Cell::maybe(owner.map(|case| &case.name)),
                owner.map_or(Cell::None, |case| Cell::Count(case.seed)),
                Cell::from(users[place]),
                Cell::text(node.job.stage()),
                Cell::text(node.job.label()),
                Cell::text(&node.key[..12]),
                Cell::text(self.standings[place].word()),
                self.time(place),
                self.bytes[place].map_or(Cell::maybe(None::<String>), |bytes| Cell::Bytes(bytes as u64)),
            ]);
        }
        table
    }

    fn time(&self, place: usize) -> Cell {
        Cell::maybe(self.seconds[place].map(|seconds| duration((seconds * 1000.0) as i64)))
    }

    fn by_case(&self) -> Table {
        let mut table = Table::new([
            "experiment",
            "case",
            "seed",
            "jobs",
            "cached",
            "running",
            "failed",
            "to do",
            "state",
        ]);
        for case in &self.graph.cases {
            let count = |which: &dyn Fn(Standing) -> bool| {
                let places = case.nodes.iter();
                places.filter(|place| which(self.standings[**place])).count()
            };
            let (running, failed, to_do) = (
                count(&|standing| standing == Standing::Running),
                count(&|standing| standing == Standing::Failed),
                count(&is_to_do),
            );
            let last = case.nodes.last().map(|place| self.standings[*place]);
            let state = match (running, failed, to_do) {
                (0, 0, 0) => "done",
                (1.., _, _) => "running",
                (_, 1.., _) => "failed",
                _ if last == Some(Standing::Begun) => "begun",
                _ => "to do",
            };
            table.push([
                Cell::text(&case.experiment),
                Cell::text(&case.name),
                Cell::Count(case.seed),
                Cell::from(case.nodes.len()),
                Cell::from(count(&|standing| standing == Standing::Cached)),
                Cell::from(running),
                Cell::from(failed),
                Cell::from(to_do),
                Cell::text(state),
            ]);
        }
        table
    }

    /// `16 cases stand on 130 jobs: 100 cached, 30 to do; about 1h 02m on cpu, 1.2 GB of disk (34 GB free)`
    fn sum(&self, home: &Home, devices: &[DeviceGroup]) -> String {
        let mut counts: Vec<(Standing, usize)> = Vec::new();
        for standing in &self.standings {
            match counts.iter_mut().find(|(other, _)| other == standing) {
                Some((_, count)) => *count += 1,
                None => counts.push((*standing, 1)),
            }
        }
        counts.sort_unstable();
        let counts: Vec<String> = counts
            .iter()
            .map(|(standing, count)| format!("{count} {}", standing.word()))
            .collect();
        let mut text = format!(
            "{} {} on {}: {}",
            count(self.graph.cases.len(), "case"),
            if self.graph.cases.len() == 1 { "stands" } else { "stand" },
            count(self.graph.nodes.len(), "job"),
            counts.join(", ")
        );
        let to_do = self.standings.iter().filter(|standing| is_to_do(**standing)).count();
        if to_do == 0 {
            return text;
        }
        let known = self.seconds.iter().flatten().count();
        let names: Vec<String> = devices.iter().map(ToString::to_string).collect();
        let seconds: f64 = self.seconds.iter().flatten().sum::<f64>() / devices.len() as f64;
        let disk: f64 = self.bytes.iter().flatten().sum();
        let unknown = to_do - known;
        if known > 0 {
            let (time, disk) = (duration((seconds * 1000.0) as i64), bytes(disk as u64));
            text += &format!("; about {time} on {} and {disk} of disk", names.join(", "));
        }
        if unknown > 0 {
            let jobs = count(unknown, "job");
            text += &format!("; the time of {jobs} is not known, as nothing like it has run here");
        }
        if let Some(free) = free_space(home.root()) {
            text += &format!(" ({} free)", bytes(free));
        }
        text
    }
}

/// Whether a server would begin it, or go on with it.
fn is_to_do(standing: Standing) -> bool {
    matches!(
        standing,
        Standing::ToDo | Standing::Begun | Standing::Failed | Standing::Running
    )
}
