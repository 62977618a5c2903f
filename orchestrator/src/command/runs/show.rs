//! `perceive-ir runs show RUN`: everything that is recorded of one run.

use serde_json::{Value, json};

use super::named::Named;
use crate::database::Database;
use crate::database::evaluations::Mean;
use crate::database::runs::{MetricSummary, Run, RunEvent};
use crate::failure::Failure;
use crate::home::Home;
use crate::provenance::{Code, Origin};
use crate::show::{Cell, Format, Table, Talk, out};

/// Without -v, so many of the latest events are shown.
const LATEST: usize = 20;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The run's id, or its beginning; experiment/case[#seed][@scale] is the case's newest restore run.
    run: String,
    /// How to print it; csv is every point of every metric.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What is known of a run.
struct Facts {
    run: Run,
    tags: Vec<String>,
    note: Option<String>,
    code: Option<Code>,
    origin: Option<Origin>,
    settings: Vec<(String, String)>,
    metrics: Vec<MetricSummary>,
    means: Vec<Mean>,
    events: Vec<RunEvent>,
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    drop(Database::open_read_only(home)?);
    let database = Database::open(home)?;
    database.settle_lost(home)?;
    let run = Named::run(&database, &args.run)?;
    let labels = database.labels()?;
    let facts = Facts {
        tags: labels.tags(&run.id).to_vec(),
        note: labels.note(&run.id).map(String::from),
        code: database.code_of(&run.id)?,
        origin: database.origin_of(&run.id)?,
        settings: run.case_id.map_or(Ok(Vec::new()), |case| database.settings(case))?,
        metrics: database.metric_summaries(&run.id)?,
        means: database.means_of_artefact(&run.artefact_key)?,
        events: database.events(&run.id)?,
        run,
    };
    match args.format {
        Format::Table => show(&facts, talk),
        Format::Json => out(&format!("{:#}\n", facts.json())),
        Format::Csv => points(&database, &facts)?.print(Format::Csv),
    }
}

fn show(facts: &Facts, talk: Talk) -> Result<(), Failure> {
    let mut sections = vec![facts.about().render(Format::Table)];
    if !facts.settings.is_empty() {
        let mut table = Table::new(["setting", "value"]);
        for (key, value) in &facts.settings {
            table.push([Cell::text(key), Cell::text(value)]);
        }
        sections.push(table.render(Format::Table));
    }
    if !facts.metrics.is_empty() {
        let mut table = Table::new(["metric", "points", "at step", "last", "smallest", "largest"]);
        for metric in &facts.metrics {
            table.push([
                Cell::text(&metric.name),
                Cell::Whole(metric.points),
                Cell::Whole(metric.last_step),
                Cell::Number(metric.last, 4),
                Cell::Number(metric.smallest, 4),
                Cell::Number(metric.largest, 4),
            ]);
        }
        sections.push(table.render(Format::Table));
    }
    if !facts.means.is_empty() {
        let mut table = Table::new(["test", "degradation", "tier", "metric", "mean", "pictures"]);
        for mean in &facts.means {
            table.push([
                Cell::text(&mean.test),
                Cell::text(&mean.degradation),
                Cell::text(&mean.tier),
                Cell::text(&mean.metric),
                Cell::Number(mean.mean, 3),
                Cell::Whole(mean.pictures),
            ]);
        }
        sections.push(table.render(Format::Table));
    }
    let hidden = if talk == Talk::Verbose {
        0
    } else {
        facts.events.len().saturating_sub(LATEST)
    };
    if !facts.events.is_empty() {
        let mut table = Table::new(["when", "event", "text"]);
        for event in &facts.events[hidden..] {
            table.push([Cell::Time(event.at), Cell::text(&event.kind), Cell::text(&event.text)]);
        }
        sections.push(table.render(Format::Table));
    }
    out(&sections.join("\n"))?;
    if hidden > 0 {
        talk.say(format!("{hidden} earlier events are left out; -v shows them"));
    }
    Ok(())
}

fn points(database: &Database, facts: &Facts) -> Result<Table, Failure> {
    let mut table = Table::new(["metric", "step", "value"]);
    for metric in &facts.metrics {
        for (step, value) in database.metric(&facts.run.id, &metric.name)? {
            table.push([Cell::text(&metric.name), Cell::Whole(step), Cell::Number(value, 6)]);
        }
    }
    Ok(table)
}

impl Facts {
    fn about(&self) -> Table {
        let run = &self.run;
        let mut table = Table::new(["run", ""]);
        let mut fact = |name: &str, cell: Cell| {
            if cell != Cell::None {
                table.push([Cell::text(name), Cell::Text(cell.for_people())]);
            }
        };
        fact("id", Cell::text(&run.id));
        fact("experiment", Cell::maybe(run.experiment.as_deref()));
        fact("case", Cell::maybe(run.case_name.as_deref()));
        fact("seed", Cell::text((run.seed as u64).to_string()));
        fact("stage", Cell::text(format!("{} ({})", run.stage, run.label)));
        fact("artefact", Cell::text(&run.artefact_key));
        fact("state", Cell::text(run.state.name()));
        fact("reason", Cell::maybe(run.reason.as_deref()));
        fact("exit code", run.exit_code.map_or(Cell::None, Cell::Whole));
        fact(
            "tags",
            Cell::maybe(Some(self.tags.join(" ")).filter(|tags| !tags.is_empty())),
        );
        fact("note", Cell::maybe(self.note.as_deref()));
        fact("device", Cell::text(&run.device));
        fact("machine", Cell::text(&run.machine));
        if let Some(origin) = &self.origin {
            let memory = Cell::Bytes(origin.memory as u64).for_people();
            let text = format!("{}, {} cores, {memory}, {}", origin.cpu, origin.cores, origin.os);
            fact("", Cell::text(text));
            fact("threads", Cell::Whole(origin.threads));
        }
        fact("process", run.pid.map_or(Cell::None, Cell::Whole));
        fact("queued", Cell::Time(run.queued_at));
        fact("started", run.started_at.map_or(Cell::None, Cell::Time));
        fact("ended", run.ended_at.map_or(Cell::None, Cell::Time));
        fact("took", run.took().map_or(Cell::None, Cell::Duration));
        fact("command", Cell::text(&run.command));
        if let Some(origin) = &self.origin {
            fact("in folder", Cell::text(&origin.folder));
            fact("environment", Cell::text(&origin.environment));
        }
        fact("code", Cell::text(run.code()));
        if let Some(code) = &self.code {
            if !code.diff.is_empty() {
                let lines = code.diff.lines().count();
                fact(
                    "",
                    Cell::text(format!(
                        "changes: {lines} lines, `perceive-ir runs diff {}` prints them",
                        run.id
                    )),
                );
            }
            fact(
                "built by",
                Cell::text(format!("{} for {} ({})", code.rustc, code.target, code.profile)),
            );
            fact(
                "features",
                Cell::maybe(Some(&code.features).filter(|names| !names.is_empty())),
            );
            fact(
                "sources",
                Cell::text(format!("{}, Cargo.lock {}", code.sources, &code.lock[..12])),
            );
        }
        table
    }

    fn json(&self) -> Value {
        let run = &self.run;
        let settings: serde_json::Map<String, Value> = self
            .settings
            .iter()
            .map(|(key, value)| (key.clone(), value.clone().into()))
            .collect();
        let metrics = self.metrics.iter().map(|metric| {
            json!({
                "name": metric.name, "points": metric.points, "last_step": metric.last_step, "last": metric.last,
                "smallest": metric.smallest, "largest": metric.largest,
            })
        });
        let means = self.means.iter().map(|mean| {
            json!({
                "test": mean.test, "degradation": mean.degradation, "tier": mean.tier, "metric": mean.metric,
                "mean": mean.mean, "pictures": mean.pictures,
            })
        });
        let events = self
            .events
            .iter()
            .map(|event| json!({"seq": event.seq, "at": time(Some(event.at)), "kind": event.kind, "text": event.text}));
        json!({
            "id": run.id, "experiment": run.experiment, "case": run.case_name, "seed": run.seed as u64,
            "stage": run.stage, "label": run.label, "artefact": run.artefact_key, "state": run.state.name(),
            "reason": run.reason, "exit_code": run.exit_code, "device": run.device, "machine": run.machine,
            "process": run.pid, "queued": time(Some(run.queued_at)), "started": time(run.started_at),
            "ended": time(run.ended_at), "command": run.command, "version": run.version,
            "commit": run.code_commit, "dirty": run.dirty, "tags": self.tags, "note": self.note,
            "code": self.code, "origin": self.origin,
            "settings": settings, "metrics": metrics.collect::<Vec<_>>(), "means": means.collect::<Vec<_>>(),
            "events": events.collect::<Vec<_>>(),
        })
    }
}

fn time(milliseconds: Option<i64>) -> Value {
    milliseconds.map_or(Value::Null, |time| Cell::Time(time).json())
}
