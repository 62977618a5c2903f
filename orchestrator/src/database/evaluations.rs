//! Evaluations: one number of one picture, found through the artefacts that a case stands on, whoever's run made them.

use super::{Database, DatabaseError};

/// One number of one picture.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct Evaluation {
    pub case_id: i64,
    pub test: String,
    pub degradation: String,
    pub picture: String,
    /// `degraded`, `medium` or `restored`.
    pub tier: String,
    /// Metric and protocol, such as `psnr_rgb`.
    pub metric: String,
    pub value: f64,
}

/// One metric over all pictures of one test.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct Mean {
    pub case_id: i64,
    pub test: String,
    pub degradation: String,
    pub tier: String,
    pub metric: String,
    pub mean: f64,
    pub pictures: i64,
}

impl Database {
    /// Every number of a case, sorted by test, degradation, picture, tier and metric.
    pub fn evaluations(&self, case: i64) -> Result<Vec<Evaluation>, DatabaseError> {
        const SQL: &str = "
            SELECT case_id, test, degradation, picture, tier, metric, value
            FROM case_artefacts JOIN evaluations USING (artefact_key)
            WHERE case_id = ? ORDER BY test, degradation, picture, tier, metric";
        self.read(async |db| sqlx::query_as(SQL).bind(case).fetch_all(db).await)
    }

    /// Every number of one artefact (their `case_id` is 0), in the same order.
    pub fn evaluations_of_artefact(&self, key: &str) -> Result<Vec<Evaluation>, DatabaseError> {
        const SQL: &str = "
            SELECT 0 AS case_id, test, degradation, picture, tier, metric, value
            FROM evaluations WHERE artefact_key = ? ORDER BY test, degradation, picture, tier, metric";
        self.read(async |db| sqlx::query_as(SQL).bind(key).fetch_all(db).await)
    }

    /// The means of one artefact over each test (its `case_id` is 0).
    pub fn means_of_artefact(&self, key: &str) -> Result<Vec<Mean>, DatabaseError> {
        const SQL: &str = "
            SELECT 0 AS case_id, test, degradation, tier, metric, avg(value) AS mean, count(*) AS pictures
            FROM evaluations WHERE artefact_key = ?
            GROUP BY test, degradation, tier, metric ORDER BY test, degradation, tier, metric";
        self.read(async |db| sqlx::query_as(SQL).bind(key).fetch_all(db).await)
    }
}
