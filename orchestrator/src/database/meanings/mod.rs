//! What the tables, views and columns of the record mean, for whoever asks it in SQL.
//!
//! Times are milliseconds since the Unix epoch (UTC), unless a column says otherwise.

mod pictures;
mod work;

/// A table or view, what a row of it is, and its columns.
struct Table {
    name: &'static str,
    meaning: &'static str,
    /// Further columns mean what they mean in these tables or views.
    like: &'static [&'static str],
    columns: &'static [(&'static str, &'static str)],
}

/// What a row of a table or view is.
pub fn of_table(name: &str) -> Option<&'static str> {
    table(name).map(|table| table.meaning)
}

/// What a column of a table or view says.
pub fn of_column(name: &str, column: &str) -> Option<&'static str> {
    let table = table(name)?;
    let among = |columns: &[(&str, &'static str)]| {
        let mut columns = columns.iter();
        columns.find(|(known, _)| *known == column).map(|(_, meaning)| *meaning)
    };
    let of_others = || table.like.iter().find_map(|other| of_column(other, column));
    among(table.columns).or_else(of_others).or_else(|| among(COMMON))
}

fn table(name: &str) -> Option<&'static Table> {
    tables().find(|table| table.name == name)
}

/// Columns that mean the same wherever nothing else is said of them.
const COMMON: &[(&str, &str)] = &[
    ("id", "its number in this record"),
    ("run_id", "the run (runs.id)"),
    ("case_id", "the case (cases.id)"),
    ("source_id", "the source (sources.id)"),
    ("artefact_key", "the artefact (artefacts.key)"),
];

fn tables() -> impl Iterator<Item = &'static Table> {
    pictures::TABLES.iter().chain(work::TABLES)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::database::tests::database;

    #[test]
    fn every_table_view_and_column_has_a_meaning_and_nothing_else_has_one() {
        let (_folder, database) = database();
        let columns = database.schema_columns().unwrap();
        for row in &columns {
            assert!(of_table(&row.table).is_some(), "{}", row.table);
            assert!(
                of_column(&row.table, &row.column).is_some(),
                "{}.{}",
                row.table,
                row.column
            );
        }
        let there: BTreeSet<(&str, &str)> = columns.iter().map(|row| (&*row.table, &*row.column)).collect();
        for table in tables() {
            assert!(columns.iter().any(|row| row.table == table.name), "{}", table.name);
            for (column, _) in table.columns {
                assert!(there.contains(&(table.name, *column)), "{}.{column}", table.name);
            }
        }
    }
}
