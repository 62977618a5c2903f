//! `perceive-ir metrics export [EXPERIMENT|CASE|RUN…] --output FILE`: every point of every metric, one row each, for other
//! tools. Rows go from the database to the file in chunks, so the size of the record does not matter.

use std::collections::BTreeSet;
use std::path::PathBuf;

use polars::prelude::{Column, DataFrame, NamedFrom, PolarsResult, Series as Values};

use super::writer::{Kind, Writer};
use crate::command::runs::named::{Named, runs_of_case};
use crate::database::metrics::Series;
use crate::database::runs::RunFilter;
use crate::database::{Database, DatabaseError};
use crate::failure::{Exit, Failure};
use crate::home::Home;
use crate::show::progress::Progress;
use crate::show::{Talk, bytes, count};

/// Rows that are held in memory at once, and make one row group of Parquet.
const CHUNK: usize = 200_000;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Experiments, cases as experiment/case[#seed][@scale], or ids of runs (or their beginnings); all runs if none is named.
    #[arg(value_name = "EXPERIMENT|CASE|RUN")]
    of: Vec<String>,
    /// The file to write; its ending (parquet, csv, json) says how.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Say what would be written, write nothing.
    #[arg(long)]
    dry_run: bool,
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    let kind = Kind::of(&args.output)?;
    let database = Database::open_read_only(home)?;
    let chosen = chosen(&database, &args.of)?;
    let mut series = database.series()?;
    series.retain(|series| chosen.as_ref().is_none_or(|runs| runs.contains(&series.run_id)));
    if args.dry_run {
        let (path, found) = (args.output.display(), count(series.len(), "metric"));
        talk.say(format!("would write {found} (one a run and name) into {path}"));
        return Ok(());
    }

    let mut writer = Writer::begin(
        &args.output,
        kind,
        &Chunk::default().frame().map_err(|e| writer_error(&e))?,
    )?;
    let bar = Progress::new(talk).bar("metrics export", series.len() as u64, "metrics");
    let mut chunk = Chunk::default();
    let mut rows = 0;
    for one in &series {
        let mut after = None;
        loop {
            let points = database.points(one.id, after, (CHUNK - chunk.steps.len()) as u32)?;
            let Some((last, _)) = points.last() else { break };
            after = Some(*last);
            rows += points.len();
            chunk.push(one, &points);
            if chunk.steps.len() < CHUNK {
                break;
            }
            writer.write(&chunk.frame().map_err(|error| writer_error(&error))?)?;
            chunk = Chunk::default();
        }
        bar.advance();
    }
    writer.write(&chunk.frame().map_err(|error| writer_error(&error))?)?;
    let size = writer.finish()?;
    bar.finish(&format!(
        "{} in {}, {}",
        count(rows, "row"),
        args.output.display(),
        bytes(size)
    ));
    Ok(())
}

/// The runs of these names; `None` means all.
fn chosen(database: &Database, names: &[String]) -> Result<Option<BTreeSet<String>>, Failure> {
    if names.is_empty() {
        return Ok(None);
    }
    let experiments = database.experiment_names()?;
    let mut runs = BTreeSet::new();
    for name in names {
        if experiments.contains(name) {
            let filter = RunFilter {
                experiment: Some(name),
                ..RunFilter::default()
            };
            runs.extend(database.runs(filter)?.into_iter().map(|run| run.id));
            continue;
        }
        if name.contains('/') {
            match Named::find(database, name)? {
                Named::Run(run) => runs.extend([run.id]),
                Named::Case(case) => runs.extend(runs_of_case(database, case.id)?.into_iter().map(|run| run.id)),
            }
            continue;
        }
        match database.find(name) {
            Ok(run) => runs.extend([run.id]),
            Err(DatabaseError::NoRun(_)) => {
                let known = experiments.iter().map(String::as_str);
                return Err(Failure::unknown("experiment or run", name, known));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Some(runs))
}

/// Rows on their way to the file, column by column.
#[derive(Default)]
struct Chunk<'a> {
    run: Vec<&'a str>,
    experiment: Vec<Option<&'a str>>,
    case: Vec<Option<&'a str>>,
    seed: Vec<u64>,
    stage: Vec<&'a str>,
    metric: Vec<&'a str>,
    steps: Vec<i64>,
    values: Vec<f64>,
}

impl<'a> Chunk<'a> {
    fn push(&mut self, series: &'a Series, points: &[(i64, f64)]) {
        let length = self.steps.len() + points.len();
        self.run.resize(length, &series.run_id);
        self.experiment.resize(length, series.experiment.as_deref());
        self.case.resize(length, series.case_name.as_deref());
        self.seed.resize(length, series.seed as u64);
        self.stage.resize(length, &series.stage);
        self.metric.resize(length, &series.name);
        self.steps.extend(points.iter().map(|(step, _)| *step));
        self.values.extend(points.iter().map(|(_, value)| *value));
    }

    fn frame(&self) -> PolarsResult<DataFrame> {
        let columns: Vec<Column> = [
            Values::new("run".into(), &self.run),
            Values::new("experiment".into(), &self.experiment),
            Values::new("case".into(), &self.case),
            Values::new("seed".into(), &self.seed),
            Values::new("stage".into(), &self.stage),
            Values::new("metric".into(), &self.metric),
            Values::new("step".into(), &self.steps),
            Values::new("value".into(), &self.values),
        ]
        .into_iter()
        .map(Column::from)
        .collect();
        DataFrame::new(self.steps.len(), columns)
    }
}

fn writer_error(error: &polars::prelude::PolarsError) -> Failure {
    Failure::new(Exit::Unexpected, format!("the rows could not be put together: {error}"))
}
