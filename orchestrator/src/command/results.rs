//! `perceive-ir results EXPERIMENT`: the table that a paper would print, from what is recorded.

use std::io::{self, IsTerminal};
use std::path::PathBuf;

use perceive_model::metric::METRICS;
use polars::prelude::{DataFrame, PolarsError};

use crate::database::Database;
use crate::failure::{Exit, Failure};
use crate::home::Home;
use crate::paper::{self, Table};
use crate::results::beside::beside_paper;
use crate::results::caption::{Layout, caption};
use crate::results::columns::{KEYS, rows_of};
use crate::results::deliver::deliver;
use crate::results::filter::{self, Comparison};
use crate::results::measurement::{Measurement, Per};
use crate::results::methods::with_methods;
use crate::results::read::{Answers, read};
use crate::results::render::{self, Format};
use crate::results::settings::{self, Compared};
use crate::results::table::table;
use crate::results::{missing, mixed, pivot, tall};
use crate::show::Talk;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The experiment's name, as it was run.
    experiment: String,
    /// How to print; left out, what the ending of --output says, or else a table.
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Which metrics, by name and protocol, such as psnr_rgb; all that were measured if left out.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    metric: Vec<String>,
    /// A case, in which * stands for anything, as after `run --only`; may be repeated; all if left out.
    #[arg(long, value_name = "CASE")]
    case: Vec<String>,
    /// Keep the rows for which this holds, such as 'restore.loss.clip_aware > 0.01 and test = cbsd68': columns of the
    /// CSV and settings, with = != < <= > >=.
    #[arg(long = "where", value_name = "CONDITION")]
    condition: Option<String>,
    /// Sort by a column of the CSV or a setting; cases by their averages.
    #[arg(long, value_name = "COLUMN[,desc]")]
    sort: Option<String>,
    /// What has a row of its own.
    #[arg(long, value_enum, default_value_t)]
    per: Per,
    /// Of several cases too: a row for each test set, with degraded, medium, restored and gain.
    #[arg(long)]
    long: bool,
    /// Put the paper's numbers beside ours, where test set and degradation coincide. What the experiments of the paper
    /// (table2 … table13, fig8) do by themselves.
    #[arg(long, overrides_with = "no_paper")]
    paper: bool,
    /// Leave the paper's numbers out.
    #[arg(long)]
    no_paper: bool,
    /// Add rows of the paper's table as printed, such as promptir,airnet, or all.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    methods: Vec<String>,
    /// Write a file instead of stdout.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Args {
    /// What `run` shows at its end.
    pub fn of(experiment: &str) -> Self {
        Self {
            experiment: experiment.into(),
            format: None,
            metric: Vec::new(),
            case: Vec::new(),
            condition: None,
            sort: None,
            per: Per::default(),
            long: false,
            paper: false,
            no_paper: false,
            methods: Vec::new(),
            output: None,
        }
    }

    fn with_paper(&self) -> bool {
        let is_asked = self.paper || !self.methods.is_empty() || paper::find(&self.experiment).is_some();
        is_asked && !self.no_paper && self.per == Per::Test
    }

    /// What cannot be done, before anything is read; else the format.
    fn check(&self) -> Result<Format, Failure> {
        let format = Format::chosen(self.format, self.output.as_deref())?;
        if format == Format::Parquet && self.output.is_none() {
            return Err(Failure::new(Exit::Usage, "Parquet is binary and goes to a file only")
                .help(format!("add --output {}.parquet", self.experiment)));
        }
        if self.per == Per::Picture && (self.paper || !self.methods.is_empty()) {
            return Err(Failure::new(Exit::Usage, "the paper has no numbers of single pictures")
                .help("leave out --per picture, or --paper and --methods"));
        }
        Ok(format)
    }
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    let format = args.check()?;
    let comparisons = args
        .condition
        .as_deref()
        .map(filter::parse)
        .transpose()?
        .unwrap_or_default();
    let methods = methods(args)?;
    let database = Database::open_read_only(home)?;
    let answers = read(&database, &args.experiment, &args.case, args.per)?;
    let metrics = chosen(&args.metric, &answers.measurements)?;
    let compared = Compared::new(&answers.cases);
    let columns = setting_columns(args, &comparisons, &compared)?;
    let names: Vec<&str> = compared.all.into_iter().collect();

    let mut frame = table(&answers.cases, &answers.measurements, &metrics, args.per).map_err(unexpected)?;
    let is_evaluated = frame.height() > 0;
    frame = settings::add_columns(&frame, &answers.cases, &columns).map_err(unexpected)?;
    if args.with_paper() {
        frame = beside_paper(&frame, &args.experiment, &metrics).map_err(unexpected)?;
    }
    frame = filter::keep(&frame, &comparisons, &names)?;
    if let Some(by) = &args.sort {
        frame = filter::sort(&frame, by, &names)?;
    }
    if let Some((table, cases)) = methods.filter(|_| frame.height() > 0) {
        frame = with_methods(&frame, table, &cases, &metrics).map_err(unexpected)?;
    }
    warn_of_mixtures(&args.experiment, &answers, &database.entry(&args.experiment)?);
    if frame.height() == 0 {
        let why = if is_evaluated {
            "no row is as --where asks"
        } else {
            "nothing is evaluated yet"
        };
        talk.say(format!("{}: {why}", args.experiment));
    }
    show(args, format, &answers, &frame, &metrics, &columns, talk)?;
    for line in missing::lines(&args.experiment, &answers.unfinished) {
        talk.say(line);
    }
    Ok(())
}

/// Numbers that stand together and were not made alike.
fn warn_of_mixtures(experiment: &str, answers: &Answers, entry: &str) {
    let seeds = settings::unlike_seeds(&answers.cases);
    for (case, keys) in &seeds {
        Talk::warn(format!(
            "{case}: its seeds were run with other {}: a mean of unlike things",
            keys.join(", ")
        ));
    }
    let mut keys = mixed::beyond_grid(&answers.cases, entry);
    keys.retain(|key| seeds.iter().all(|(_, told)| !told.contains(key)));
    if !keys.is_empty() {
        Talk::warn(format!(
            "{experiment}: its cases were run with other {}, which its grid does not vary: they do not compare; \
             `perceive-ir run {experiment}` makes all alike",
            keys.join(", ")
        ));
    }
}

fn show(
    args: &Args,
    format: Format,
    answers: &Answers,
    frame: &DataFrame,
    metrics: &[&str],
    settings: &[&str],
    talk: Talk,
) -> Result<(), Failure> {
    let cases = rows_of(frame).map_err(unexpected)?;
    let is_one = cases.windows(2).all(|rows| rows[0].case == rows[1].case);
    let layout = Layout {
        per: args.per,
        is_pivot: format.is_for_people() && !is_one && !args.long && args.per == Per::Test,
        with_paper: args.with_paper(),
    };
    let caption = caption(&args.experiment, &answers.cases, frame, layout);
    let bytes = if !format.is_for_people() {
        caption
            .iter()
            .filter(|_| frame.height() > 0)
            .for_each(|line| talk.say(line));
        render::frame(frame, format).map_err(unexpected)?
    } else if frame.height() == 0 {
        return Ok(());
    } else {
        let sheets = if layout.is_pivot {
            pivot::sheets(frame, metrics)
        } else {
            let without = frame.drop_many(settings.iter().copied());
            tall::sheet(&without).map(|sheet| vec![sheet])
        };
        let styled = args.output.is_none() && io::stdout().is_terminal();
        render::sheets(&sheets.map_err(unexpected)?, &caption, format, styled).into_bytes()
    };
    deliver(&bytes, args.output.as_deref())
}

/// The asked metrics, all of which were measured; all that were measured, in the registry's order, where none is asked
/// for. With nothing measured yet, any name will do.
fn chosen<'a>(asked: &'a [String], measurements: &'a [Measurement]) -> Result<Vec<&'a str>, Failure> {
    let mut measured: Vec<&str> = measurements.iter().map(|m| m.metric.as_str()).collect();
    let place = |name: &str| {
        METRICS
            .iter()
            .position(|metric| metric.name == name)
            .unwrap_or(METRICS.len())
    };
    measured.sort_unstable();
    measured.dedup();
    measured.sort_by_key(|name| place(name));
    let absent = asked
        .iter()
        .find(|name| !measured.is_empty() && !measured.contains(&name.as_str()));
    match absent {
        Some(name) => Err(Failure::unknown("measured metric", name, measured)),
        None if asked.is_empty() => Ok(measured),
        None => Ok(asked.iter().map(String::as_str).collect()),
    }
}

/// The settings that differ between cases, and those that --where and --sort name although they do not.
fn setting_columns<'a>(
    args: &Args,
    comparisons: &[Comparison],
    compared: &Compared<'a>,
) -> Result<Vec<&'a str>, Failure> {
    let sort = args.sort.as_deref().map(filter::direction).transpose()?;
    let named: Vec<&str> = comparisons
        .iter()
        .map(|comparison| comparison.name.as_str())
        .chain(sort.map(|(name, _)| name))
        .collect();
    let is_asked = |key: &str| compared.differing.contains(key) || named.contains(&key);
    // `test`, `scale` and `towers` are settings too: in a table, the column is meant.
    let is_column = |key: &&str| is_asked(key) && !KEYS.contains(key);
    Ok(compared.all.iter().copied().filter(is_column).collect())
}

/// The table that --methods are rows of, and which.
fn methods(args: &Args) -> Result<Option<(&'static Table, Vec<&str>)>, Failure> {
    if args.methods.is_empty() {
        return Ok(None);
    }
    let Some(table) = paper::find(&args.experiment) else {
        return Err(Failure::new(
            Exit::Usage,
            format!("--methods: {} is no table of the paper", args.experiment),
        )
        .help("--methods adds rows of the table that an experiment repeats: table2 … table13"));
    };
    let known: Vec<&str> = table.rows().into_iter().map(|(case, _)| case).collect();
    if args.methods == ["all"] {
        return Ok(Some((table, known)));
    }
    let asked: Vec<&str> = args.methods.iter().map(String::as_str).collect();
    match asked.iter().find(|name| !known.contains(name)) {
        Some(name) => Err(Failure::unknown(&format!("row of {}", table.name), name, known)),
        None => Ok(Some((table, asked))),
    }
}

fn unexpected(error: PolarsError) -> Failure {
    Failure::new(
        Exit::Unexpected,
        format!("the table of results could not be made: {error}"),
    )
}
