//! Listings: one table, shown to people (aligned columns), to programs (JSON) or to spreadsheets (CSV).
//!
//! A table for people is cut to the terminal's width by wrapping cells; into a pipe it is as wide as it needs to be, one
//! row a line. JSON and CSV keep full precision, bytes as numbers and times in ISO 8601 (UTC).

use std::borrow::Cow;

use clap::ValueEnum;
use comfy_table::{CellAlignment, ContentArrangement, LineStyle, TableStyle};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::Talk;
use crate::failure::Failure;

/// A rule under the head, no other lines: easy to read, easy to cut with other tools.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// How a listing is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Aligned columns for people.
    #[default]
    Table,
    /// A list of objects.
    Json,
    /// Comma-separated values with a head (RFC 4180).
    Csv,
}

/// One value of a table.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    None,
    Text(String),
    Whole(i64),
    /// A count or a seed: whole, up to all of 64 bits.
    Count(u64),
    /// A number, shown to people with so many decimals.
    Number(f64, usize),
    /// A hash in hex; its first 12 digits to people.
    Hash(String),
    /// Bytes; `1.2 MB` to people.
    Bytes(u64),
    /// Milliseconds since the Unix epoch; local time to people.
    Time(i64),
    /// Milliseconds; `1m 57s` to people, seconds to programs.
    Duration(i64),
}

/// Named columns and rows of cells.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    columns: Vec<Cow<'static, str>>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    pub fn new(columns: impl IntoIterator<Item = impl Into<Cow<'static, str>>>) -> Self {
        Self {
            columns: columns.into_iter().map(Into::into).collect(),
            rows: Vec::new(),
        }
    }

    /// Appends a row with a cell for every column.
    pub fn push(&mut self, row: impl IntoIterator<Item = Cell>) {
        let row: Vec<Cell> = row.into_iter().collect();
        debug_assert_eq!(row.len(), self.columns.len());
        self.rows.push(row);
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Prints the table to stdout.
    pub fn print(&self, format: Format) -> Result<(), Failure> {
        super::out(&self.render(format))
    }

    /// Prints a listing, which may be empty: below a bare head, people are told `none` on stderr.
    pub fn list(&self, format: Format, talk: Talk) -> Result<(), Failure> {
        self.print(format)?;
        if self.is_empty() && format == Format::Table {
            talk.say("none");
        }
        Ok(())
    }

    /// The table as text that ends with a newline.
    pub fn render(&self, format: Format) -> String {
        match format {
            Format::Table => self.for_people(),
            Format::Json => self.json(),
            Format::Csv => self.csv(),
        }
    }

    fn for_people(&self) -> String {
        let mut table = comfy_table::Table::new();
        table
            .load_style(STYLE)
            .set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(self.columns.iter().map(AsRef::<str>::as_ref));
        for row in &self.rows {
            table.add_row(row.iter().map(Cell::for_people));
        }
        for (index, column) in table.column_iter_mut().enumerate() {
            let numbers = self.rows.iter().any(|row| row[index].is_number());
            let left = u16::from(index != 0);
            column.set_padding((left, 1));
            column.set_cell_alignment(if numbers {
                CellAlignment::Right
            } else {
                CellAlignment::Left
            });
        }
        let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_string()).collect();
        lines.join("\n") + "\n"
    }

    fn json(&self) -> String {
        let objects = self.rows.iter().map(|row| {
            let members = self
                .columns
                .iter()
                .zip(row)
                .map(|(name, cell)| (name.to_string(), cell.json()));
            Value::Object(members.collect::<Map<_, _>>())
        });
        format!("{:#}\n", Value::Array(objects.collect()))
    }

    fn csv(&self) -> String {
        let head = self.columns.iter().map(|name| quoted(name)).collect::<Vec<_>>();
        let rows = self.rows.iter().map(|row| {
            row.iter().map(|cell| match cell.json() {
                Value::Null => String::new(),
                Value::String(text) => quoted(&text),
                other => other.to_string(),
            })
        });
        let lines = std::iter::once(head.join(",")).chain(rows.map(|row| row.collect::<Vec<_>>().join(",")));
        lines.map(|line| line + "\n").collect()
    }
}

impl Cell {
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// The text if there is one.
    pub fn maybe(text: Option<impl Into<String>>) -> Self {
        text.map_or(Self::None, Self::text)
    }

    fn is_number(&self) -> bool {
        matches!(
            self,
            Self::Whole(_) | Self::Count(_) | Self::Number(..) | Self::Bytes(_) | Self::Duration(_)
        )
    }

    /// As people read it.
    pub fn for_people(&self) -> String {
        match self {
            Self::None => "-".to_string(),
            Self::Text(text) => text.clone(),
            Self::Hash(hash) => hash.chars().take(12).collect(),
            Self::Whole(number) => number.to_string(),
            Self::Count(number) => number.to_string(),
            Self::Number(number, decimals) => format!("{number:.decimals$}"),
            Self::Bytes(number) => super::bytes(*number),
            Self::Time(time) => match Timestamp::from_millisecond(*time) {
                Ok(time) => time
                    .to_zoned(TimeZone::system())
                    .strftime("%Y-%m-%d %H:%M:%S")
                    .to_string(),
                Err(_) => time.to_string(),
            },
            Self::Duration(time) => super::duration(*time),
        }
    }

    /// As programs read it.
    pub fn json(&self) -> Value {
        match self {
            Self::None => Value::Null,
            Self::Text(text) | Self::Hash(text) => text.clone().into(),
            Self::Whole(number) => (*number).into(),
            Self::Count(number) | Self::Bytes(number) => (*number).into(),
            Self::Number(number, _) => (*number).into(),
            Self::Time(time) => match Timestamp::from_millisecond(*time) {
                Ok(time) => time.to_string().into(),
                Err(_) => Value::Null,
            },
            Self::Duration(time) => (*time as f64 / 1000.0).into(),
        }
    }
}

impl From<usize> for Cell {
    fn from(number: usize) -> Self {
        Self::Whole(number as i64)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

/// A field of RFC 4180: quoted where it must be.
fn quoted(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(["name", "psnr", "size", "found"]);
        table.push([
            Cell::text("Rain100L, \"light\""),
            Cell::Number(31.7391, 2),
            Cell::Bytes(1_234_567),
            Cell::Time(0),
        ]);
        table.push([Cell::text("WED"), Cell::Number(9.5, 2), Cell::None, Cell::None]);
        table
    }

    #[test]
    fn people_see_aligned_numbers_and_whole_lines_in_a_pipe() {
        let text = table().render(Format::Table);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4);
        let end_of = |line: &str, what: &str| line.find(what).map(|at| at + what.len());
        assert_eq!(end_of(lines[2], "31.74"), end_of(lines[3], "9.50"));
        assert!(lines[2].contains("1.2 MB"), "{text}");
        assert!(lines.iter().all(|line| !line.ends_with(' ')), "{text}");
    }

    #[test]
    fn programs_get_full_precision_and_types() {
        let value: Value = serde_json::from_str(&table().render(Format::Json)).unwrap();
        assert_eq!(value[0]["psnr"], 31.7391);
        assert_eq!(value[0]["size"], 1_234_567);
        assert_eq!(value[0]["found"], "1970-01-01T00:00:00Z");
        assert_eq!(value[1]["found"], Value::Null);
        assert_eq!(Table::new(["name"]).render(Format::Json), "[]\n");
    }

    #[test]
    fn a_seed_of_all_64_bits_stays_a_number() {
        let mut table = Table::new(["seed"]);
        table.push([Cell::Count(u64::MAX)]);
        let value: Value = serde_json::from_str(&table.render(Format::Json)).unwrap();
        assert_eq!(value[0]["seed"], u64::MAX);
    }

    #[test]
    fn csv_quotes_what_would_break_a_row() {
        let text = table().render(Format::Csv);
        assert_eq!(
            text,
            "name,psnr,size,found\n\"Rain100L, \"\"light\"\"\",31.7391,1234567,1970-01-01T00:00:00Z\nWED,9.5,,\n"
        );
    }
}
