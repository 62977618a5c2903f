//! The record: everything the program knows about pictures, experiments and runs, in one SQLite file of the home.
//!
//! [`Database`] is a blocking handle on one connection; each file here adds the functions of one group of tables. SQL
//! stands where it is used, values are always bound, and everything that belongs together is written in one transaction.
//! The schema is in `migrations/`.
//!
//! WAL mode: readers never wait. Two writers wait for each other up to five seconds, then the second is told so.

pub mod artefacts;
pub mod datasets;
pub mod error;
pub mod evaluations;
pub mod experiments;
pub mod journal_import;
mod journal_lines;
pub mod lost;
pub mod progress;
pub mod runs;
pub mod scans;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};
use tokio::runtime::{Builder, Runtime};

pub use error::DatabaseError;

use crate::failure::plain;
use crate::home::Home;

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// How long one writer waits for another.
const PATIENCE: Duration = Duration::from_secs(5);

/// Rows of one INSERT: SQLite takes 32766 values a statement, and no table here has more than 20 columns.
const ROWS_AT_ONCE: usize = 1000;

/// A blocking handle on the home's database. Not to be called from asynchronous code: it waits on a runtime of its own.
pub struct Database {
    path: PathBuf,
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
        let database = Self::connect(&path, options(&path, PATIENCE).read_only(true))?;
        match database.version()? {
            Version::Current => Ok(database),
            // Reading an older schema is not worth a second set of queries.
            Version::Older => Self::open(home),
        }
    }

    /// What SQLite itself says about the file's health (`None`: healthy). Reads the whole file.
    pub fn quick_check(&self) -> Result<Option<String>, DatabaseError> {
        let verdict: String = self.read(async |db| sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(db).await)?;
        Ok((verdict != "ok").then_some(verdict))
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
        if matches!(database.version()?, Version::Older) {
            // Inside one immediate transaction two programs cannot migrate at once.
            database.read(async |connection| {
                let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
                let migrated = MIGRATIONS.run(&mut *transaction).await;
                migrated.map_err(|error| sqlx::Error::Migrate(Box::new(error)))?;
                transaction.commit().await
            })?;
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
            connection: Mutex::new(connection),
            runtime,
        })
    }

    /// Compares the file's schema with this program's.
    fn version(&self) -> Result<Version, DatabaseError> {
        let applied: Option<Vec<i64>> = self.read(async |db| {
            let table = "SELECT count(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'";
            if sqlx::query_scalar::<_, i64>(table).fetch_one(&mut *db).await? == 0 {
                return Ok(None);
            }
            let applied = "SELECT version FROM _sqlx_migrations WHERE success ORDER BY version";
            Ok(Some(sqlx::query_scalar(applied).fetch_all(db).await?))
        })?;
        let known: Vec<i64> = MIGRATIONS.iter().map(|migration| migration.version).collect();
        let applied = applied.unwrap_or_default();
        let newest = known.last().copied().unwrap_or_default();
        match applied.last() {
            Some(version) if *version > newest => Err(DatabaseError::Newer {
                path: self.path.clone(),
                version: *version,
                known: newest,
            }),
            _ if applied == known => Ok(Version::Current),
            _ => Ok(Version::Older),
        }
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
            sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await?;
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

enum Version {
    Current,
    Older,
}

fn options(path: &Path, patience: Duration) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .busy_timeout(patience)
        .disable_statement_logging()
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

    fn home() -> (tempfile::TempDir, Home) {
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
            let transaction = db.begin_with("BEGIN IMMEDIATE").await?;
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
