//! Experiments, their cases and their settings.

use serde_json::Value;
use sqlx::sqlite::SqliteConnection;
use sqlx::{QueryBuilder, Sqlite};

use super::{Database, DatabaseError, ROWS_AT_ONCE, now};

/// One point of an experiment's grid and one repetition of it.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct Case {
    pub id: i64,
    pub experiment: String,
    pub name: String,
    pub seed: i64,
    pub scale: String,
    /// All settings as canonical JSON.
    pub settings: String,
}

/// A case that is about to be run.
#[derive(Clone, Debug, Default)]
pub struct NewCase<'a> {
    pub experiment: &'a str,
    pub name: &'a str,
    pub seed: u64,
    pub scale: &'a str,
    /// All settings as canonical JSON.
    pub settings: &'a str,
    /// Keys of the artefacts that it stands on, done or not yet.
    pub artefacts: Vec<&'a str>,
}

impl Database {
    /// Records the experiment `name` with its entry of `experiments.toml`, and returns its id.
    pub fn experiment(&self, name: &str, toml: &str) -> Result<i64, DatabaseError> {
        const SQL: &str = "
            INSERT INTO experiments (name, toml, first_seen) VALUES (?, ?, ?)
            ON CONFLICT (name) DO UPDATE SET toml = excluded.toml RETURNING id";
        let query = sqlx::query_scalar(SQL).bind(name).bind(toml).bind(now());
        self.write(async |db| query.fetch_one(db).await)
    }

    /// Records these cases, or finds them, with what they stand on, and returns their ids. Each becomes the one that is
    /// meant by its experiment, name, seed and scale today. An experiment that is not recorded yet is, without its text.
    pub fn record_cases(&self, cases: &[NewCase<'_>]) -> Result<Vec<i64>, DatabaseError> {
        self.write(async |db| {
            let mut ids = Vec::with_capacity(cases.len());
            for case in cases {
                ids.push(record_case(db, case).await?);
            }
            Ok(ids)
        })
    }

    /// The cases that `experiment` means today: of each name, seed and scale the one asked for last. In order of birth.
    pub fn cases(&self, experiment: &str) -> Result<Vec<Case>, DatabaseError> {
        // Sorted by age without the settings, which are long.
        const SQL: &str = "
            WITH aged AS (
                SELECT id, row_number() OVER (PARTITION BY name, seed, scale ORDER BY seen_at DESC, id DESC) AS age
                FROM cases WHERE experiment_id = (SELECT id FROM experiments WHERE name = ?1))
            SELECT id, ?1 AS experiment, name, seed, scale, settings
            FROM cases JOIN aged USING (id) WHERE age = 1 ORDER BY id";
        self.read(async |db| sqlx::query_as(SQL).bind(experiment).fetch_all(db).await)
    }

    /// The settings of a case one by one, sorted by key.
    pub fn settings(&self, case: i64) -> Result<Vec<(String, String)>, DatabaseError> {
        const SQL: &str = "SELECT key, value FROM settings WHERE case_id = ? ORDER BY key";
        self.read(async |db| sqlx::query_as(SQL).bind(case).fetch_all(db).await)
    }

    /// The entry of `experiments.toml` with which an experiment was last run; empty where it is not recorded.
    pub fn entry(&self, experiment: &str) -> Result<String, DatabaseError> {
        const SQL: &str = "SELECT toml FROM experiments WHERE name = ?";
        let query = sqlx::query_scalar(SQL).bind(experiment);
        Ok(self
            .read(async |db| query.fetch_optional(db).await)?
            .unwrap_or_default())
    }

    /// The names of all recorded experiments.
    pub fn experiment_names(&self) -> Result<Vec<String>, DatabaseError> {
        const SQL: &str = "SELECT name FROM experiments ORDER BY id";
        self.read(async |db| sqlx::query_scalar(SQL).fetch_all(db).await)
    }
}

async fn record_case(db: &mut SqliteConnection, new: &NewCase<'_>) -> Result<i64, sqlx::Error> {
    const EXPERIMENT: &str =
        "INSERT INTO experiments (name, toml, first_seen) VALUES (?, '', ?) ON CONFLICT DO NOTHING";
    const CASE: &str = "
        INSERT INTO cases (experiment_id, name, seed, scale, settings, seen_at)
        VALUES ((SELECT id FROM experiments WHERE name = ?), ?, ?, ?, ?, ?)
        ON CONFLICT (experiment_id, name, seed, scale, settings) DO UPDATE SET seen_at = excluded.seen_at
        RETURNING id";
    let mut flat = Vec::new();
    if let Ok(value) = serde_json::from_str(new.settings) {
        flatten("", &value, &mut flat);
    }
    let query = sqlx::query(EXPERIMENT).bind(new.experiment).bind(now());
    query.execute(&mut *db).await?;
    let query = sqlx::query_scalar(CASE).bind(new.experiment).bind(new.name);
    let query = query.bind(new.seed as i64).bind(new.scale).bind(new.settings);
    let case: i64 = query.bind(now()).fetch_one(&mut *db).await?;
    for rows in flat.chunks(ROWS_AT_ONCE) {
        let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO settings (case_id, key, value) ");
        insert.push_values(rows, |mut row, (key, value)| {
            row.push_bind(case).push_bind(key).push_bind(value);
        });
        insert.push(" ON CONFLICT DO NOTHING").build().execute(&mut *db).await?;
    }
    for keys in new.artefacts.chunks(ROWS_AT_ONCE) {
        let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO case_artefacts (case_id, artefact_key) ");
        insert.push_values(keys, |mut row, key| {
            row.push_bind(case).push_bind(*key);
        });
        insert.push(" ON CONFLICT DO NOTHING").build().execute(&mut *db).await?;
    }
    Ok(case)
}

/// `{"a": {"b": [1, 2]}}` becomes `a.b = [1,2]`.
pub fn flatten(prefix: &str, value: &Value, out: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let key = if prefix.is_empty() {
                    name.clone()
                } else {
                    format!("{prefix}.{name}")
                };
                flatten(&key, value, out);
            }
        }
        Value::String(text) => out.push((prefix.to_string(), text.clone())),
        other => out.push((prefix.to_string(), other.to_string())),
    }
}

impl Database {
    /// Records one case that stands on nothing yet.
    pub fn case(
        &self,
        experiment: &str,
        name: &str,
        seed: u64,
        scale: &str,
        settings: &str,
    ) -> Result<i64, DatabaseError> {
        let case = NewCase {
            experiment,
            name,
            seed,
            scale,
            settings,
            artefacts: Vec::new(),
        };
        Ok(self.record_cases(&[case])?.remove(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::tests::database;

    #[test]
    fn other_settings_are_another_case_and_the_last_one_asked_for_is_meant() {
        let (_folder, database) = database();
        database.experiment("ablation", "[ablation]").unwrap();
        let first = database
            .case("ablation", "full", 0, "tiny", r#"{"restore":{"lambda1":0.1}}"#)
            .unwrap();
        let other = database
            .case("ablation", "full", 0, "tiny", r#"{"restore":{"lambda1":0.2}}"#)
            .unwrap();
        let seed = database
            .case("ablation", "full", 1, "tiny", r#"{"restore":{"lambda1":0.2}}"#)
            .unwrap();
        assert_ne!(first, other);
        let meant = |database: &Database| -> Vec<i64> {
            database.cases("ablation").unwrap().iter().map(|case| case.id).collect()
        };
        assert_eq!(meant(&database), [other, seed]);
        std::thread::sleep(std::time::Duration::from_millis(2));
        let again = database
            .case("ablation", "full", 0, "tiny", r#"{"restore":{"lambda1":0.1}}"#)
            .unwrap();
        assert_eq!(again, first);
        assert_eq!(meant(&database), [first, seed]);
        assert!(database.cases("quickstart").unwrap().is_empty());
    }

    #[test]
    fn settings_are_stored_one_by_one() {
        let (_folder, database) = database();
        let json = r#"{"restore":{"lambda1":0.1,"blocks":[1,2]},"towers":"stand-in"}"#;
        let case = database.case("quickstart", "base", 7, "tiny", json).unwrap();
        let expected = [
            ("restore.blocks", "[1,2]"),
            ("restore.lambda1", "0.1"),
            ("towers", "stand-in"),
        ];
        let stored = database.settings(case).unwrap();
        let stored: Vec<_> = stored
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        assert_eq!(stored, expected);
        assert_eq!(database.experiment_names().unwrap(), ["quickstart"]);
    }
}
