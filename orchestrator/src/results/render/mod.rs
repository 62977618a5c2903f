//! Results as text or bytes: aligned for people, Markdown and LaTeX for documents, CSV, JSON and Parquet for programs.
//!
//! People and documents get sheets under a caption; programs get every column of the frame with every digit.

mod aligned;
mod data;
mod latex;
mod markdown;

use std::ffi::OsStr;
use std::path::Path;

use clap::ValueEnum;
use polars::prelude::*;

use super::sheet::Sheet;
use crate::failure::{Exit, Failure};

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

    /// What is asked for, or else what the ending of `file` says, or else a table.
    ///
    /// # Errors
    /// [`Exit::Usage`] where the two contradict each other.
    pub fn chosen(asked: Option<Self>, file: Option<&Path>) -> Result<Self, Failure> {
        let ending = file.and_then(Path::extension).and_then(OsStr::to_str);
        let told = ending.and_then(Self::of_ending);
        match (asked, told, ending) {
            (Some(asked), Some(told), Some(ending)) if asked != told => {
                let [asked, told] = [asked, told].map(Self::name);
                Err(Failure::new(
                    Exit::Usage,
                    format!("--format {asked} and --output ….{ending} contradict each other: .{ending} is {told}"),
                )
                .help("leave --format out, or give the file another ending"))
            }
            _ => Ok(asked.or(told).unwrap_or_default()),
        }
    }

    fn of_ending(ending: &str) -> Option<Self> {
        match ending.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "json" => Some(Self::Json),
            "parquet" => Some(Self::Parquet),
            "md" => Some(Self::Markdown),
            "tex" => Some(Self::Latex),
            _ => None,
        }
    }

    /// As it is written after `--format`.
    fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
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
