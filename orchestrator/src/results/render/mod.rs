//! Results as text or bytes: aligned for people, Markdown and LaTeX for documents, CSV, JSON and Parquet for programs.
//!
//! People and documents get sheets under a caption; programs get every column of the frame with every digit.

mod aligned;
mod data;
mod latex;
mod markdown;

use clap::ValueEnum;
use polars::prelude::*;

use super::sheet::Sheet;

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Aligned columns for people.
    #[default]
    Table,
    /// A pipe table for documents.
    Markdown,
    /// A tabular of the package booktabs.
    Latex,
    /// Comma-separated values with a head.
    Csv,
    /// A list of objects.
    Json,
    /// Columns with types, for polars, pandas and DuckDB; needs --output.
    Parquet,
}

impl Format {
    /// Whether people read it: then it is made of sheets, and the caption stands above them.
    pub fn is_for_people(self) -> bool {
        matches!(self, Self::Table | Self::Markdown | Self::Latex)
    }
}

/// Sheets under a caption, in a [`Format`] for people; ends with a newline. `styled`: with a terminal's bold and underline.
pub fn sheets(sheets: &[Sheet], caption: &[String], format: Format, styled: bool) -> String {
    let of_sheet = |sheet| match format {
        Format::Markdown => markdown::sheet(sheet),
        Format::Latex => latex::sheet(sheet),
        _ => aligned::sheet(sheet, styled),
    };
    let caption = match format {
        // Two spaces at a line's end keep Markdown from joining the lines.
        Format::Markdown => caption.join("  \n"),
        Format::Latex => caption
            .iter()
            .map(|line| format!("% {line}"))
            .collect::<Vec<_>>()
            .join("\n"),
        _ => caption.join("\n"),
    };
    let sheets: Vec<String> = sheets.iter().map(of_sheet).collect();
    format!("{caption}\n\n{}", sheets.join("\n"))
}

/// The whole frame in a [`Format`] for programs.
pub fn frame(frame: &DataFrame, format: Format) -> PolarsResult<Vec<u8>> {
    match format {
        Format::Json => data::json(frame),
        Format::Parquet => data::parquet(frame),
        _ => data::csv(frame),
    }
}

#[cfg(test)]
mod tests;
