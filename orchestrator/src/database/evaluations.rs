//! Evaluations: one number of one picture, found through the artefacts that a case stands on, whoever's run made them.

use sqlx::{QueryBuilder, Row, Sqlite};

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
        const KINDS: &str = "
            SELECT DISTINCT tier, metric FROM evaluations
            WHERE artefact_key IN (
                SELECT artefact_key FROM case_artefacts WHERE case_id IN (SELECT value FROM json_each(?)))
            ORDER BY tier, metric";
        let cases = list(cases);
        self.read(async |db| {
            let kinds: Vec<(String, String)> = sqlx::query_as(KINDS).bind(&cases).fetch_all(&mut *db).await?;
            // Grouped by the head of the table's key and with a column for each kind, nothing has to be sorted: millions of
            // rows are averaged as they are read.
            let mut query = QueryBuilder::<Sqlite>::new("SELECT case_id, test, degradation");
            for (tier, metric) in &kinds {
                for value in [", avg(value)", ", count(*)"] {
                    query.push(value).push(" FILTER (WHERE tier = ").push_bind(tier);
                    query.push(" AND metric = ").push_bind(metric).push(")");
                }
            }
            query.push(" FROM case_artefacts JOIN evaluations USING (artefact_key) ");
            query
                .push("WHERE case_id IN (SELECT value FROM json_each(")
                .push_bind(&cases);
            query.push(")) GROUP BY case_id, artefact_key, test, degradation");
            let mut means = Vec::new();
            for row in query.build().fetch_all(db).await? {
                for (place, (tier, metric)) in kinds.iter().enumerate() {
                    let pictures = row.try_get(4 + 2 * place)?;
                    if pictures > 0 {
                        means.push(Mean {
                            case_id: row.try_get(0)?,
                            test: row.try_get(1)?,
                            degradation: row.try_get(2)?,
                            tier: tier.clone(),
                            metric: metric.clone(),
                            mean: row.try_get(3 + 2 * place)?,
                            pictures,
                        });
                    }
                }
            }
            Ok(means)
        })
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
