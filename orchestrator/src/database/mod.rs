//! The record: everything the program knows about pictures, experiments and runs, in one SQLite file of the home.
//!
//! [`Database`] is a blocking handle on one connection; each file here adds the functions of one group of tables. SQL
//! stands where it is used, values are always bound, and everything that belongs together is written in one transaction.
//! The schema is in `migrations/`.
//!
//! WAL mode: readers never wait. Two writers wait for each other: a one-off command for five seconds, then it says that
//! the file is locked; a [`Database::patient`] program much longer, since a sweep must not end because somebody looks.

pub mod artefacts;
pub mod code;
pub mod datasets;
pub mod error;
pub mod evaluations;
pub mod experiments;
pub mod housekeeping;
pub mod journal_import;
mod journal_lines;
pub mod labels;
pub mod lost;
pub mod meanings;
pub mod metrics;
mod migrate;
pub mod progress;
pub mod query;
pub mod rows;
pub mod runs;
pub mod scans;

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

pub use error::DatabaseError;

use crate::failure::plain;
use crate::home::Home;
use crate::show::Talk;

/// How long a one-off command waits for another writer, and how long a patient one waits without a word.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a patient program waits for another writer.
const LONG_PATIENCE: Duration = Duration::from_mins(10);

/// Rows of one INSERT: SQLite takes 32766 values a statement, and no table here has more than 20 columns.
const ROWS_AT_ONCE: usize = 1000;

/// A blocking handle on the home's database. Not to be called from asynchronous code: it waits on a runtime of its own.
pub struct Database {
    path: PathBuf,
    /// Who waits longer than [`PATIENCE`] says so.
    talk: Talk,
    // Before the runtime, so that it is dropped first.
    connection: Mutex<SqliteConnection>,
    runtime: Runtime,
}

impl Database {
    /// Opens the home's database for reading and writing; makes it, or brings it to this program's version, if need be.
    ///
    /// # Errors
    /// A file of a newer program, damaged, locked or unwritable: each is its own [`DatabaseError`].
    pub fn open(home: &Home) -> Result<Self, DatabaseError> {
        Self::open_waiting(home, PATIENCE)
    }

    /// Opens an existing database for reading.
    ///
    /// # Errors
    /// [`DatabaseError::Missing`] where nothing has been recorded yet.
    pub fn open_read_only(home: &Home) -> Result<Self, DatabaseError> {
        let path = home.database();
        if !path.exists() {
            return Err(DatabaseError::Missing { path });
        }
        let reading = options(&path, PATIENCE).read_only(true);
        let database = match Self::connect(&path, reading.clone()) {
            // A home on a read-only disk: nobody can be writing, so no lock and no log are needed.
            Err(DatabaseError::Unwritable { .. }) if is_untouchable(&path) => {
                Self::connect(&path, reading.immutable(true))?
            }
            connected => connected?,
        };
        if database.is_current()? {
            Ok(database)
        } else {
            // Reading an older schema is not worth a second set of queries.
            Self::open(home)
        }
    }

    /// The same database for a program whose runs go on meanwhile: it waits for other writers up to ten minutes, and says
    /// so after five seconds. Nothing is lost while it waits, since journals keep everything.
    ///
    /// # Errors
    /// As those of any statement.
    pub fn patient(self, talk: Talk) -> Result<Self, DatabaseError> {
        self.waiting(LONG_PATIENCE, talk)
    }

    fn waiting(mut self, patience: Duration, talk: Talk) -> Result<Self, DatabaseError> {
        let sql = format!("PRAGMA busy_timeout = {}", patience.as_millis());
        self.read(async |db| sqlx::query(AssertSqlSafe(sql)).execute(db).await)?;
        self.talk = talk;
        Ok(self)
    }

    /// What SQLite itself says about the file's health (`None`: healthy). Reads the whole file.
    pub fn quick_check(&self) -> Result<Option<String>, DatabaseError> {
        let verdict: String = self.read(async |db| sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(db).await)?;
        Ok((verdict != "ok").then_some(verdict))
    }

    /// Everything that SQLite finds wrong, indexes against their tables included (at most ten lines, none: healthy). Slower
    /// than [`Database::quick_check`].
    pub fn integrity_check(&self) -> Result<Vec<String>, DatabaseError> {
        let mut lines: Vec<String> =
            self.read(async |db| sqlx::query_scalar("PRAGMA integrity_check(10)").fetch_all(db).await)?;
        lines.retain(|line| line != "ok");
        Ok(lines)
    }

    /// Rows that refer to what is not there, counted by table and the table referred to.
    pub fn broken_references(&self) -> Result<Vec<(String, String, i64)>, DatabaseError> {
        const SQL: &str =
            "SELECT \"table\", \"parent\", count(*) FROM pragma_foreign_key_check GROUP BY 1, 2 ORDER BY 1, 2";
        self.read(async |db| sqlx::query_as(SQL).fetch_all(db).await)
    }

    /// The schema's version: the number of the newest migration.
    pub fn schema(&self) -> Result<i64, DatabaseError> {
        const SQL: &str = "SELECT max(version) FROM _sqlx_migrations WHERE success";
        self.read(async |db| sqlx::query_scalar(SQL).fetch_one(db).await)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    fn open_waiting(home: &Home, patience: Duration) -> Result<Self, DatabaseError> {
        let path = home.database();
        std::fs::create_dir_all(home.root()).map_err(|source| DatabaseError::Unwritable {
            path: path.clone(),
            reason: plain(&source),
            full: source.kind() == std::io::ErrorKind::StorageFull,
        })?;
        let writable = options(&path, patience)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal);
        // Changing a new file to WAL needs it alone, and SQLite does not wait for that by itself.
        let started = Instant::now();
        let database = loop {
            match Self::connect(&path, writable.clone()) {
                Err(DatabaseError::Locked { .. }) if started.elapsed() < patience => {
                    std::thread::sleep(Duration::from_millis(50));
                }
                other => break other?,
            }
        };
        if !database.is_current()? {
            database.migrate(home)?;
        }
        Ok(database)
    }

    fn connect(path: &Path, options: SqliteConnectOptions) -> Result<Self, DatabaseError> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|source| DatabaseError::Unwritable {
            path: path.to_path_buf(),
            reason: plain(&source),
            full: false,
        })?;
        let connected = runtime.block_on(options.connect());
        let connection = connected.map_err(|error| DatabaseError::from_sqlx(path, error))?;
        Ok(Self {
            path: path.to_path_buf(),
            talk: Talk::Quiet,
            connection: Mutex::new(connection),
            runtime,
        })
    }

    /// Runs one or more queries.
    fn read<T>(
        &self,
        work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, DatabaseError> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let done = self.runtime.block_on(work(&mut connection));
        done.map_err(|error| DatabaseError::from_sqlx(&self.path, error))
    }

    /// Runs queries inside one transaction that is alone in writing; all of them happen, or none.
    fn write<T>(
        &self,
        work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, DatabaseError> {
        self.read(async |connection| {
            // Not sqlx's own transaction: SQLite rolls back by itself when the disk is full, and sqlx, not told so, would
            // refuse every later one.
            self.begin(connection).await?;
            let done = match work(&mut *connection).await {
                Ok(value) => sqlx::query("COMMIT").execute(&mut *connection).await.map(|_| value),
                Err(error) => Err(error),
            };
            if done.is_err() {
                // The first error says what is wrong; there may be nothing left to roll back.
                let _ = sqlx::query("ROLLBACK").execute(connection).await;
            }
            done
        })
    }

    /// Waits for other writers as long as this handle's patience lasts.
    async fn begin(&self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        let mut begun = pin!(sqlx::query("BEGIN IMMEDIATE").execute(connection));
        if let Ok(begun) = timeout(PATIENCE, &mut begun).await {
            return begun.map(drop);
        }
        let path = self.path.display();
        self.talk
            .say(format!("{path} is locked by another program: waiting, nothing is lost"));
        begun.await?;
        self.talk.say(format!("{path} is free again: going on"));
        Ok(())
    }
}

impl Drop for Database {
    /// Leaves a file that is whole without its write-ahead log, so that copying it alone loses nothing.
    fn drop(&mut self) {
        // Waiting inside another runtime is not possible, and the log is read by whoever opens the file next.
        if tokio::runtime::Handle::try_current().is_err() {
            let _ = self.read(async |db| sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(db).await);
        }
    }
}

fn options(path: &Path, patience: Duration) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .busy_timeout(patience)
        // Rows come from a thread of their own: the more at once, the fewer times the two wait for each other.
        .row_buffer_size(1024)
        .disable_statement_logging()
}

/// Whether the file is whole without its log, and lies on a disk that cannot be written.
fn is_untouchable(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let writable = std::fs::File::options().append(true).open(path);
    let read_only = writable.is_err_and(|error| error.kind() == std::io::ErrorKind::ReadOnlyFilesystem);
    read_only && std::fs::metadata(log).map_or(0, |log| log.len()) == 0
}

/// Ids as one value, for `IN (SELECT value FROM json_each(?))`: a question about many is one statement.
fn list(ids: &[i64]) -> String {
    serde_json::json!(ids).to_string()
}

/// Now, in milliseconds since the Unix epoch.
pub fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A fresh database, and the folder that it lives in as long as the guard does.
    pub fn database() -> (tempfile::TempDir, Database) {
        let (folder, home) = home();
        let database = Database::open(&home).unwrap();
        (folder, database)
    }

    pub fn home() -> (tempfile::TempDir, Home) {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path().join("home"));
        (folder, home)
    }

    #[test]
    fn opening_twice_at_once_migrates_once() {
        let (_folder, home) = home();
        std::thread::scope(|scope| {
            let opened: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| Database::open(&home).map(drop)))
                .collect();
            for result in opened {
                result.join().unwrap().unwrap();
            }
        });
        let database = Database::open_read_only(&home).unwrap();
        assert_eq!(database.quick_check().unwrap(), None);
        let tables: i64 = database
            .read(async |db| sqlx::query_scalar("SELECT count(*) FROM runs").fetch_one(db).await)
            .unwrap();
        assert_eq!(tables, 0);
    }

    #[test]
    fn reading_a_home_without_a_record_says_so_and_makes_nothing() {
        let (_folder, home) = home();
        assert!(matches!(
            Database::open_read_only(&home),
            Err(DatabaseError::Missing { .. })
        ));
        assert!(!home.root().exists());
    }

    #[test]
    fn a_record_of_a_newer_program_is_refused_untouched() {
        let (_folder, home) = home();
        let database = Database::open(&home).unwrap();
        let newer = "INSERT INTO _sqlx_migrations VALUES (9000, 'of tomorrow', CURRENT_TIMESTAMP, TRUE, x'00', 0)";
        database.write(async |db| sqlx::query(newer).execute(db).await).unwrap();
        drop(database);
        for refused in [Database::open(&home).err(), Database::open_read_only(&home).err()] {
            let text = refused.unwrap().to_string();
            assert!(text.contains("perceive.sqlite") && text.contains("9000"), "{text}");
        }
    }

    #[test]
    fn a_damaged_file_is_named() {
        let (_folder, home) = home();
        std::fs::create_dir_all(home.root()).unwrap();
        std::fs::write(home.database(), "this was never a database, only some words in a file").unwrap();
        for refused in [Database::open(&home).err(), Database::open_read_only(&home).err()] {
            assert!(matches!(refused, Some(DatabaseError::Damaged { .. })), "{refused:?}");
        }
    }

    #[test]
    fn a_writer_waits_for_another_and_then_says_that_it_is_locked() {
        let (_folder, home) = home();
        let first = Database::open(&home).unwrap();
        let second = Database::open_waiting(&home, Duration::from_millis(50)).unwrap();
        let refused = first.read(async |db| {
            let transaction = sqlx::Connection::begin_with(db, "BEGIN IMMEDIATE").await?;
            // Another thread, because this one is inside the first handle's runtime.
            let (refused, readable) = std::thread::scope(|scope| {
                let refused = scope.spawn(|| second.write(async |_| Ok(())));
                let readable = scope.spawn(|| Database::open_read_only(&home).is_ok());
                (refused.join().unwrap(), readable.join().unwrap())
            });
            assert!(readable, "readers never wait");
            transaction.rollback().await?;
            Ok(refused)
        });
        assert!(matches!(refused.unwrap(), Err(DatabaseError::Locked { .. })));
        second.write(async |_| Ok(())).unwrap();
    }

    #[test]
    fn a_patient_writer_outwaits_one_that_holds_the_file() {
        let (_folder, home) = home();
        let holder = Database::open(&home).unwrap();
        let hasty = Database::open_waiting(&home, Duration::from_millis(20)).unwrap();
        let patient = Database::open_waiting(&home, Duration::from_millis(20)).unwrap();
        let patient = patient.waiting(Duration::from_mins(1), Talk::Quiet).unwrap();
        let (held, is_held) = std::sync::mpsc::channel();
        let (free, is_free) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let release = async |_: &mut SqliteConnection| {
                    held.send(()).unwrap();
                    is_free.recv().unwrap();
                    Ok(())
                };
                holder.write(release).unwrap();
            });
            is_held.recv().unwrap();
            let waiting = scope.spawn(|| patient.experiment("quickstart", ""));
            // Many times the other's whole patience.
            for _ in 0..5 {
                let refused = hasty.experiment("hasty", "");
                assert!(matches!(refused, Err(DatabaseError::Locked { .. })), "{refused:?}");
            }
            assert!(!waiting.is_finished());
            free.send(()).unwrap();
            waiting.join().unwrap().unwrap();
        });
        assert_eq!(hasty.experiment_names().unwrap(), ["quickstart"]);
    }

    #[test]
    fn a_closed_database_is_whole_without_its_log() {
        let (folder, home) = home();
        let database = Database::open(&home).unwrap();
        database.experiment("quickstart", "[quickstart]").unwrap();
        drop(database);
        let copy = Home::at(folder.path().join("copy"));
        std::fs::create_dir(copy.root()).unwrap();
        std::fs::copy(home.database(), copy.database()).unwrap();
        assert_eq!(
            Database::open_read_only(&copy).unwrap().experiment_names().unwrap(),
            ["quickstart"]
        );
    }

    #[test]
    fn what_fails_halfway_leaves_nothing() {
        let (_folder, home) = home();
        let database = Database::open(&home).unwrap();
        let insert = "INSERT INTO experiments (name, toml, first_seen) VALUES ('once', '', 0)";
        let failed = database.write(async |db| {
            sqlx::query(insert).execute(&mut *db).await?;
            sqlx::query(insert).execute(db).await
        });
        assert!(failed.is_err());
        let rows: i64 = database
            .read(async |db| {
                sqlx::query_scalar("SELECT count(*) FROM experiments")
                    .fetch_one(db)
                    .await
            })
            .unwrap();
        assert_eq!(rows, 0);
    }
}
