//! `perceive-ir runs query "SQL"`: a question of one's own to the record, read-only; `--schema` tells what can be asked.

use std::time::Duration;

use miette::{Diagnostic, NamedSource, SourceSpan};

use super::statement::{self, Token};
use crate::database::query::{Answer, SchemaColumn, Value};
use crate::database::{Database, DatabaseError, meanings};
use crate::failure::{Exit, Failure, nearest};
use crate::home::Home;
use crate::show::{Cell, Format, Table, Talk, count, decimals};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// One SELECT statement.
    #[arg(required_unless_present = "schema")]
    sql: Option<String>,
    /// Print tables, views and their columns.
    #[arg(long, conflicts_with = "sql")]
    schema: bool,
    /// At most so many rows.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    limit: usize,
    /// Give up after so many seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0)]
    timeout: f64,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    let sql = args.sql.as_deref().unwrap_or_default();
    let sql = if args.schema { sql } else { statement::single(sql)? };
    let timeout = Duration::try_from_secs_f64(args.timeout).map_err(|_| {
        Failure::new(Exit::Usage, format!("--timeout {} is no time", args.timeout)).help("--timeout 30")
    })?;
    let database = Database::open_read_only(home)?;
    if args.schema {
        return schema(&database.schema_columns()?).print(args.format);
    }
    let answer = match database.query(sql, args.limit, timeout) {
        Ok(Some(answer)) => answer,
        Ok(None) => {
            let text = format!("the query was not answered within {} s and was given up", args.timeout);
            return Err(Failure::new(Exit::Usage, text)
                .help("--timeout SECONDS waits longer; EXPLAIN QUERY PLAN before the query tells what it reads"));
        }
        Err(error) => return Err(explained(&database, sql, error)),
    };
    table(&answer, args.format).list(args.format, talk)?;
    if answer.more {
        let shown = count(answer.rows.len(), "row");
        talk.say(format!("only the first {shown}; --limit N shows more"));
    }
    Ok(())
}

fn table(answer: &Answer, format: Format) -> Table {
    let names = match format {
        // An object cannot have two members of one name.
        Format::Json => distinct(&answer.columns),
        Format::Table | Format::Csv => answer.columns.clone(),
    };
    let decimals: Vec<usize> = (0..answer.columns.len())
        .map(|at| decimals(numbers(answer, at)))
        .collect();
    let mut table = Table::new(names);
    for row in &answer.rows {
        table.push(row.iter().zip(&decimals).map(|(value, decimals)| match value {
            Value::Null => Cell::None,
            Value::Whole(number) => Cell::Whole(*number),
            Value::Number(number) => Cell::Number(*number, *decimals),
            Value::Text(text) => Cell::text(text),
            Value::Blob(bytes) => Cell::text(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
        }));
    }
    table
}

fn numbers(answer: &Answer, column: usize) -> impl Iterator<Item = f64> {
    answer.rows.iter().filter_map(move |row| match row[column] {
        Value::Number(number) => Some(number),
        _ => None,
    })
}

fn distinct(names: &[String]) -> Vec<String> {
    let mut taken: Vec<String> = Vec::with_capacity(names.len());
    for name in names {
        let numbered = (2..).map(|number| format!("{name}_{number}"));
        let free = std::iter::once(name.clone())
            .chain(numbered)
            .find(|name| !taken.contains(name));
        taken.extend(free);
    }
    taken
}

/// A row for each table and view as a whole, and one for each of its columns.
fn schema(columns: &[SchemaColumn]) -> Table {
    let mut table = Table::new(["table", "column", "type", "key", "meaning"]);
    let mut before = "";
    for row in columns {
        let view = if row.kind == "view" { " (view)" } else { "" };
        let name = format!("{}{view}", row.table);
        if row.table != before {
            let meaning = Cell::maybe(meanings::of_table(&row.table));
            table.push([Cell::text(&name), Cell::None, Cell::None, Cell::None, meaning]);
            before = &row.table;
        }
        table.push([
            Cell::text(name),
            Cell::text(&row.column),
            Cell::maybe(Some(row.r#type.to_lowercase()).filter(|name| !name.is_empty())),
            if row.key > 0 { Cell::Whole(row.key) } else { Cell::None },
            Cell::maybe(meanings::of_column(&row.table, &row.column)),
        ]);
    }
    table
}

/// A query that SQLite does not understand, with the place.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{message}")]
struct Misunderstood {
    message: String,
    #[source_code]
    sql: NamedSource<String>,
    #[label("here")]
    place: Option<SourceSpan>,
    #[help]
    help: Option<String>,
}

/// SQLite's words about a wrong query, with the place and the nearest right name.
fn explained(database: &Database, sql: &str, error: DatabaseError) -> Failure {
    let source = match error {
        DatabaseError::Unwritable { .. } => return statement::reads_only("a query that writes"),
        DatabaseError::Other { source, .. } => source,
        other => return other.into(),
    };
    let words = source
        .as_database_error()
        .map_or_else(|| source.to_string(), |error| error.message().to_string());
    let token = culprit(&words).and_then(|name| statement::find(sql, name));
    let place = token
        .as_ref()
        .map(|token| format!(" at {}", token.position(sql)))
        .unwrap_or_default();
    Failure::pointing(
        Exit::Usage,
        Misunderstood {
            message: format!("the query is wrong{place}: {words}"),
            sql: NamedSource::new("query", sql.to_string()),
            place: token.map(|Token { start, text }| (start, text.len()).into()),
            help: help(database, &words),
        },
    )
}

/// The word that SQLite names in its message.
fn culprit(words: &str) -> Option<&str> {
    if let Some(rest) = words.strip_prefix("near \"") {
        return rest.rsplit_once("\": ").map(|(name, _)| name);
    }
    let (_, name) = words.rsplit_once(": ")?;
    Some(name.rsplit('.').next().unwrap_or(name))
}

fn help(database: &Database, words: &str) -> Option<String> {
    let all = "`perceive-ir runs query --schema` prints tables and columns";
    let columns = database.schema_columns().unwrap_or_default();
    let name = culprit(words)?;
    let near = if words.starts_with("no such table") {
        nearest(name, columns.iter().map(|row| row.table.as_str()))
    } else if words.starts_with("no such column") {
        nearest(name, columns.iter().map(|row| row.column.as_str()))
    } else {
        return Some(all.to_string());
    };
    Some(near.map_or_else(|| all.to_string(), |near| format!("did you mean '{near}'? {all}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_that_is_wrong_is_found_in_sqlites_message() {
        assert_eq!(culprit("no such column: runs.stat"), Some("stat"));
        assert_eq!(culprit("no such table: rus"), Some("rus"));
        assert_eq!(culprit("near \"FORM\": syntax error"), Some("FORM"));
        assert_eq!(culprit("incomplete input"), None);
    }

    #[test]
    fn equal_names_stay_in_a_table_and_are_told_apart_in_json() {
        let answer = Answer {
            columns: ["id", "id"].map(String::from).to_vec(),
            rows: vec![vec![Value::Whole(1), Value::Whole(2)]],
            more: false,
        };
        assert_eq!(table(&answer, Format::Csv).render(Format::Csv), "id,id\n1,2\n");
        let json: serde_json::Value = serde_json::from_str(&table(&answer, Format::Json).render(Format::Json)).unwrap();
        assert_eq!((&json[0]["id"], &json[0]["id_2"]), (&1.into(), &2.into()));
    }
}
