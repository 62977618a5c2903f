//! Evaluations: one number of one picture, found through the artefacts that a case stands on, whoever's run made them.

use super::{Database, DatabaseError, list};

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
    /// Every number of these cases, case by case in order of birth, sorted by test, degradation, picture, tier and metric.
    pub fn evaluations(&self, cases: &[i64]) -> Result<Vec<Evaluation>, DatabaseError> {
        const SQL: &str = "
            SELECT case_id, test, degradation, picture, tier, metric, value
            FROM case_artefacts JOIN evaluations USING (artefact_key)
            WHERE case_id IN (SELECT value FROM json_each(?))
            ORDER BY case_id, test, degradation, picture, tier, metric";
        let cases = list(cases);
        self.read(async |db| sqlx::query_as(SQL).bind(cases).fetch_all(db).await)
    }

    /// The means of these cases over the pictures of each test, case by case in order of birth.
    pub fn means(&self, cases: &[i64]) -> Result<Vec<Mean>, DatabaseError> {
        // An artefact is averaged once, however many cases stand on it.
        const SQL: &str = "
            WITH asked AS MATERIALIZED (
                SELECT case_id, artefact_key FROM case_artefacts WHERE case_id IN (SELECT value FROM json_each(?))),
            averaged AS MATERIALIZED (
                SELECT artefact_key, test, degradation, tier, metric, avg(value) AS mean, count(*) AS pictures
                FROM (SELECT DISTINCT artefact_key FROM asked) JOIN evaluations USING (artefact_key)
                GROUP BY artefact_key, test, degradation, tier, metric)
            SELECT case_id, test, degradation, tier, metric, mean, pictures
            FROM asked JOIN averaged USING (artefact_key)
            ORDER BY case_id, test, degradation, tier, metric";
        let cases = list(cases);
        self.read(async |db| sqlx::query_as(SQL).bind(cases).fetch_all(db).await)
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
