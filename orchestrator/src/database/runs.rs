//! Runs: one attempt at one stage of one case, and the true state of each.

use clap::ValueEnum;
use serde::Serialize;
use uuid::Uuid;

use super::{Database, DatabaseError, now};
use crate::process;

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(rename_all = "lowercase")]
pub enum RunState {
    /// Waits for a device; the process that queued it lives.
    Queued,
    /// Its process lives.
    Running,
    /// Stopped because it was asked to; its state is kept.
    Paused,
    Done,
    Failed,
    /// Never started, and nobody is left who would.
    Cancelled,
    /// Its process ended without a word (killed, out of memory, power).
    Lost,
}

impl RunState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Lost => "lost",
        }
    }

    /// Whether a process stands behind it.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }
}

/// A run about to be attempted.
#[derive(Clone, Debug)]
pub struct NewRun {
    pub case: Option<i64>,
    pub stage: String,
    pub label: String,
    /// The artefact that it will make.
    pub artefact_key: String,
    pub seed: u64,
    pub device: String,
    /// The command line that would repeat it.
    pub command: String,
    /// The program's version.
    pub version: String,
    /// The commit that the program was built from, where that is known.
    pub code_commit: Option<String>,
    /// Whether the working tree differed from that commit.
    pub dirty: bool,
    /// 1, 2, ... within one command.
    pub attempt: u32,
}

/// How a run ended, and what it used.
#[derive(Clone, Debug, PartialEq)]
pub struct Ending {
    pub state: RunState,
    pub exit_code: Option<i32>,
    /// In one word that programs can read.
    pub cause: Option<&'static str>,
    /// In words for people.
    pub reason: Option<String>,
    pub peak_bytes: Option<u64>,
}

/// One run as it is recorded. Times are milliseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct Run {
    pub id: String,
    pub case_id: Option<i64>,
    pub experiment: Option<String>,
    pub case_name: Option<String>,
    pub stage: String,
    pub label: String,
    pub artefact_key: String,
    pub state: RunState,
    pub seed: i64,
    pub device: String,
    pub command: String,
    pub version: String,
    pub code_commit: Option<String>,
    pub dirty: bool,
    pub machine: String,
    pub pid: Option<i64>,
    pub heartbeat: Option<i64>,
    pub queued_at: i64,
    pub started_at: Option<i64>,
    pub ended_at: Option<i64>,
    pub exit_code: Option<i64>,
    pub reason: Option<String>,
    pub process: Option<String>,
    pub attempt: i64,
    pub peak_bytes: Option<i64>,
    pub cause: Option<String>,
}

impl Run {
    /// How long it ran, or has been running, in milliseconds.
    pub fn took(&self) -> Option<i64> {
        let end = self.ended_at.unwrap_or_else(now);
        self.started_at.map(|start| end - start)
    }

    /// The code that made it: version, commit, and whether the working tree differed.
    pub fn code(&self) -> String {
        let changed = if self.dirty { ", with uncommitted changes" } else { "" };
        match &self.code_commit {
            Some(commit) => format!("{} at commit {commit}{changed}", self.version),
            None => format!("{}, commit unknown", self.version),
        }
    }
}

/// What a run that is done did, and took.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct PastRun {
    /// Its job as JSON.
    pub settings: String,
    /// Of its artefact.
    pub bytes: i64,
    pub milliseconds: i64,
    pub peak_bytes: Option<i64>,
}

/// Which runs a listing wants; newest first.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunFilter<'a> {
    pub experiment: Option<&'a str>,
    pub state: Option<RunState>,
    pub limit: Option<u32>,
}

/// One thing that a reader of a run should know.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct RunEvent {
    pub seq: i64,
    pub at: i64,
    pub kind: String,
    pub text: String,
}

/// One metric of one run in a line.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct MetricSummary {
    pub name: String,
    pub points: i64,
    pub last_step: i64,
    pub last: f64,
    pub smallest: f64,
    pub largest: f64,
}

impl Database {
    /// Records a run as queued by this process, and returns its id (UUID version 7).
    pub fn start_run(&self, new: &NewRun) -> Result<String, DatabaseError> {
        const SQL: &str = "
            INSERT INTO runs (id, case_id, stage, label, artefact_key, state, seed, device, command, version,
                              code_commit, dirty, machine, pid, heartbeat, queued_at, process, attempt)
            VALUES (?, ?, ?, ?, ?, 'queued', ?, ?, ?, ?, ?, ?, ?, ?, ?14, ?14, ?15, ?16)";
        let id = Uuid::now_v7().to_string();
        let query = sqlx::query(SQL)
            .bind(&id)
            .bind(new.case)
            .bind(&new.stage)
            .bind(&new.label);
        let query = query
            .bind(&new.artefact_key)
            .bind(new.seed as i64)
            .bind(&new.device)
            .bind(&new.command);
        let query = query
            .bind(&new.version)
            .bind(&new.code_commit)
            .bind(new.dirty)
            .bind(machine());
        let me = std::process::id();
        let query = query.bind(i64::from(me)).bind(now());
        let query = query.bind(process::identity(me)).bind(new.attempt);
        self.write(async |db| query.execute(db).await)?;
        Ok(id)
    }

    /// The worker `pid` has begun the run.
    pub fn set_running(&self, id: &str, pid: u32) -> Result<(), DatabaseError> {
        const SQL: &str = "
            UPDATE runs SET state = 'running', pid = ?2, heartbeat = ?3, started_at = coalesce(started_at, ?3),
                            process = ?4, ended_at = NULL, exit_code = NULL, reason = NULL
            WHERE id = ?1";
        let query = sqlx::query(SQL).bind(id).bind(i64::from(pid)).bind(now());
        let query = query.bind(process::identity(pid));
        self.write(async |db| query.execute(db).await.map(drop))
    }

    /// The worker lives.
    pub fn heartbeat(&self, id: &str) -> Result<(), DatabaseError> {
        const SQL: &str = "UPDATE runs SET heartbeat = ? WHERE id = ?";
        self.write(async |db| sqlx::query(SQL).bind(now()).bind(id).execute(db).await.map(drop))
    }

    /// The run has come to `state`; a state without a process behind it ends the run now.
    pub fn set_state(
        &self,
        id: &str,
        state: RunState,
        exit_code: Option<i32>,
        reason: Option<&str>,
    ) -> Result<(), DatabaseError> {
        const SQL: &str = "UPDATE runs SET state = ?, exit_code = ?, reason = ?, ended_at = ? WHERE id = ?";
        let ended = (!state.is_live()).then(now);
        let query = sqlx::query(SQL)
            .bind(state)
            .bind(exit_code)
            .bind(reason)
            .bind(ended)
            .bind(id);
        self.write(async |db| query.execute(db).await.map(drop))
    }

    /// The run has ended.
    pub fn end_run(&self, id: &str, ending: &Ending) -> Result<(), DatabaseError> {
        const SQL: &str = "
            UPDATE runs SET state = ?, exit_code = ?, reason = ?, ended_at = ?, cause = ?, peak_bytes = ? WHERE id = ?";
        let query = sqlx::query(SQL).bind(ending.state).bind(ending.exit_code);
        let query = query.bind(ending.reason.as_deref()).bind(now()).bind(ending.cause);
        let query = query.bind(ending.peak_bytes.map(|bytes| bytes as i64)).bind(id);
        self.write(async |db| query.execute(db).await.map(drop))
    }

    /// Runs, newest first.
    pub fn runs(&self, filter: RunFilter<'_>) -> Result<Vec<Run>, DatabaseError> {
        const SQL: &str = "
            SELECT * FROM named_runs
            WHERE (?1 IS NULL OR experiment = ?1) AND (?2 IS NULL OR state = ?2)
            ORDER BY id DESC LIMIT ?3";
        let limit = filter.limit.map_or(-1, i64::from);
        let query = sqlx::query_as(SQL)
            .bind(filter.experiment)
            .bind(filter.state)
            .bind(limit);
        self.read(async |db| query.fetch_all(db).await)
    }

    /// Artefact key and state of the newest run of each artefact.
    pub fn newest_states(&self) -> Result<Vec<(String, RunState)>, DatabaseError> {
        // SQLite takes the bare columns from the row of max(id).
        const SQL: &str =
            "SELECT artefact_key, state FROM (SELECT artefact_key, state, max(id) FROM runs GROUP BY artefact_key)";
        self.read(async |db| sqlx::query_as(SQL).fetch_all(db).await)
    }

    /// What the newest `limit` runs that are done did and took.
    pub fn past_runs(&self, limit: u32) -> Result<Vec<PastRun>, DatabaseError> {
        const SQL: &str = "
            SELECT artefacts.settings, artefacts.bytes, ended_at - started_at AS milliseconds, peak_bytes
            FROM runs JOIN artefacts ON artefacts.key = artefact_key
            WHERE state = 'done' AND started_at IS NOT NULL AND attempt = 1 ORDER BY id DESC LIMIT ?";
        self.read(async |db| sqlx::query_as(SQL).bind(limit).fetch_all(db).await)
    }

    /// How `metric` went in every training of `stage` of `experiment`, as (artefact key, step, value).
    pub fn courses(
        &self,
        experiment: &str,
        stage: &str,
        metric: &str,
    ) -> Result<Vec<(String, i64, f64)>, DatabaseError> {
        const SQL: &str = "
            SELECT runs.artefact_key, step, value
            FROM experiments
            JOIN cases ON cases.experiment_id = experiments.id
            JOIN case_artefacts ON case_artefacts.case_id = cases.id
            JOIN runs ON runs.artefact_key = case_artefacts.artefact_key
            JOIN metrics ON metrics.run_id = runs.id
            WHERE experiments.name = ? AND runs.stage = ? AND metrics.name = ?";
        let query = sqlx::query_as(SQL).bind(experiment).bind(stage).bind(metric);
        self.read(async |db| query.fetch_all(db).await)
    }

    /// The runs that make or made the artefact `key`, newest first.
    pub fn runs_of_artefact(&self, key: &str) -> Result<Vec<Run>, DatabaseError> {
        const SQL: &str = "SELECT * FROM named_runs WHERE artefact_key = ? ORDER BY id DESC";
        self.read(async |db| sqlx::query_as(SQL).bind(key).fetch_all(db).await)
    }

    /// The run whose id begins with `prefix`.
    ///
    /// # Errors
    /// [`DatabaseError::NoRun`], or [`DatabaseError::AmbiguousRun`] with the ids it could mean.
    pub fn find(&self, prefix: &str) -> Result<Run, DatabaseError> {
        // Ids are of 0-9, a-f and '-'; 'g' is what comes next.
        const SQL: &str = "SELECT * FROM named_runs WHERE id >= ?1 AND id < ?1 || 'g' ORDER BY id LIMIT 10";
        let prefix = prefix.to_lowercase();
        let hex = |letter: char| letter.is_ascii_hexdigit() || letter == '-';
        if prefix.is_empty() || !prefix.chars().all(hex) {
            return Err(DatabaseError::NoRun(prefix));
        }
        let mut found: Vec<Run> = self.read(async |db| sqlx::query_as(SQL).bind(&prefix).fetch_all(db).await)?;
        match found.len() {
            0 => Err(DatabaseError::NoRun(prefix)),
            1 => Ok(found.remove(0)),
            _ => Err(DatabaseError::AmbiguousRun {
                prefix,
                ids: found.into_iter().map(|run| run.id).collect(),
            }),
        }
    }

    /// What the run told, in order.
    pub fn events(&self, id: &str) -> Result<Vec<RunEvent>, DatabaseError> {
        const SQL: &str = "SELECT seq, at, kind, text FROM events WHERE run_id = ? ORDER BY seq";
        self.read(async |db| sqlx::query_as(SQL).bind(id).fetch_all(db).await)
    }

    /// Each metric of the run in a line.
    pub fn metric_summaries(&self, id: &str) -> Result<Vec<MetricSummary>, DatabaseError> {
        // SQLite takes the bare column `value` from the row of max(step).
        const SQL: &str = "
            SELECT latest.*, extremes.smallest, extremes.largest
            FROM (SELECT name, count(*) AS points, max(step) AS last_step, value AS last
                  FROM metrics WHERE run_id = ?1 GROUP BY name) AS latest
            JOIN (SELECT name, min(value) AS smallest, max(value) AS largest
                  FROM metrics WHERE run_id = ?1 GROUP BY name) AS extremes USING (name)
            ORDER BY name";
        self.read(async |db| sqlx::query_as(SQL).bind(id).fetch_all(db).await)
    }

    /// One metric's course, as (step, value).
    pub fn metric(&self, id: &str, name: &str) -> Result<Vec<(i64, f64)>, DatabaseError> {
        const SQL: &str = "SELECT step, value FROM metrics WHERE run_id = ? AND name = ? ORDER BY step";
        self.read(async |db| sqlx::query_as(SQL).bind(id).bind(name).fetch_all(db).await)
    }

    /// Forgets a run, its metrics and its events. Evaluations stay with their artefact.
    pub fn forget_run(&self, id: &str) -> Result<(), DatabaseError> {
        const SQL: &str = "DELETE FROM runs WHERE id = ?";
        self.write(async |db| sqlx::query(SQL).bind(id).execute(db).await.map(drop))
    }
}

/// This machine's name.
pub fn machine() -> String {
    sysinfo::System::host_name().unwrap_or_else(|| "unknown".to_string())
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::database::tests::database;

    pub fn new_run(key: &str) -> NewRun {
        NewRun {
            case: None,
            stage: "restore".to_string(),
            label: "base".to_string(),
            artefact_key: key.to_string(),
            seed: u64::MAX,
            device: "cpu".to_string(),
            command: "perceive-ir run quickstart".to_string(),
            version: "0.1.0".to_string(),
            code_commit: Some("a70cb46".to_string()),
            dirty: true,
            attempt: 1,
        }
    }

    #[test]
    fn a_run_lives_from_queued_to_done() {
        let (_folder, database) = database();
        let case = database.case("quickstart", "base", 0, "tiny", "{}").unwrap();
        let new = NewRun {
            case: Some(case),
            ..new_run("k")
        };
        let id = database.start_run(&new).unwrap();
        let queued = database.find(&id).unwrap();
        assert_eq!(queued.state, RunState::Queued);
        assert_eq!(queued.experiment.as_deref(), Some("quickstart"));
        assert_eq!(queued.pid, Some(i64::from(std::process::id())));
        assert_eq!((queued.seed as u64, queued.dirty), (u64::MAX, true));
        assert!((now() - queued.queued_at).abs() < 60_000);
        assert_eq!((queued.started_at, queued.took()), (None, None));

        database.set_running(&id, 4711).unwrap();
        database.heartbeat(&id).unwrap();
        let running = database.find(&id).unwrap();
        assert_eq!((running.state, running.pid), (RunState::Running, Some(4711)));
        assert!(running.heartbeat >= running.started_at);

        database
            .set_state(&id, RunState::Failed, Some(9), Some("the loss became NaN"))
            .unwrap();
        let failed = database.find(&id).unwrap();
        assert_eq!((failed.state, failed.exit_code), (RunState::Failed, Some(9)));
        assert_eq!(failed.reason.as_deref(), Some("the loss became NaN"));
        assert!(failed.ended_at.is_some());
    }

    #[test]
    fn runs_are_found_by_a_unique_beginning() {
        let (_folder, database) = database();
        let first = database.start_run(&new_run("a")).unwrap();
        let second = database.start_run(&new_run("b")).unwrap();
        assert_eq!(database.find(&first.to_uppercase()).unwrap().id, first);
        let unique = first.bytes().zip(second.bytes()).take_while(|(a, b)| a == b).count() + 1;
        assert_eq!(database.find(&second[..unique]).unwrap().id, second);
        match database.find(&first[..6]) {
            Err(DatabaseError::AmbiguousRun { ids, .. }) => assert_eq!(ids, [first, second]),
            other => panic!("{other:?}"),
        }
        for none in ["", "ffff", "zebra", "%", "0' OR 1=1"] {
            assert!(matches!(database.find(none), Err(DatabaseError::NoRun(_))), "{none}");
        }
    }

    #[test]
    fn a_listing_is_newest_first_and_filtered() {
        let (_folder, database) = database();
        let case = database.case("quickstart", "base", 0, "tiny", "{}").unwrap();
        let one = database.start_run(&new_run("a")).unwrap();
        let two = database
            .start_run(&NewRun {
                case: Some(case),
                ..new_run("b")
            })
            .unwrap();
        database.set_state(&one, RunState::Done, Some(0), None).unwrap();
        let ids = |filter: RunFilter| -> Vec<String> {
            database.runs(filter).unwrap().into_iter().map(|run| run.id).collect()
        };
        assert_eq!(ids(RunFilter::default()), [two.clone(), one.clone()]);
        let limited = RunFilter {
            limit: Some(1),
            ..RunFilter::default()
        };
        assert_eq!(ids(limited), std::slice::from_ref(&two));
        let done = RunFilter {
            state: Some(RunState::Done),
            ..RunFilter::default()
        };
        assert_eq!(ids(done), [one]);
        let quickstart = RunFilter {
            experiment: Some("quickstart"),
            ..RunFilter::default()
        };
        assert_eq!(ids(quickstart), [two]);
    }
}
