//! The courses of metrics: series (one metric of one run) and their points, for whoever wants all of them.

use super::{Database, DatabaseError};

/// One metric of one run, with what people know the run by.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct Series {
    pub id: i64,
    pub run_id: String,
    pub experiment: Option<String>,
    pub case_name: Option<String>,
    /// As it is stored: a `u64` in the bits of an `i64`.
    pub seed: i64,
    pub stage: String,
    pub name: String,
}

impl Database {
    /// All series, by run (oldest first) and name.
    pub fn series(&self) -> Result<Vec<Series>, DatabaseError> {
        const SQL: &str = "
            SELECT series.id, run_id, experiment, case_name, seed, stage, series.name
            FROM series JOIN named_runs ON named_runs.id = run_id ORDER BY run_id, series.name";
        self.read(async |db| sqlx::query_as(SQL).fetch_all(db).await)
    }

    /// Whether any run has told this metric.
    pub fn is_recorded(&self, name: &str) -> Result<bool, DatabaseError> {
        const SQL: &str = "SELECT EXISTS (SELECT 1 FROM series WHERE name = ?)";
        self.read(async |db| sqlx::query_scalar(SQL).bind(name).fetch_one(db).await)
    }

    /// The points of a series as (step, value), ascending by step: at most `limit` of them, those after the step `after`.
    pub fn points(&self, series: i64, after: Option<i64>, limit: u32) -> Result<Vec<(i64, f64)>, DatabaseError> {
        const SQL: &str = "
            SELECT step, value FROM points WHERE series_id = ? AND step > ? ORDER BY step LIMIT ?";
        // Steps are counted from 0.
        let query = sqlx::query_as(SQL).bind(series).bind(after.unwrap_or(-1)).bind(limit);
        self.read(async |db| query.fetch_all(db).await)
    }
}
