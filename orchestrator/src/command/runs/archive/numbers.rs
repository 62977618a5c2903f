//! The numbers of an archived run: from its CSV files back into the record, the way they first came: through a journal.

use std::path::Path;
use std::sync::Arc;

use polars::prelude::{CsvReadOptions, DataFrame, DataType, Field, PolarsError, Schema, SerReader};

use super::ArchivedRun;
use super::unpack::damaged;
use crate::database::Database;
use crate::failure::Failure;
use crate::journal::{Event, Journal};

/// The columns of an evaluation that are text.
const NAMES: [&str; 5] = ["test", "degradation", "picture", "tier", "metric"];

/// Records the metrics of the run `id`, and its artefact's evaluations if it made them.
pub fn place(unpacked: &Path, id: &str, run: &ArchivedRun, database: &Database) -> Result<(), Failure> {
    let folder = unpacked.join("runs").join(id);
    let path = folder.join("numbers.jsonl");
    let mut journal = Journal::open(&path)?;
    tell_metrics(&folder.join("metrics.csv"), &mut journal)?;
    let text = |name: &str| run.row.get(name).and_then(|value| value.as_str()).unwrap_or_default();
    let evaluations = unpacked
        .join("artefacts")
        .join(text("artefact_key"))
        .join("evaluations.csv");
    if text("state") == "done" && evaluations.exists() {
        tell_evaluations(&evaluations, &mut journal)?;
    }
    drop(journal);
    database.forget_position(id)?;
    database.import(id, &path)?;
    // What counts is how far the real journal was read, not this one.
    database.forget_position(id)?;
    database.put_rows(crate::database::rows::Rows::Journals, &run.journal)?;
    Ok(())
}

fn tell_metrics(path: &Path, journal: &mut Journal) -> Result<(), Failure> {
    let frame = read_csv(path, &["name"], &["step"])?;
    let unreadable = |error: PolarsError| damaged(path, &error.to_string());
    let names = frame
        .column("name")
        .and_then(|column| column.str())
        .map_err(unreadable)?;
    let steps = frame
        .column("step")
        .and_then(|column| column.i64())
        .map_err(unreadable)?;
    let values = frame
        .column("value")
        .and_then(|column| column.f64())
        .map_err(unreadable)?;
    for ((name, step), value) in names.iter().zip(steps.iter()).zip(values.iter()) {
        if let (Some(name), Some(step), Some(value)) = (name, step, value) {
            let (name, step) = (name.to_string(), step as u64);
            journal.append(Event::Metric { name, step, value })?;
        }
    }
    Ok(())
}

fn tell_evaluations(path: &Path, journal: &mut Journal) -> Result<(), Failure> {
    let frame = read_csv(path, &NAMES, &[])?;
    let unreadable = |error: PolarsError| damaged(path, &error.to_string());
    let mut texts = Vec::new();
    for name in NAMES {
        texts.push(frame.column(name).and_then(|column| column.str()).map_err(unreadable)?);
    }
    let values = frame
        .column("value")
        .and_then(|column| column.f64())
        .map_err(unreadable)?;
    for (row, value) in values.iter().enumerate() {
        let text = |column: usize| texts[column].get(row).unwrap_or_default().to_string();
        let Some(value) = value else { continue };
        journal.append(Event::Evaluation {
            test: text(0),
            degradation: text(1),
            picture: text(2),
            tier: text(3),
            metric: text(4),
            value,
        })?;
    }
    Ok(())
}

/// A CSV of these columns of text, of these whole numbers, and of a `value`.
fn read_csv(path: &Path, texts: &[&str], wholes: &[&str]) -> Result<DataFrame, Failure> {
    let fields = texts
        .iter()
        .map(|name| Field::new((*name).into(), DataType::String))
        .chain(wholes.iter().map(|name| Field::new((*name).into(), DataType::Int64)))
        .chain([Field::new("value".into(), DataType::Float64)]);
    let schema = Arc::new(fields.collect::<Schema>());
    let options = CsvReadOptions::default()
        .with_has_header(true)
        .with_schema(Some(schema));
    let read = options
        .try_into_reader_with_file_path(Some(path.to_path_buf()))
        .and_then(SerReader::finish);
    read.map_err(|error| damaged(path, &error.to_string()))
}
