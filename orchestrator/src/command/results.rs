//! `perceive-ir results EXPERIMENT`: the table that a paper would print, from what is recorded.

use std::collections::BTreeSet;

use polars::prelude::{Column, DataFrame, PolarsError};

use crate::database::Database;
use crate::database::runs::RunState;
use crate::failure::{Exit, Failure};
use crate::home::Home;
use crate::paper::Setting;
use crate::results::beside::{self, beside_paper};
use crate::results::format::{Format, render};
use crate::results::read::{Answers, Unfinished, read};
use crate::results::table::{Measurement, table};
use crate::show::{self, Talk};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The experiment's name, as it was run.
    experiment: String,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Which metrics, by name and protocol.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "psnr_rgb,ssim_rgb",
        value_name = "NAMES"
    )]
    metric: Vec<String>,
    /// Put the paper's numbers for Perceive-IR beside ours, where test set and degradation coincide.
    #[arg(long)]
    paper: bool,
}

impl Args {
    /// What `run` shows at its end.
    pub fn of(experiment: &str) -> Self {
        Self {
            experiment: experiment.into(),
            format: Format::default(),
            metric: ["psnr_rgb", "ssim_rgb"].map(String::from).to_vec(),
            paper: false,
        }
    }
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    let database = Database::open_read_only(home)?;
    let answers = read(&database, &args.experiment)?;
    let metrics = chosen(&args.metric, &answers.measurements)?;
    let mut frame = table(&answers.measurements, &metrics).map_err(|error| unexpected(&error))?;
    if args.paper {
        frame = beside_paper(&frame).map_err(|error| unexpected(&error))?;
    }
    let text = render(&frame, args.format).map_err(|error| unexpected(&error))?;
    let caption = caption(args, &answers.measurements, &frame);
    if frame.height() == 0 {
        talk.say(format!("{}: nothing is evaluated yet", args.experiment));
    } else if args.format.is_for_people() {
        // Two spaces at a line's end keep Markdown from joining the lines.
        let end = if args.format == Format::Markdown { "  \n" } else { "\n" };
        show::out(&(caption.join(end) + "\n\n"))?;
    } else {
        for line in &caption {
            talk.say(line);
        }
    }
    if frame.height() > 0 || !args.format.is_for_people() {
        show::out(&text)?;
    }
    tell_what_is_missing(&args.experiment, &answers, talk);
    Ok(())
}

/// The asked metrics, all of which were measured; with nothing measured yet, any name will do.
fn chosen<'a>(asked: &'a [String], measurements: &[Measurement]) -> Result<Vec<&'a str>, Failure> {
    let measured: BTreeSet<&str> = measurements.iter().map(|m| m.metric.as_str()).collect();
    let absent = asked
        .iter()
        .find(|name| !measured.is_empty() && !measured.contains(name.as_str()));
    match absent {
        Some(name) => Err(Failure::unknown("measured metric", name, measured)),
        None => Ok(asked.iter().map(String::as_str).collect()),
    }
}

/// What was measured, with what: everything that a reader must know before believing a number.
fn caption(args: &Args, measurements: &[Measurement], frame: &DataFrame) -> Vec<String> {
    let distinct = |of: fn(&Measurement) -> &str| -> String {
        let values: BTreeSet<&str> = measurements.iter().map(of).collect();
        values.into_iter().collect::<Vec<_>>().join(", ")
    };
    let towers = distinct(|m| &m.towers);
    let stand_in = if towers.contains("stand-in") {
        " (stand-in: small seeded networks in place of CLIP, DINOv2 and VGG-16)"
    } else {
        ""
    };
    let seeds = measurements.iter().map(|m| m.seed).collect::<BTreeSet<_>>().len();
    let spread = if seeds > 1 {
        ", ± sample deviation over seeds"
    } else {
        ""
    };
    let mut lines = vec![
        format!(
            "{}: means over the pictures of each test set{spread}; gain = restored - degraded; PSNR in dB",
            args.experiment
        ),
        format!("scale: {}; towers: {towers}{stand_in}", distinct(|m| &m.scale)),
    ];
    if args.paper {
        let tables: Vec<String> = tables_in(frame)
            .into_iter()
            .map(|setting| format!("{} ({})", setting.table(), setting.title()))
            .collect();
        lines.push(if tables.is_empty() {
            "paper: none of its test sets and degradations is among these".to_owned()
        } else {
            format!(
                "paper: Perceive-IR as printed in table {}; full size and data, RGB, SSIM window not stated",
                tables.join(" and ")
            )
        });
    }
    lines
}

/// The paper's tables that have a number here.
fn tables_in(frame: &DataFrame) -> Vec<Setting> {
    let Ok(column) = frame.column(beside::COLUMNS[0]).and_then(Column::str) else {
        return Vec::new();
    };
    let here: BTreeSet<&str> = column.iter().flatten().collect();
    Setting::ALL
        .into_iter()
        .filter(|setting| here.contains(setting.table()))
        .collect()
}

fn tell_what_is_missing(experiment: &str, answers: &Answers, talk: Talk) {
    if answers.unfinished.is_empty() {
        return;
    }
    for Unfinished { case, pending } in &answers.unfinished {
        let stages: Vec<String> = pending
            .iter()
            .filter_map(|pending| {
                let (stage, state) = (pending.stage.as_deref()?, pending.state?);
                let why = match (&pending.reason, state) {
                    (Some(reason), RunState::Failed) => format!(" ({reason})"),
                    _ => String::new(),
                };
                let label = pending
                    .label
                    .as_deref()
                    .filter(|label| !label.is_empty() && *label != stage);
                let label = label.map(|label| format!(" {label}")).unwrap_or_default();
                Some(format!("{stage}{label} is {}{why}", state.name()))
            })
            .collect();
        let stages = if stages.is_empty() {
            "its evaluation has not begun".to_owned()
        } else {
            stages.join(", ")
        };
        talk.say(format!("not complete: {case}: {stages}"));
    }
    talk.say(format!("`perceive-ir run {experiment}` does what is missing"));
}

fn unexpected(error: &PolarsError) -> Failure {
    Failure::new(
        Exit::Unexpected,
        format!("the table of results could not be made: {error}"),
    )
}
