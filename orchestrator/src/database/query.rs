//! Questions in SQL: one statement, read-only, with a limit of rows and of time.

use std::time::{Duration, Instant};

use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Column, Executor, Row, SqlSafeStr, Statement, TypeInfo, ValueRef};

use super::{Database, DatabaseError};

/// One value of an answer, as SQLite holds it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Whole(i64),
    Number(f64),
    Text(String),
    Blob(Vec<u8>),
}

impl From<Value> for serde_json::Value {
    /// Bytes become hexadecimal text.
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Whole(number) => number.into(),
            Value::Number(number) => number.into(),
            Value::Text(text) => text.into(),
            Value::Blob(bytes) => bytes
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
                .into(),
        }
    }
}

/// What a query found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// As the query names them; two may have one name.
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Value>>,
    /// Whether there are more rows than were asked for.
    pub more: bool,
}

/// One column of a table or view.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct SchemaColumn {
    /// `table` or `view`.
    pub kind: String,
    pub table: String,
    pub column: String,
    pub r#type: String,
    /// Its place in the primary key, from 1; 0 for none.
    pub key: i64,
}

/// How many of SQLite's instructions pass between two looks at the clock: some milliseconds.
const BETWEEN_LOOKS: i32 = 100_000;

/// The primary result code of a query that was interrupted.
const INTERRUPTED: &str = "9";

impl Database {
    /// Asks `sql`, which must be one reading statement, for at most `limit` rows. `None`: it took longer than `timeout`.
    ///
    /// # Errors
    /// SQLite's own words in [`DatabaseError::Other`].
    pub fn query(&self, sql: &str, limit: usize, timeout: Duration) -> Result<Option<Answer>, DatabaseError> {
        let deadline = Instant::now() + timeout;
        let asked = self.read(async |db| {
            sqlx::query("PRAGMA query_only = ON").execute(&mut *db).await?;
            db.lock_handle()
                .await?
                .set_progress_handler(BETWEEN_LOOKS, move || Instant::now() < deadline);
            let asked = ask(db, sql, limit).await;
            db.lock_handle().await?.remove_progress_handler();
            Ok(asked)
        })?;
        match asked {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if is_interrupted(&error) => Ok(None),
            Err(error) => Err(DatabaseError::from_sqlx(self.path(), error)),
        }
    }

    /// Every column of every table and view, in the order of their making.
    pub fn schema_columns(&self) -> Result<Vec<SchemaColumn>, DatabaseError> {
        const SQL: &str = r#"
            SELECT made.type AS kind, made.name AS "table", columns.name AS "column", columns.type AS type,
                   columns.pk AS key
            FROM sqlite_schema AS made JOIN pragma_table_info(made.name) AS columns
            WHERE made.type IN ('table', 'view') AND made.name NOT LIKE 'sqlite\_%' ESCAPE '\'
                  AND made.name NOT LIKE '\_sqlx%' ESCAPE '\'
            ORDER BY made.type, made.rowid, columns.cid"#;
        self.read(async |db| sqlx::query_as(SQL).fetch_all(db).await)
    }
}

async fn ask(db: &mut SqliteConnection, sql: &str, limit: usize) -> Result<Answer, sqlx::Error> {
    // The names come from the statement itself: there may be no row, and in a subquery equal names would change.
    let statement = db.prepare(AssertSqlSafe(sql.to_string()).into_sql_str()).await?;
    let columns = statement
        .columns()
        .iter()
        .map(|column| column.name().to_string())
        .collect();
    // EXPLAIN cannot be a subquery, and says little.
    let explains = sql
        .trim_start()
        .get(..7)
        .is_some_and(|word| word.eq_ignore_ascii_case("explain"));
    let limited = if explains {
        sql.to_string()
    } else {
        // A query may end in a comment.
        format!("SELECT * FROM ({sql}\n) LIMIT {}", limit.saturating_add(1))
    };
    let mut found = sqlx::query(AssertSqlSafe(limited)).fetch_all(db).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let rows = found.iter().map(values).collect::<Result<_, _>>()?;
    Ok(Answer { columns, rows, more })
}

/// The values of a row, as SQLite holds them.
pub(super) fn values(row: &SqliteRow) -> Result<Vec<Value>, sqlx::Error> {
    (0..row.len())
        .map(|at| {
            let raw = row.try_get_raw(at)?;
            if raw.is_null() {
                return Ok(Value::Null);
            }
            Ok(match raw.type_info().name() {
                "INTEGER" => Value::Whole(row.try_get_unchecked(at)?),
                "REAL" => Value::Number(row.try_get_unchecked(at)?),
                "BLOB" => Value::Blob(row.try_get_unchecked(at)?),
                _ => Value::Text(row.try_get_unchecked(at)?),
            })
        })
        .collect()
}

fn is_interrupted(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .is_some_and(|code| code == INTERRUPTED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::runs::tests::new_run;
    use crate::database::tests::database;

    const LONG: Duration = Duration::from_mins(1);

    fn ask(database: &Database, sql: &str, limit: usize) -> Answer {
        database.query(sql, limit, LONG).unwrap().unwrap()
    }

    #[test]
    fn values_and_names_come_as_they_are() {
        let (_folder, database) = database();
        let answer = ask(
            &database,
            "SELECT 1 AS one, 0.5 AS half, 'σ' AS text, x'00ff' AS bytes, NULL AS none, 1 AS one -- twice",
            10,
        );
        assert_eq!(answer.columns, ["one", "half", "text", "bytes", "none", "one"]);
        let expected = [
            Value::Whole(1),
            Value::Number(0.5),
            Value::Text("σ".into()),
            Value::Blob(vec![0, 255]),
            Value::Null,
            Value::Whole(1),
        ];
        assert_eq!(answer.rows, [expected]);
        let none = ask(&database, "SELECT id, state FROM runs", 10);
        assert_eq!(
            (none.columns, none.rows.len()),
            (vec!["id".to_string(), "state".to_string()], 0)
        );
        assert!(
            !ask(&database, "EXPLAIN QUERY PLAN SELECT * FROM runs", 10)
                .rows
                .is_empty()
        );
    }

    #[test]
    fn rows_keep_their_order_and_stop_at_the_limit() {
        let (_folder, database) = database();
        let numbers =
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 9) SELECT i FROM n ORDER BY -i";
        let answer = ask(&database, numbers, 3);
        assert_eq!(answer.rows, [[Value::Whole(9)], [Value::Whole(8)], [Value::Whole(7)]]);
        assert!(answer.more && !ask(&database, numbers, 9).more);
    }

    #[test]
    fn nothing_is_ever_written() {
        let (_folder, database) = database();
        let run = database.start_run(&new_run("a")).unwrap();
        for sql in [
            "DELETE FROM runs",
            "WITH x AS (SELECT 1) DELETE FROM runs",
            "CREATE TABLE t (a)",
        ] {
            assert!(database.query(sql, 10, LONG).is_err(), "{sql}");
        }
        assert_eq!(database.find(&run).unwrap().id, run);
    }

    #[test]
    fn an_endless_query_ends_and_the_next_one_is_answered() {
        let (_folder, database) = database();
        let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";
        assert_eq!(database.query(endless, 10, Duration::from_millis(50)).unwrap(), None);
        assert_eq!(ask(&database, "SELECT 7", 10).rows, [[Value::Whole(7)]]);
    }

    #[test]
    fn the_schema_names_every_table_and_view_with_its_columns() {
        let (_folder, database) = database();
        let columns = database.schema_columns().unwrap();
        let has = |table: &str, column: &str| columns.iter().any(|row| row.table == table && row.column == column);
        assert!(has("runs", "artefact_key") && has("named_runs", "experiment") && has("case_means", "mean"));
        assert!(has("labelled_runs", "note") && has("final_metrics", "value"));
        assert!(columns.iter().all(|row| !row.table.starts_with("_sqlx")));
    }
}
