//! How far a case has come: the artefacts that it stands on, done or not.

use super::runs::RunState;
use super::{Database, DatabaseError, list};

/// An artefact that a case needs and nobody has made yet.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct Pending {
    pub case_id: i64,
    /// The newest run that was to make it; `None` where there was none.
    pub run_id: Option<String>,
    pub stage: Option<String>,
    pub label: Option<String>,
    pub state: Option<RunState>,
    pub reason: Option<String>,
}

impl Database {
    /// What these cases stand on that is not whole yet, case by case, in order of the runs' birth.
    pub fn pending(&self, cases: &[i64]) -> Result<Vec<Pending>, DatabaseError> {
        const SQL: &str = "
            SELECT case_artefacts.case_id, runs.id AS run_id, runs.stage, runs.label, runs.state, runs.reason
            FROM case_artefacts
            LEFT JOIN artefacts ON artefacts.key = case_artefacts.artefact_key
            LEFT JOIN runs ON runs.id = (SELECT max(id) FROM runs WHERE runs.artefact_key = case_artefacts.artefact_key)
            WHERE case_artefacts.case_id IN (SELECT value FROM json_each(?)) AND artefacts.key IS NULL
            ORDER BY case_artefacts.case_id, runs.id IS NULL, runs.id";
        let cases = list(cases);
        self.read(async |db| sqlx::query_as(SQL).bind(cases).fetch_all(db).await)
    }
}
