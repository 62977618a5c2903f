//! Journals into the database: every line once, however often it is imported and whenever anything is killed.
//!
//! Rows carry keys that follow from the journal, so importing twice changes nothing; the offset only spares reading.
//! Progress lines are for the progress bar and are returned, not stored.

use std::path::Path;

use sqlx::sqlite::SqliteConnection;
use sqlx::{QueryBuilder, Sqlite};

use super::journal_lines::{Unreadable, parse, read_whole_lines};
use super::{Database, DatabaseError, ROWS_AT_ONCE};
use crate::journal::{Event, Line};

impl Database {
    /// Imports what the journal at `path` has gained since the last time, in one transaction, and returns those lines.
    ///
    /// A last line without its newline is still being written, or was cut by a kill: it waits. A whole line that cannot
    /// be understood is recorded as an event of the run, and importing goes on. A missing journal is an empty one.
    pub fn import(&self, run: &str, path: &Path) -> Result<Vec<Line>, DatabaseError> {
        const POSITION: &str = "SELECT imported_seq, byte_offset FROM journals WHERE run_id = ?";
        const ADVANCE: &str = "
            INSERT INTO journals (run_id, imported_seq, byte_offset) VALUES (?, ?, ?)
            ON CONFLICT (run_id) DO UPDATE SET imported_seq = excluded.imported_seq, byte_offset = excluded.byte_offset";
        let position = self.read(async |db| sqlx::query_as(POSITION).bind(run).fetch_optional(db).await)?;
        let (seq, offset): (i64, i64) = position.unwrap_or((0, 0));
        let fresh = read_whole_lines(path, offset as u64).map_err(|source| DatabaseError::Journal {
            path: path.to_path_buf(),
            source,
        })?;
        if fresh.bytes.is_empty() {
            return Ok(Vec::new());
        }
        let (lines, unreadable) = parse(&fresh.bytes, seq as u64);
        let last = lines
            .iter()
            .map(|line| line.seq)
            .chain(unreadable.iter().map(|bad| bad.seq))
            .max();
        let last = last.map_or(seq, |last| last as i64);
        let end = (fresh.start + fresh.bytes.len() as u64) as i64;
        self.write(async |db| {
            insert_metrics(db, run, &lines).await?;
            insert_evaluations(db, run, &lines).await?;
            insert_events(db, run, &lines, &unreadable).await?;
            sqlx::query(ADVANCE).bind(run).bind(last).bind(end).execute(db).await
        })?;
        Ok(lines)
    }
}

async fn insert_metrics(db: &mut SqliteConnection, run: &str, lines: &[Line]) -> Result<(), sqlx::Error> {
    let metrics = lines.iter().filter_map(|line| match &line.event {
        Event::Metric { name, step, value } => Some((name, *step, *value)),
        _ => None,
    });
    let metrics: Vec<_> = metrics.collect();
    for rows in metrics.chunks(ROWS_AT_ONCE) {
        let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO metrics (run_id, name, step, value) ");
        insert.push_values(rows, |mut row, (name, step, value)| {
            row.push_bind(run)
                .push_bind(*name)
                .push_bind(*step as i64)
                .push_bind(*value);
        });
        insert.push(" ON CONFLICT (run_id, name, step) DO UPDATE SET value = excluded.value");
        insert.build().execute(&mut *db).await?;
    }
    Ok(())
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
        Event::Started { step: 0, of, unit } => ("started", format!("{of} {unit}")),
        Event::Started { step, of, unit } => ("started", format!("goes on at {step} of {of} {unit}")),
        Event::Note { text } => ("note", text.clone()),
        Event::Saved { step } => ("saved", format!("at {step}")),
        Event::Paused { step } => ("paused", format!("at {step}")),
        Event::Failed { reason, code } => ("failed", format!("{reason} (exit code {code})")),
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

        fn import(&self) -> Vec<u64> {
            let lines = self.database.import(&self.run, &self.path).unwrap();
            lines.iter().map(|line| line.seq).collect()
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
        assert_eq!(desk.import(), [1, 2, 3]);
        assert_eq!(desk.import(), [0; 0]);
        // Even if the database forgot how far it had come.
        let forget = "DELETE FROM journals";
        desk.database
            .write(async |db| sqlx::query(forget).execute(db).await)
            .unwrap();
        assert_eq!(desk.import(), [1, 2, 3]);
        assert_eq!(desk.losses(), [(10, 0.5), (20, 0.25)]);
        let means = desk.database.means_of_artefact("key").unwrap();
        assert_eq!((means.len(), means[0].mean, means[0].pictures), (1, 30.0, 1));

        desk.append(&metric(4, 30, 0.125));
        assert_eq!(desk.import(), [4]);
        assert_eq!(desk.losses(), [(10, 0.5), (20, 0.25), (30, 0.125)]);
    }

    #[test]
    fn a_cut_last_line_waits_for_its_end() {
        let desk = Desk::new();
        let second = metric(2, 20, 0.25);
        let (head, tail) = second.split_at(17);
        desk.append(&(metric(1, 10, 0.5) + head));
        assert_eq!(desk.import(), [1]);
        assert_eq!(desk.import(), [0; 0]);
        desk.append(tail);
        assert_eq!(desk.import(), [2]);
        assert_eq!(desk.losses(), [(10, 0.5), (20, 0.25)]);
    }

    #[test]
    fn a_replaced_journal_is_read_anew_but_nothing_is_counted_twice() {
        let desk = Desk::new();
        desk.append(&(metric(1, 10, 0.5) + &metric(2, 20, 0.25)));
        assert_eq!(desk.import(), [1, 2]);
        std::fs::write(&desk.path, metric(1, 10, 9.0)).unwrap();
        assert_eq!(desk.import(), [0; 0]);
        desk.append(&metric(2, 20, 9.0));
        desk.append(&metric(3, 30, 0.125));
        assert_eq!(desk.import(), [3]);
        assert_eq!(desk.losses(), [(10, 0.5), (20, 0.25), (30, 0.125)]);
    }

    #[test]
    fn a_line_that_is_no_journal_line_is_recorded_and_passed() {
        let desk = Desk::new();
        desk.append(
            &(metric(1, 10, 0.5) + "{\"seq\":2,\"at\":5,\"event\":\"metric\",\"value\":null}\n" + &metric(3, 20, 0.25)),
        );
        assert_eq!(desk.import(), [1, 3]);
        let events = desk.database.events(&desk.run).unwrap();
        assert_eq!(events.len(), 1);
        assert_eq!((events[0].seq, events[0].kind.as_str()), (2, "unreadable"));
        assert!(events[0].text.contains("\"value\":null"), "{}", events[0].text);
    }

    #[test]
    fn events_are_told_in_words_and_progress_is_not_kept() {
        let desk = Desk::new();
        let told = [
            Event::Started {
                step: 40,
                of: 600,
                unit: "steps".to_string(),
            },
            Event::Progress {
                step: 41,
                of: 600,
                values: std::collections::BTreeMap::new(),
            },
            Event::Failed {
                reason: "the loss became NaN".to_string(),
                code: 9,
            },
        ];
        for (seq, event) in (1..).zip(told) {
            desk.append(&(serde_json::to_string(&Line { seq, at: 5, event }).unwrap() + "\n"));
        }
        assert_eq!(desk.import(), [1, 2, 3]);
        let events = desk.database.events(&desk.run).unwrap();
        let texts: Vec<_> = events.iter().map(|event| event.text.as_str()).collect();
        assert_eq!(
            texts,
            ["goes on at 40 of 600 steps", "the loss became NaN (exit code 9)"]
        );
    }

    #[test]
    fn ten_thousand_lines_are_imported_and_summed_up() {
        let desk = Desk::new();
        desk.append(
            &(1..=10_000)
                .map(|seq| metric(seq, seq, 1.0 / seq as f64))
                .collect::<String>(),
        );
        assert_eq!(desk.import().len(), 10_000);
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
