//! `perceive-ir runs ls`: runs, newest first, in their true states.

use crate::database::labels::Labels;
use crate::database::runs::{Run, RunFilter, RunState};
use crate::database::{Database, DatabaseError};
use crate::failure::Failure;
use crate::home::Home;
use crate::show::{Cell, Format, Table, Talk, count};

/// So many letters of a run's id hold the time of its birth to the millisecond.
const SHORT: usize = 13;

/// So many letters of a note stand in a table.
const NOTE: usize = 40;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only runs of this experiment.
    #[arg(long, value_name = "NAME")]
    experiment: Option<String>,
    /// Only runs in this state.
    #[arg(long, value_enum)]
    state: Option<RunState>,
    /// Only runs with this tag.
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    let database = match Database::open_read_only(home) {
        Err(DatabaseError::Missing { .. }) => {
            talk.say(format!("there are no runs in {} yet", home.root().display()));
            return table(&[], &Labels::default(), args.format).print(args.format);
        }
        Ok(readable) => {
            // Where nothing may be written (a read-only disk, a record that somebody locks), states are told as recorded.
            let settled = Database::open(home).and_then(|writable| writable.settle_lost(home));
            if let Err(error) = settled {
                talk.say(format!("states as they were recorded: {error}"));
            }
            readable
        }
        Err(error) => return Err(error.into()),
    };
    if let Some(name) = &args.experiment {
        let names = database.experiment_names()?;
        if !names.contains(name) {
            return Err(Failure::unknown("experiment", name, names.iter().map(String::as_str)));
        }
    }
    if let Some(tag) = &args.tag {
        let tags = database.tag_names()?;
        if !tags.contains(tag) {
            return Err(Failure::unknown("tag", tag, tags.iter().map(String::as_str)));
        }
    }
    let filter = RunFilter {
        experiment: args.experiment.as_deref(),
        state: args.state,
        // One more tells whether there are more; which of them have the tag is seen below.
        limit: args.tag.is_none().then_some(args.limit.saturating_add(1)),
    };
    let mut runs = database.runs(filter)?;
    let labels = database.labels()?;
    if let Some(tag) = &args.tag {
        runs.retain(|run| labels.tags(&run.id).contains(tag));
    }
    let more = runs.len() > args.limit as usize;
    runs.truncate(args.limit as usize);
    table(&runs, &labels, args.format).list(args.format, talk)?;
    if more {
        talk.say(format!(
            "only the newest {} of them; --limit N shows more",
            count(runs.len(), "run")
        ));
    }
    Ok(())
}

fn table(runs: &[Run], labels: &Labels, format: Format) -> Table {
    let mut table = Table::new([
        "run",
        "experiment",
        "case",
        "seed",
        "stage",
        "label",
        "state",
        "device",
        "started",
        "took",
        "reason",
        "tags",
        "note",
    ]);
    let ids = match format {
        Format::Table => short_ids(runs),
        Format::Json | Format::Csv => runs.iter().map(|run| run.id.as_str()).collect(),
    };
    for (run, id) in runs.iter().zip(ids) {
        table.push([
            Cell::text(id),
            Cell::maybe(run.experiment.as_deref()),
            Cell::maybe(run.case_name.as_deref()),
            Cell::Count(run.seed as u64),
            Cell::text(&run.stage),
            Cell::text(&run.label),
            Cell::text(run.state.name()),
            Cell::text(&run.device),
            run.started_at.map_or(Cell::None, Cell::Time),
            run.took().map_or(Cell::None, Cell::Duration),
            Cell::maybe(run.reason.as_deref()),
            Cell::maybe(Some(labels.tags(&run.id).join(" ")).filter(|tags| !tags.is_empty())),
            Cell::maybe(labels.note(&run.id).map(|note| shortened(note, format))),
        ]);
    }
    table
}

/// A note in a line of a table: the beginning of its first line. Programs get all of it.
fn shortened(note: &str, format: Format) -> String {
    let first = note.lines().next().unwrap_or_default();
    if format != Format::Table || (first == note && note.chars().count() <= NOTE) {
        return note.to_string();
    }
    first.chars().take(NOTE - 1).chain(['…']).collect()
}

/// The shortest beginnings (of [`SHORT`] letters or more) that tell these runs apart.
fn short_ids(runs: &[Run]) -> Vec<&str> {
    let mut sorted: Vec<&str> = runs.iter().map(|run| run.id.as_str()).collect();
    sorted.sort_unstable();
    let alike = |pair: &[&str]| pair[0].bytes().zip(pair[1].bytes()).take_while(|(a, b)| a == b).count();
    let longest = sorted.windows(2).map(alike).max().unwrap_or(0);
    let length = SHORT.max(longest + 1);
    runs.iter().map(|run| run.id.get(..length).unwrap_or(&run.id)).collect()
}
