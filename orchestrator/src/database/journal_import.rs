//! Journals into the database: every line once, however often it is imported and whenever anything is killed.
//!
//! Rows carry keys that follow from the journal, so importing twice changes nothing; the offset only spares reading. A
//! journal is read batch by batch, each in one transaction, so that gigabytes of it need no more memory than megabytes.

use std::collections::HashMap;
use std::path::Path;

use sqlx::sqlite::SqliteConnection;
use sqlx::{QueryBuilder, Sqlite};

use super::journal_lines::{Unreadable, parse, read_whole_lines};
use super::runs::machine;
use super::{Database, DatabaseError, ROWS_AT_ONCE};
use crate::journal::{Event, Line};

/// Bytes of a journal that are read and written in one transaction: some 80,000 lines.
const BATCH: u64 = 8 << 20;

impl Database {
    /// Imports what the journal at `path` has gained since the last time, and returns what of it is to be told rather than
    /// stored as numbers: everything but metrics and evaluations, and of the progress only the latest.
    ///
    /// A last line without its newline is still being written, or was cut by a kill: it waits. A whole line that cannot
    /// be understood is recorded as an event of the run, and importing goes on. A missing journal is an empty one.
    pub fn import(&self, run: &str, path: &Path) -> Result<Vec<Line>, DatabaseError> {
        const POSITION: &str = "SELECT imported_seq, byte_offset FROM journals WHERE run_id = ?";
        const ADVANCE: &str = "
            INSERT INTO journals (run_id, imported_seq, byte_offset) VALUES (?, ?, ?)
            ON CONFLICT (run_id) DO UPDATE SET imported_seq = excluded.imported_seq, byte_offset = excluded.byte_offset";
        let position = self.read(async |db| sqlx::query_as(POSITION).bind(run).fetch_optional(db).await)?;
        let (mut seq, mut offset): (i64, i64) = position.unwrap_or((0, 0));
        let mut told = Vec::new();
        loop {
            let fresh = read_whole_lines(path, offset as u64, BATCH).map_err(|source| DatabaseError::Journal {
                path: path.to_path_buf(),
                source,
            })?;
            if fresh.bytes.is_empty() {
                return Ok(told);
            }
            let (lines, unreadable) = parse(&fresh.bytes, seq as u64);
            let numbers = lines
                .iter()
                .map(|line| line.seq)
                .chain(unreadable.iter().map(|bad| bad.seq));
            seq = numbers.max().map_or(seq, |last| last as i64);
            offset = (fresh.start + fresh.bytes.len() as u64) as i64;
            self.write(async |db| {
                insert_metrics(db, run, &lines).await?;
                insert_evaluations(db, run, &lines).await?;
                insert_events(db, run, &lines, &unreadable).await?;
                sqlx::query(ADVANCE).bind(run).bind(seq).bind(offset).execute(db).await
            })?;
            tell(lines, &mut told);
        }
    }

    /// How many bytes of each run's journal have been imported.
    pub fn imported(&self) -> Result<HashMap<String, u64>, DatabaseError> {
        const SQL: &str = "SELECT run_id, byte_offset FROM journals";
        let rows: Vec<(String, i64)> = self.read(async |db| sqlx::query_as(SQL).fetch_all(db).await)?;
        Ok(rows.into_iter().map(|(run, offset)| (run, offset as u64)).collect())
    }

    /// Records the run of a journal that the record does not know (it was lost, or is a copy of before), as if it were
    /// running: whoever settles lost runs next imports the journal and finds out how it ended.
    ///
    /// `first` is the journal's first line; `false`: it does not tell whose journal it is.
    pub fn adopt(&self, run: &str, first: &Line) -> Result<bool, DatabaseError> {
        const SQL: &str = "
            INSERT INTO runs (id, stage, label, artefact_key, state, seed, device, command, version, dirty, machine,
                              queued_at, started_at)
            VALUES (?1, ?2, ?3, ?4, 'running', 0, ?5, '', '', 0, ?6, ?7, ?7) ON CONFLICT DO NOTHING";
        let Event::Order {
            stage,
            label,
            artefact,
            device,
        } = &first.event
        else {
            return Ok(false);
        };
        let query = sqlx::query(SQL).bind(run).bind(stage).bind(label).bind(artefact);
        let query = query.bind(device).bind(machine()).bind(first.at);
        self.write(async |db| query.execute(db).await)?;
        Ok(true)
    }
}

/// Keeps of a batch what somebody may want to hear at once.
fn tell(lines: Vec<Line>, told: &mut Vec<Line>) {
    let mut latest = None;
    for line in lines {
        match line.event {
            Event::Metric { .. } | Event::Evaluation { .. } => {}
            Event::Progress { .. } => latest = Some(line),
            _ => told.push(line),
        }
    }
    if let Some(latest) = latest {
        told.retain(|line| !matches!(line.event, Event::Progress { .. }));
        told.push(latest);
        told.sort_by_key(|line| line.seq);
    }
}

async fn insert_metrics(db: &mut SqliteConnection, run: &str, lines: &[Line]) -> Result<(), sqlx::Error> {
    let metrics = lines.iter().filter_map(|line| match &line.event {
        Event::Metric { name, step, value } => Some((name.as_str(), *step as i64, *value)),
        _ => None,
    });
    let metrics: Vec<(&str, i64, f64)> = metrics.collect();
    let mut series = HashMap::new();
    for (name, ..) in &metrics {
        if !series.contains_key(name) {
            series.insert(*name, series_of(db, run, name).await?);
        }
    }
    // In the table's own order; of two values for one step the later one comes later.
    let points = metrics
        .iter()
        .filter_map(|(name, step, value)| Some((*series.get(name)?, *step, *value)));
    let mut points: Vec<(i64, i64, f64)> = points.collect();
    points.sort_by_key(|(series, step, _)| (*series, *step));
    for rows in points.chunks(ROWS_AT_ONCE) {
        let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO points (series_id, step, value) ");
        insert.push_values(rows, |mut row, (series, step, value)| {
            row.push_bind(*series).push_bind(*step).push_bind(*value);
        });
        insert.push(" ON CONFLICT (series_id, step) DO UPDATE SET value = excluded.value");
        // Only whole chunks meet again.
        let whole = rows.len() == ROWS_AT_ONCE;
        insert.build().persistent(whole).execute(&mut *db).await?;
    }
    Ok(())
}

/// The id of a run's metric, recorded the first time it is met.
async fn series_of(db: &mut SqliteConnection, run: &str, name: &str) -> Result<i64, sqlx::Error> {
    const FIND: &str = "SELECT id FROM series WHERE run_id = ? AND name = ?";
    const ADD: &str = "INSERT INTO series (run_id, name) VALUES (?, ?) RETURNING id";
    let found = sqlx::query_scalar(FIND).bind(run).bind(name);
    if let Some(id) = found.fetch_optional(&mut *db).await? {
        return Ok(id);
    }
    sqlx::query_scalar(ADD).bind(run).bind(name).fetch_one(db).await
}

async fn insert_evaluations(db: &mut SqliteConnection, run: &str, lines: &[Line]) -> Result<(), sqlx::Error> {
    const ARTEFACT: &str = "SELECT artefact_key FROM runs WHERE id = ?";
    let is_evaluation = |line: &&Line| matches!(line.event, Event::Evaluation { .. });
    let evaluations: Vec<&Line> = lines.iter().filter(is_evaluation).collect();
    if evaluations.is_empty() {
        return Ok(());
    }
    let artefact: String = sqlx::query_scalar(ARTEFACT).bind(run).fetch_one(&mut *db).await?;
    for rows in evaluations.chunks(ROWS_AT_ONCE) {
        let mut insert = QueryBuilder::<Sqlite>::new(
            "INSERT INTO evaluations (artefact_key, test, degradation, picture, tier, metric, value, run_id) ",
        );
        insert.push_values(rows, |mut row, line| {
            let Event::Evaluation {
                test,
                degradation,
                picture,
                tier,
                metric,
                value,
            } = &line.event
            else {
                return;
            };
            row.push_bind(&artefact)
                .push_bind(test)
                .push_bind(degradation)
                .push_bind(picture);
            row.push_bind(tier).push_bind(metric).push_bind(*value).push_bind(run);
        });
        insert.push(
            " ON CONFLICT (artefact_key, test, degradation, picture, tier, metric)
              DO UPDATE SET value = excluded.value, run_id = excluded.run_id",
        );
        insert.build().execute(&mut *db).await?;
    }
    Ok(())
}

async fn insert_events(
    db: &mut SqliteConnection,
    run: &str,
    lines: &[Line],
    unreadable: &[Unreadable],
) -> Result<(), sqlx::Error> {
    let told = lines.iter().filter_map(|line| {
        let (kind, text) = words(&line.event)?;
        Some((line.seq as i64, line.at, kind, text))
    });
    let bad = unreadable
        .iter()
        .map(|bad| (bad.seq as i64, super::now(), "unreadable", bad.why.clone()));
    let events: Vec<_> = told.chain(bad).collect();
    for rows in events.chunks(ROWS_AT_ONCE) {
        let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO events (run_id, seq, at, kind, text) ");
        insert.push_values(rows, |mut row, (seq, at, kind, text)| {
            row.push_bind(run)
                .push_bind(*seq)
                .push_bind(*at)
                .push_bind(*kind)
                .push_bind(text);
        });
        insert
            .push(" ON CONFLICT (run_id, seq) DO NOTHING")
            .build()
            .execute(&mut *db)
            .await?;
    }
    Ok(())
}

/// The kind and the words of an event that is stored as such.
fn words(event: &Event) -> Option<(&'static str, String)> {
    Some(match event {
        Event::Progress { .. } | Event::Metric { .. } | Event::Evaluation { .. } => return None,
        Event::Order {
            stage, label, device, ..
        } => ("order", format!("{stage} {label} on {device}")),
        Event::Started { step: 0, of, unit } => ("started", format!("{of} {unit}")),
        Event::Started { step, of, unit } => ("started", format!("goes on at {step} of {of} {unit}")),
        Event::Note { text } => ("note", text.clone()),
        Event::Saved { step } => ("saved", format!("at {step}")),
        Event::Paused { step } => ("paused", format!("at {step}")),
        Event::Failed { reason, code, .. } => ("failed", format!("{reason} (exit code {code})")),
        Event::Done => ("done", String::new()),
    })
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io::Write;
    use std::path::PathBuf;

    use super::*;
    use crate::database::runs::tests::new_run;
    use crate::database::tests::database;

    struct Desk {
        _folder: tempfile::TempDir,
        database: Database,
        run: String,
        path: PathBuf,
    }

    impl Desk {
        fn new() -> Self {
            let (folder, database) = database();
            let run = database.start_run(&new_run("key")).unwrap();
            let path = folder.path().join("run.jsonl");
            Self {
                _folder: folder,
                database,
                run,
                path,
            }
        }

        fn append(&self, text: &str) {
            let mut file = OpenOptions::new().create(true).append(true).open(&self.path).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        }

        /// The numbers of the lines that are told, and how many points of the loss there are now.
        fn import(&self) -> (Vec<u64>, usize) {
            let told = self.database.import(&self.run, &self.path).unwrap();
            (told.iter().map(|line| line.seq).collect(), self.losses().len())
        }

        fn losses(&self) -> Vec<(i64, f64)> {
            self.database.metric(&self.run, "loss").unwrap()
        }
    }

    fn metric(seq: u64, step: u64, value: f64) -> String {
        let event = Event::Metric {
            name: "loss".to_string(),
            step,
            value,
        };
        serde_json::to_string(&Line { seq, at: 5, event }).unwrap() + "\n"
    }

    fn evaluation(seq: u64, picture: &str, value: f64) -> String {
        let event = Event::Evaluation {
            test: "CBSD68".to_string(),
            degradation: "noise25".to_string(),
            picture: picture.to_string(),
            tier: "restored".to_string(),
            metric: "psnr_rgb".to_string(),
            value,
        };
        serde_json::to_string(&Line { seq, at: 5, event }).unwrap() + "\n"
    }

    #[test]
    fn importing_twice_equals_importing_once() {
        let desk = Desk::new();
        desk.append(&(metric(1, 10, 0.5) + &metric(2, 20, 0.25) + &evaluation(3, "a", 30.0)));
        assert_eq!(desk.import(), (vec![], 2));
        assert_eq!(desk.import(), (vec![], 2));
        // Even if the database forgot how far it had come.
        let forget = "DELETE FROM journals";
        desk.database
            .write(async |db| sqlx::query(forget).execute(db).await)
            .unwrap();
        assert_eq!(desk.import(), (vec![], 2));
        assert_eq!(desk.losses(), [(10, 0.5), (20, 0.25)]);
        let means = desk.database.means_of_artefact("key").unwrap();
        assert_eq!((means.len(), means[0].mean, means[0].pictures), (1, 30.0, 1));

        desk.append(&metric(4, 30, 0.125));
        desk.import();
        assert_eq!(desk.losses(), [(10, 0.5), (20, 0.25), (30, 0.125)]);
    }

    #[test]
    fn a_cut_last_line_waits_for_its_end() {
        let desk = Desk::new();
        let second = metric(2, 20, 0.25);
        let (head, tail) = second.split_at(17);
        desk.append(&(metric(1, 10, 0.5) + head));
        assert_eq!(desk.import(), (vec![], 1));
        assert_eq!(desk.import(), (vec![], 1));
        desk.append(tail);
        assert_eq!(desk.import(), (vec![], 2));
        assert_eq!(desk.losses(), [(10, 0.5), (20, 0.25)]);
    }

    #[test]
    fn a_replaced_journal_is_read_anew_but_nothing_is_counted_twice() {
        let desk = Desk::new();
        desk.append(&(metric(1, 10, 0.5) + &metric(2, 20, 0.25)));
        assert_eq!(desk.import(), (vec![], 2));
        std::fs::write(&desk.path, metric(1, 10, 9.0)).unwrap();
        assert_eq!(desk.import(), (vec![], 2));
        desk.append(&metric(2, 20, 9.0));
        desk.append(&metric(3, 30, 0.125));
        assert_eq!(desk.import(), (vec![], 3));
        assert_eq!(desk.losses(), [(10, 0.5), (20, 0.25), (30, 0.125)]);
    }

    #[test]
    fn a_line_that_is_no_journal_line_is_recorded_and_passed() {
        let desk = Desk::new();
        desk.append(
            &(metric(1, 10, 0.5) + "{\"seq\":2,\"at\":5,\"event\":\"metric\",\"value\":null}\n" + &metric(3, 20, 0.25)),
        );
        assert_eq!(desk.import(), (vec![], 2));
        let events = desk.database.events(&desk.run).unwrap();
        assert_eq!(events.len(), 1);
        assert_eq!((events[0].seq, events[0].kind.as_str()), (2, "unreadable"));
        assert!(events[0].text.contains("\"value\":null"), "{}", events[0].text);
    }

    #[test]
    fn events_are_told_in_words_and_progress_is_not_kept() {
        let desk = Desk::new();
        let progress = |step| Event::Progress {
            step,
            of: 600,
            values: std::collections::BTreeMap::new(),
        };
        let told = [
            Event::Started {
                step: 40,
                of: 600,
                unit: "steps".to_string(),
            },
            progress(41),
            progress(42),
            Event::Failed {
                reason: "the loss became NaN".to_string(),
                code: 9,
                kind: Some("not-finite".to_string()),
            },
        ];
        for (seq, event) in (1..).zip(told) {
            desk.append(&(serde_json::to_string(&Line { seq, at: 5, event }).unwrap() + "\n"));
        }
        assert_eq!(desk.import(), (vec![1, 3, 4], 0), "of the progress only the latest");
        let events = desk.database.events(&desk.run).unwrap();
        let texts: Vec<_> = events.iter().map(|event| event.text.as_str()).collect();
        assert_eq!(
            texts,
            ["goes on at 40 of 600 steps", "the loss became NaN (exit code 9)"]
        );
    }

    #[test]
    fn many_lines_are_imported_and_summed_up() {
        let desk = Desk::new();
        desk.append(
            &(1..=10_000)
                .map(|seq| metric(seq, seq, 1.0 / seq as f64))
                .collect::<String>(),
        );
        assert_eq!(desk.import(), (vec![], 10_000));
        let summary = &desk.database.metric_summaries(&desk.run).unwrap()[0];
        assert_eq!((summary.points, summary.last_step), (10_000, 10_000));
        assert_eq!((summary.last, summary.smallest, summary.largest), (1e-4, 1e-4, 1.0));
    }

    #[test]
    fn a_case_finds_its_numbers_though_another_run_made_them() {
        let desk = Desk::new();
        desk.append(&(evaluation(1, "a", 30.0) + &evaluation(2, "b", 32.0)));
        desk.import();
        let case = desk.database.case("ablation", "full", 0, "tiny", "{}").unwrap();
        assert!(desk.database.evaluations(&[case]).unwrap().is_empty());
        desk.database.use_artefact(case, "key").unwrap();
        desk.database.forget_run(&desk.run).unwrap();
        let means = desk.database.means_of_artefact("key").unwrap();
        assert_eq!((means[0].mean, means[0].pictures), (31.0, 2));
        let pictures = desk.database.evaluations(&[case]).unwrap();
        assert_eq!(
            pictures.iter().map(|row| row.picture.as_str()).collect::<Vec<_>>(),
            ["a", "b"]
        );
    }
}
