//! Experiments, their cases and their settings.

use serde_json::Value;
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

impl Database {
    /// Records the experiment `name` with its entry of `experiments.toml`, and returns its id.
    pub fn experiment(&self, name: &str, toml: &str) -> Result<i64, DatabaseError> {
        const SQL: &str = "
            INSERT INTO experiments (name, toml, first_seen) VALUES (?, ?, ?)
            ON CONFLICT (name) DO UPDATE SET toml = excluded.toml RETURNING id";
        let query = sqlx::query_scalar(SQL).bind(name).bind(toml).bind(now());
        self.write(async |db| query.fetch_one(db).await)
    }

    /// Records the case of these settings, or finds it, and returns its id. It becomes the one that is meant by
    /// (`experiment`, `name`, `seed`, `scale`) today. An experiment that is not recorded yet is, without its text.
    pub fn case(
        &self,
        experiment: &str,
        name: &str,
        seed: u64,
        scale: &str,
        settings: &str,
    ) -> Result<i64, DatabaseError> {
        const EXPERIMENT: &str =
            "INSERT INTO experiments (name, toml, first_seen) VALUES (?, '', ?) ON CONFLICT DO NOTHING";
        const CASE: &str = "
            INSERT INTO cases (experiment_id, name, seed, scale, settings, seen_at)
            VALUES ((SELECT id FROM experiments WHERE name = ?), ?, ?, ?, ?, ?)
            ON CONFLICT (experiment_id, name, seed, scale, settings) DO UPDATE SET seen_at = excluded.seen_at
            RETURNING id";
        let mut flat = Vec::new();
        if let Ok(value) = serde_json::from_str(settings) {
            flatten("", &value, &mut flat);
        }
        self.write(async |db| {
            sqlx::query(EXPERIMENT)
                .bind(experiment)
                .bind(now())
                .execute(&mut *db)
                .await?;
            let query = sqlx::query_scalar(CASE).bind(experiment).bind(name).bind(seed as i64);
            let case: i64 = query.bind(scale).bind(settings).bind(now()).fetch_one(&mut *db).await?;
            for rows in flat.chunks(ROWS_AT_ONCE) {
                let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO settings (case_id, key, value) ");
                insert.push_values(rows, |mut row, (key, value)| {
                    row.push_bind(case).push_bind(key).push_bind(value);
                });
                insert.push(" ON CONFLICT DO NOTHING").build().execute(&mut *db).await?;
            }
            Ok(case)
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

    /// The names of all recorded experiments.
    pub fn experiment_names(&self) -> Result<Vec<String>, DatabaseError> {
        const SQL: &str = "SELECT name FROM experiments ORDER BY id";
        self.read(async |db| sqlx::query_scalar(SQL).fetch_all(db).await)
    }
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
