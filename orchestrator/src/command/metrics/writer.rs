//! A table written chunk by chunk as Parquet, CSV or JSON, under its final name only once it is whole.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use polars::io::csv::write::BatchedWriter as CsvBatches;
use polars::io::parquet::write::BatchedWriter as ParquetBatches;
use polars::prelude::{CsvWriter, DataFrame, JsonFormat, JsonWriter, ParquetWriter, PolarsError, SerWriter};

use crate::failure::{Exit, Failure};

/// What a file's ending says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Parquet,
    Csv,
    /// A list of objects, one a line.
    Json,
}

impl Kind {
    /// # Errors
    /// [`Exit::Usage`] for any other ending.
    pub fn of(path: &Path) -> Result<Self, Failure> {
        let ending = path
            .extension()
            .and_then(|ending| ending.to_str())
            .map(str::to_lowercase);
        match ending.as_deref() {
            Some("parquet") => Ok(Self::Parquet),
            Some("csv") => Ok(Self::Csv),
            Some("json") => Ok(Self::Json),
            _ => {
                let message = format!("{} has no ending that says how to write it", path.display());
                Err(Failure::new(Exit::Usage, message).help("name it FILE.parquet, FILE.csv or FILE.json"))
            }
        }
    }
}

/// An unfinished file (polars buffers by itself). Dropped before [`Writer::finish`], it is removed.
pub struct Writer {
    path: PathBuf,
    part: PathBuf,
    rows: Rows,
    finished: bool,
}

enum Rows {
    Parquet(Box<ParquetBatches<File>>),
    Csv(CsvBatches<File>),
    Json { file: BufWriter<File>, begun: bool },
}

impl Writer {
    /// Begins the file `path`; all frames have the columns of `like`.
    pub fn begin(path: &Path, kind: Kind, like: &DataFrame) -> Result<Self, Failure> {
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let failed = |error| Failure::io(format!("cannot write {}", path.display()), &error);
        let file = File::create(&part).map_err(failed)?;
        let rows = match kind {
            Kind::Parquet => ParquetWriter::new(file)
                .batched(like.schema())
                .map(|rows| Rows::Parquet(Box::new(rows))),
            Kind::Csv => CsvWriter::new(file).batched(like.schema()).map(Rows::Csv),
            Kind::Json => Ok(Rows::Json {
                file: BufWriter::new(file),
                begun: false,
            }),
        };
        Ok(Self {
            path: path.to_path_buf(),
            rows: rows.map_err(|error| refused(path, error))?,
            part,
            finished: false,
        })
    }

    pub fn write(&mut self, frame: &DataFrame) -> Result<(), Failure> {
        if frame.height() == 0 {
            return Ok(());
        }
        let written = match &mut self.rows {
            Rows::Parquet(rows) => rows.write_batch(frame),
            Rows::Csv(rows) => rows.write_batch(frame),
            Rows::Json { file, begun } => write_json(file, begun, frame),
        };
        written.map_err(|error| refused(&self.path, error))
    }

    /// Gives the file its name, and returns its bytes.
    pub fn finish(mut self) -> Result<u64, Failure> {
        let ended = match &mut self.rows {
            Rows::Parquet(rows) => rows.finish().map(drop),
            Rows::Csv(rows) => rows.finish(),
            Rows::Json { file, begun } => {
                let end = if *begun { "\n]\n" } else { "[]\n" };
                file.write_all(end.as_bytes())
                    .and_then(|()| file.flush())
                    .map_err(PolarsError::from)
            }
        };
        ended.map_err(|error| refused(&self.path, error))?;
        let failed = |error| Failure::io(format!("cannot write {}", self.path.display()), &error);
        let size = File::open(&self.part).and_then(|file| file.sync_all().and_then(|()| Ok(file.metadata()?.len())));
        let size = size.map_err(failed)?;
        fs::rename(&self.part, &self.path).map_err(failed)?;
        self.finished = true;
        Ok(size)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !self.finished {
            // Nothing more can be done about a file that cannot even be removed.
            let _ = fs::remove_file(&self.part);
        }
    }
}

/// Objects of several frames in one list: polars writes them a line each, and lines are joined with commas.
fn write_json(file: &mut impl Write, begun: &mut bool, frame: &DataFrame) -> Result<(), PolarsError> {
    let mut lines = Vec::new();
    JsonWriter::new(&mut lines)
        .with_json_format(JsonFormat::JsonLines)
        .finish(&mut frame.clone())?;
    // Within a string, JSON has no newline as such.
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        file.write_all(if *begun { b",\n" } else { b"[\n" })?;
        file.write_all(line)?;
        *begun = true;
    }
    Ok(())
}

fn refused(path: &Path, error: PolarsError) -> Failure {
    let doing = format!("cannot write {}", path.display());
    match error {
        PolarsError::IO { error, .. } => Failure::io(doing, &error),
        other => Failure::new(Exit::Unexpected, format!("{doing}: {other}")),
    }
}
