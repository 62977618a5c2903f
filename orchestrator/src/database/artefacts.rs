//! Artefacts: what stages left, under the hash of everything it depends on, and which cases stand on them.

use super::{Database, DatabaseError, now};

/// What a stage left: whole, on disk, reusable.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct Artefact {
    /// blake3 in hex.
    pub key: String,
    pub stage: String,
    pub label: String,
    /// Relative to the home's artefacts folder.
    pub path: String,
    /// Milliseconds since the Unix epoch.
    pub created_at: i64,
    pub bytes: i64,
    /// The stage's own settings as JSON.
    pub settings: String,
}

/// An artefact that has just become whole.
#[derive(Clone, Copy, Debug)]
pub struct NewArtefact<'a> {
    pub key: &'a str,
    pub stage: &'a str,
    pub label: &'a str,
    pub path: &'a str,
    pub bytes: u64,
    pub settings: &'a str,
}

impl Database {
    pub fn artefact(&self, key: &str) -> Result<Option<Artefact>, DatabaseError> {
        const SQL: &str = "SELECT * FROM artefacts WHERE key = ?";
        self.read(async |db| sqlx::query_as(SQL).bind(key).fetch_optional(db).await)
    }

    /// All artefacts, oldest first.
    pub fn artefacts(&self) -> Result<Vec<Artefact>, DatabaseError> {
        const SQL: &str = "SELECT * FROM artefacts ORDER BY created_at, key";
        self.read(async |db| sqlx::query_as(SQL).fetch_all(db).await)
    }

    /// The keys of all artefacts.
    pub fn artefact_keys(&self) -> Result<Vec<String>, DatabaseError> {
        self.read(async |db| sqlx::query_scalar("SELECT key FROM artefacts").fetch_all(db).await)
    }

    /// The keys of all artefacts that a run of theirs is done with.
    pub fn keys_with_a_run_that_is_done(&self) -> Result<Vec<String>, DatabaseError> {
        const SQL: &str = "SELECT DISTINCT artefact_key FROM runs WHERE state = 'done'";
        self.read(async |db| sqlx::query_scalar(SQL).fetch_all(db).await)
    }

    /// The artefacts that `case` stands on and that are whole, oldest first.
    pub fn artefacts_of(&self, case: i64) -> Result<Vec<Artefact>, DatabaseError> {
        const SQL: &str = "
            SELECT artefacts.* FROM artefacts JOIN case_artefacts ON artefact_key = key
            WHERE case_id = ? ORDER BY created_at, key";
        self.read(async |db| sqlx::query_as(SQL).bind(case).fetch_all(db).await)
    }

    /// Records an artefact as whole; recording it again changes only where it lies.
    pub fn record_artefact(&self, new: NewArtefact<'_>) -> Result<(), DatabaseError> {
        const SQL: &str = "
            INSERT INTO artefacts (key, stage, label, path, created_at, bytes, settings) VALUES (?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (key) DO UPDATE SET path = excluded.path, bytes = excluded.bytes, label = excluded.label";
        let query = sqlx::query(SQL)
            .bind(new.key)
            .bind(new.stage)
            .bind(new.label)
            .bind(new.path);
        let query = query.bind(now()).bind(new.bytes as i64).bind(new.settings);
        self.write(async |db| query.execute(db).await.map(drop))
    }

    /// Forgets an artefact, its evaluations, and who stood on it. The caller removes its folder.
    pub fn forget_artefact(&self, key: &str) -> Result<(), DatabaseError> {
        const SQL: [&str; 3] = [
            "DELETE FROM evaluations WHERE artefact_key = ?",
            "DELETE FROM case_artefacts WHERE artefact_key = ?",
            "DELETE FROM artefacts WHERE key = ?",
        ];
        self.write(async |db| {
            for sql in SQL {
                sqlx::query(sql).bind(key).execute(&mut *db).await?;
            }
            Ok(())
        })
    }

    /// Forgets that the artefact `key` is there: its folder is gone. Its numbers and who stands on it stay.
    pub fn unrecord_artefact(&self, key: &str) -> Result<(), DatabaseError> {
        const SQL: &str = "DELETE FROM artefacts WHERE key = ?";
        self.write(async |db| sqlx::query(SQL).bind(key).execute(db).await.map(drop))
    }

    /// The keys of all artefacts that some case stands on, done or not.
    pub fn wanted_artefacts(&self) -> Result<Vec<String>, DatabaseError> {
        const SQL: &str = "SELECT DISTINCT artefact_key FROM case_artefacts ORDER BY artefact_key";
        self.read(async |db| sqlx::query_scalar(SQL).fetch_all(db).await)
    }

    /// Notes that `case` stands on the artefact `key`, done or not yet.
    pub fn use_artefact(&self, case: i64, key: &str) -> Result<(), DatabaseError> {
        const SQL: &str = "INSERT INTO case_artefacts (case_id, artefact_key) VALUES (?, ?) ON CONFLICT DO NOTHING";
        self.write(async |db| sqlx::query(SQL).bind(case).bind(key).execute(db).await.map(drop))
    }

    /// The restorer that `experiment` trained last, if it has one that is whole.
    pub fn restorer_of(&self, experiment: &str) -> Result<Option<String>, DatabaseError> {
        const SQL: &str = "
            SELECT artefacts.key FROM artefacts
            JOIN case_artefacts ON case_artefacts.artefact_key = artefacts.key
            JOIN cases ON cases.id = case_artefacts.case_id
            JOIN experiments ON experiments.id = cases.experiment_id
            WHERE experiments.name = ? AND artefacts.stage = 'restore'
            ORDER BY cases.seen_at DESC, artefacts.created_at DESC LIMIT 1";
        self.read(async |db| sqlx::query_scalar(SQL).bind(experiment).fetch_optional(db).await)
    }

    /// The cases that stand on the artefact `key`, as (case id, `experiment case`).
    pub fn users_of(&self, key: &str) -> Result<Vec<(i64, String)>, DatabaseError> {
        const SQL: &str = "
            SELECT cases.id, experiments.name || ' ' || cases.name
            FROM case_artefacts
            JOIN cases ON cases.id = case_artefacts.case_id
            JOIN experiments ON experiments.id = cases.experiment_id
            WHERE artefact_key = ? ORDER BY cases.id";
        self.read(async |db| sqlx::query_as(SQL).bind(key).fetch_all(db).await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::tests::database;

    #[test]
    fn an_artefact_comes_back_as_it_was_recorded_and_goes_with_its_numbers() {
        let (_folder, database) = database();
        let new = NewArtefact {
            key: "ab12",
            stage: "medium",
            label: "fold A",
            path: "medium-ab12",
            bytes: 1 << 33,
            settings: "{}",
        };
        database.record_artefact(new).unwrap();
        database
            .record_artefact(NewArtefact {
                path: "elsewhere",
                ..new
            })
            .unwrap();
        let found = database.artefact("ab12").unwrap().unwrap();
        assert_eq!((found.path.as_str(), found.bytes), ("elsewhere", 1 << 33));
        assert_eq!(database.artefacts().unwrap(), [found]);

        let case = database.case("quickstart", "base", 0, "tiny", "{}").unwrap();
        database.use_artefact(case, "ab12").unwrap();
        database.use_artefact(case, "ab12").unwrap();
        assert_eq!(
            database.users_of("ab12").unwrap(),
            [(case, "quickstart base".to_string())]
        );

        database.forget_artefact("ab12").unwrap();
        assert_eq!(database.artefact("ab12").unwrap(), None);
        assert!(database.users_of("ab12").unwrap().is_empty());
    }
}
