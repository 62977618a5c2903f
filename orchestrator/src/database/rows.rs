//! Whole rows as JSON objects, out of one record and into another: what an archive holds. A column that only one of the two
//! programs knows is left out.

use serde_json::{Map, Value};
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Column, QueryBuilder, Row, Sqlite};

use super::query::values;
use super::{Database, DatabaseError};

/// One row: its columns by name.
pub type Fields = Map<String, Value>;

/// The tables whose rows are archived, with the column by which they are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    Runs,
    Events,
    Tags,
    Notes,
    RunCode,
    Codes,
    Journals,
    Artefacts,
    Cases,
    Experiments,
}

impl Rows {
    fn table(self) -> (&'static str, &'static str) {
        match self {
            Self::Runs => ("runs", "id"),
            Self::Events => ("events", "run_id"),
            Self::Tags => ("tags", "run_id"),
            Self::Notes => ("notes", "run_id"),
            Self::RunCode => ("run_code", "run_id"),
            Self::Codes => ("codes", "hash"),
            Self::Journals => ("journals", "run_id"),
            Self::Artefacts => ("artefacts", "key"),
            Self::Cases => ("cases", "id"),
            Self::Experiments => ("experiments", "id"),
        }
    }
}

impl Database {
    /// The rows that belong to `key`.
    pub fn rows(&self, rows: Rows, key: &str) -> Result<Vec<Fields>, DatabaseError> {
        let (table, column) = rows.table();
        // Compared as the column's own type: ids of cases are numbers.
        let sql = AssertSqlSafe(format!("SELECT * FROM {table} WHERE {column} = ? ORDER BY 1, 2"));
        self.read(async |db| {
            let found = sqlx::query(sql).bind(key).fetch_all(db).await?;
            found.iter().map(fields).collect()
        })
    }

    /// Adds rows; those whose key is there already stay as they are. Says how many were added.
    pub fn put_rows(&self, rows: Rows, new: &[Fields]) -> Result<u64, DatabaseError> {
        let (table, _) = rows.table();
        self.write(async |db| {
            let known: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info(?)")
                .bind(table)
                .fetch_all(&mut *db)
                .await?;
            let mut added = 0;
            for row in new {
                let fields: Vec<(&String, &Value)> = row.iter().filter(|(name, _)| known.contains(name)).collect();
                let mut insert = QueryBuilder::<Sqlite>::new(format!("INSERT INTO {table} ("));
                let mut names = insert.separated(", ");
                for (name, _) in &fields {
                    names.push(name);
                }
                insert.push(") VALUES (");
                let mut values = insert.separated(", ");
                for (_, value) in &fields {
                    match value {
                        Value::Null => values.push("NULL"),
                        Value::String(text) => values.push_bind(text),
                        Value::Number(number) if number.is_f64() => values.push_bind(number.as_f64()),
                        other => values.push_bind(other.as_i64()),
                    };
                }
                insert.push(") ON CONFLICT DO NOTHING");
                added += insert.build().execute(&mut *db).await?.rows_affected();
            }
            Ok(added)
        })
    }

    /// The case of this experiment, name, seed, scale and settings, if there is one.
    pub fn same_case(&self, experiment: &str, case: &Fields) -> Result<Option<i64>, DatabaseError> {
        const SQL: &str = "
            SELECT cases.id FROM cases JOIN experiments ON experiments.id = experiment_id
            WHERE experiments.name = ? AND cases.name = ? AND seed = ? AND scale = ? AND settings = ?";
        let text = |name: &str| case[name].as_str().unwrap_or_default();
        let query = sqlx::query_scalar(SQL).bind(experiment).bind(text("name"));
        let query = query
            .bind(case["seed"].as_i64())
            .bind(text("scale"))
            .bind(text("settings"));
        self.read(async |db| query.fetch_optional(db).await)
    }

    /// Dates a case back to when it was last asked for.
    pub fn date_case(&self, case: i64, seen_at: i64) -> Result<(), DatabaseError> {
        const SQL: &str = "UPDATE cases SET seen_at = ? WHERE id = ?";
        self.write(async |db| sqlx::query(SQL).bind(seen_at).bind(case).execute(db).await.map(drop))
    }
}

fn fields(row: &SqliteRow) -> Result<Fields, sqlx::Error> {
    let names = row.columns().iter().map(|column| column.name().to_string());
    Ok(names.zip(values(row)?.into_iter().map(Value::from)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::runs::tests::new_run;
    use crate::database::tests::database;

    #[test]
    fn a_row_comes_back_in_another_record_as_it_was() {
        let (_one, from) = database();
        let (_other, to) = database();
        let id = from.start_run(&new_run("a")).unwrap();
        from.tag(&[&id], &["best".to_string()]).unwrap();
        let mut rows = from.rows(Rows::Runs, &id).unwrap();
        rows[0].insert("of_tomorrow".into(), "unknown here".into());
        assert_eq!(to.put_rows(Rows::Runs, &rows).unwrap(), 1);
        assert_eq!(to.put_rows(Rows::Runs, &rows).unwrap(), 0);
        to.put_rows(Rows::Tags, &from.rows(Rows::Tags, &id).unwrap()).unwrap();
        assert_eq!(to.find(&id).unwrap(), from.find(&id).unwrap());
        assert_eq!(to.labels().unwrap().tags(&id), ["best"]);
        assert!(to.rows(Rows::Notes, &id).unwrap().is_empty());
    }
}
