//! What made a run: the state of the code, stored once for all its runs, and the machine and call of each.

use super::{Database, DatabaseError};
use crate::provenance::{Code, Origin};

impl Database {
    /// Records this program's code and this process's machine and call as those of `run`. To be called right after
    /// [`Database::start_run`]; calling it again changes nothing.
    pub fn record_code(&self, run: &str) -> Result<(), DatabaseError> {
        const CODE: &str = "
            INSERT INTO codes (hash, version, code_commit, dirty, diff, sources, lock, rustc, target, profile, features)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
        const RUN: &str = "
            INSERT INTO run_code (run_id, code, os, cpu, cores, memory, threads, folder, environment)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
        let (code, origin) = (Code::of_this_program(), Origin::of_this_process());
        let first = sqlx::query(CODE)
            .bind(&code.hash)
            .bind(&code.version)
            .bind(&code.code_commit)
            .bind(code.dirty)
            .bind(&code.diff)
            .bind(&code.sources)
            .bind(&code.lock)
            .bind(&code.rustc)
            .bind(&code.target)
            .bind(&code.profile)
            .bind(&code.features);
        let second = sqlx::query(RUN)
            .bind(run)
            .bind(&code.hash)
            .bind(&origin.os)
            .bind(&origin.cpu)
            .bind(origin.cores)
            .bind(origin.memory)
            .bind(origin.threads)
            .bind(&origin.folder)
            .bind(&origin.environment);
        self.write(async |db| {
            first.execute(&mut *db).await?;
            second.execute(db).await.map(drop)
        })
    }

    /// The code that made `run`; `None` for a run of a program that did not record it.
    pub fn code_of(&self, run: &str) -> Result<Option<Code>, DatabaseError> {
        const SQL: &str = "SELECT codes.* FROM codes JOIN run_code ON code = hash WHERE run_id = ?";
        self.read(async |db| sqlx::query_as(SQL).bind(run).fetch_optional(db).await)
    }

    /// The machine and the call of `run`.
    pub fn origin_of(&self, run: &str) -> Result<Option<Origin>, DatabaseError> {
        const SQL: &str = "
            SELECT os, cpu, cores, memory, threads, folder, environment FROM run_code WHERE run_id = ?";
        self.read(async |db| sqlx::query_as(SQL).bind(run).fetch_optional(db).await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::runs::tests::new_run;
    use crate::database::tests::database;

    #[test]
    fn the_code_of_many_runs_is_stored_once_and_found_from_each() {
        let (_folder, database) = database();
        let runs = ["a", "b"].map(|key| database.start_run(&new_run(key)).unwrap());
        assert_eq!(database.code_of(&runs[0]).unwrap(), None);
        for run in &runs {
            database.record_code(run).unwrap();
            database.record_code(run).unwrap();
            assert_eq!(database.code_of(run).unwrap().as_ref(), Some(Code::of_this_program()));
            assert_eq!(
                database.origin_of(run).unwrap().as_ref(),
                Some(Origin::of_this_process())
            );
        }
        let stored: i64 = database
            .read(async |db| sqlx::query_scalar("SELECT count(*) FROM codes").fetch_one(db).await)
            .unwrap();
        assert_eq!(stored, 1);
    }
}
