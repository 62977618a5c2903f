//! What `runs gc` asks of the record, all of it in a few queries however much there is, and forgetting cases.

use std::collections::{BTreeMap, BTreeSet};

use super::{Database, DatabaseError};

/// A case as retention sees it.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct CaseAge {
    pub id: i64,
    pub experiment: String,
    pub name: String,
    pub seed: i64,
    pub seen_at: i64,
}

impl Database {
    /// Every case that was ever run, oldest first.
    pub fn case_ages(&self) -> Result<Vec<CaseAge>, DatabaseError> {
        const SQL: &str = "
            SELECT cases.id, experiments.name AS experiment, cases.name, seed, seen_at
            FROM cases JOIN experiments ON experiments.id = experiment_id ORDER BY cases.id";
        self.read(async |db| sqlx::query_as(SQL).fetch_all(db).await)
    }

    /// The artefacts that each case stands on, whole or not.
    pub fn case_artefacts(&self) -> Result<BTreeMap<i64, BTreeSet<String>>, DatabaseError> {
        const SQL: &str = "SELECT case_id, artefact_key FROM case_artefacts";
        let rows: Vec<(i64, String)> = self.read(async |db| sqlx::query_as(SQL).fetch_all(db).await)?;
        let mut uses: BTreeMap<i64, BTreeSet<String>> = BTreeMap::new();
        for (case, key) in rows {
            uses.entry(case).or_default().insert(key);
        }
        Ok(uses)
    }

    /// What each case reached: the mean of `metric` of its restored pictures, every test set counting the same.
    pub fn case_scores(&self, metric: &str) -> Result<BTreeMap<i64, f64>, DatabaseError> {
        const SQL: &str = "
            SELECT case_id, avg(mean) FROM case_means WHERE tier = 'restored' AND metric = ? GROUP BY case_id";
        let rows: Vec<(i64, f64)> = self.read(async |db| sqlx::query_as(SQL).bind(metric).fetch_all(db).await)?;
        Ok(rows.into_iter().collect())
    }

    /// The names of all metrics of evaluations.
    pub fn evaluated_metrics(&self) -> Result<Vec<String>, DatabaseError> {
        const SQL: &str = "SELECT DISTINCT metric FROM evaluations ORDER BY metric";
        self.read(async |db| sqlx::query_scalar(SQL).fetch_all(db).await)
    }

    /// How many bytes of each journal are imported.
    pub fn journal_offsets(&self) -> Result<BTreeMap<String, u64>, DatabaseError> {
        const SQL: &str = "SELECT run_id, byte_offset FROM journals";
        let rows: Vec<(String, i64)> = self.read(async |db| sqlx::query_as(SQL).fetch_all(db).await)?;
        Ok(rows.into_iter().map(|(run, offset)| (run, offset as u64)).collect())
    }

    /// Forgets how far the journal of `run` was read.
    pub fn forget_position(&self, run: &str) -> Result<(), DatabaseError> {
        const SQL: &str = "DELETE FROM journals WHERE run_id = ?";
        self.write(async |db| sqlx::query(SQL).bind(run).execute(db).await.map(drop))
    }

    /// Forgets cases, their settings and what they stand on; their runs become runs of no experiment.
    pub fn forget_cases(&self, cases: &BTreeSet<i64>) -> Result<(), DatabaseError> {
        const SQL: &str = "DELETE FROM cases WHERE id = ?";
        self.write(async |db| {
            for case in cases {
                sqlx::query(SQL).bind(case).execute(&mut *db).await?;
            }
            Ok(())
        })
    }
}
