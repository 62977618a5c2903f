//! Why the record cannot be read or written: SQLite's result codes in the user's words.

use std::path::{Path, PathBuf};

use sqlx::migrate::MigrateError;

use crate::failure::{Exit, Failure};

/// Why the record cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    #[error("nothing has been recorded yet: there is no {}", path.display())]
    Missing { path: PathBuf },
    #[error("{} was written by a newer perceive-ir (schema {version}; this program knows up to {known})", path.display())]
    Newer { path: PathBuf, version: i64, known: i64 },
    #[error("{} is of an older perceive-ir (schema {version}), and process {process} is at work with it", path.display())]
    OlderAtWork { path: PathBuf, version: i64, process: u32 },
    #[error("{} is locked by another program", path.display())]
    Locked { path: PathBuf },
    #[error("{} is damaged: {reason}", path.display())]
    Damaged { path: PathBuf, reason: String },
    #[error("cannot write {}: {reason}", path.display())]
    Unwritable { path: PathBuf, reason: String, full: bool },
    #[error("there is no run '{0}'")]
    NoRun(String),
    #[error("'{prefix}' is the beginning of {} runs: {}", .ids.len(), .ids.join(", "))]
    AmbiguousRun { prefix: String, ids: Vec<String> },
    #[error("there is no dataset called '{name}'")]
    NoDataset { name: String, known: Vec<String> },
    #[error("cannot read the journal {}: {source}", path.display())]
    Journal { path: PathBuf, source: std::io::Error },
    #[error("{}: {source}", path.display())]
    Other { path: PathBuf, source: sqlx::Error },
}

impl DatabaseError {
    /// Sorts SQLite's [result codes](https://www.sqlite.org/rescode.html) by what a user can do about them.
    pub(super) fn from_sqlx(path: &Path, error: sqlx::Error) -> Self {
        if let sqlx::Error::Migrate(error) = error {
            return Self::from_migrate(path, *error);
        }
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        let extended: i32 = code.and_then(|code| code.parse().ok()).unwrap_or(0);
        let path = path.to_path_buf();
        let reason = match error.as_database_error() {
            Some(error) => error.message().to_string(),
            None => error.to_string(),
        };
        match extended & 0xff {
            // BUSY, LOCKED
            5 | 6 => Self::Locked { path },
            // CORRUPT, NOTADB
            11 | 26 => Self::Damaged { path, reason },
            // FULL
            13 => Self::Unwritable {
                path,
                reason,
                full: true,
            },
            // PERM, READONLY, IOERR, CANTOPEN
            3 | 8 | 10 | 14 => Self::Unwritable {
                path,
                reason,
                full: false,
            },
            _ => Self::Other { path, source: error },
        }
    }

    fn from_migrate(path: &Path, error: MigrateError) -> Self {
        match error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => Self::from_sqlx(path, error),
            other => Self::Damaged {
                path: path.to_path_buf(),
                reason: other.to_string(),
            },
        }
    }
}

impl From<DatabaseError> for Failure {
    fn from(error: DatabaseError) -> Self {
        let message = error.to_string();
        match error {
            DatabaseError::Missing { .. } => Self::new(Exit::Database, message)
                .help("name the home with --home DIR or PERCEIVE_HOME; `perceive-ir run quickstart` begins a new one"),
            DatabaseError::Newer { .. } => Self::new(Exit::Database, message)
                .help("use the newer program for this home, or begin another home with --home DIR"),
            DatabaseError::OlderAtWork { .. } => Self::new(Exit::Database, message)
                .help("wait until it ends, or stop it (Ctrl-C keeps its state): then this program brings the database up to date"),
            DatabaseError::Locked { .. } => Self::new(Exit::Database, message)
                .help("wait until the other program ends (or close the tool that has the file open) and try again"),
            DatabaseError::Damaged { .. } => Self::new(Exit::Database, message).help(
                "`sqlite3 FILE .recover` may save it; or move it away (with its -wal and -shm) and begin again with `data add`",
            ),
            DatabaseError::Unwritable { full: true, .. } => Self::new(Exit::Disk, message)
                .help("free some space (`perceive-ir runs rm`) and run the same command again: it goes on where it stopped"),
            DatabaseError::Unwritable { full: false, .. } => {
                Self::new(Exit::Disk, message).help("choose a folder that you may write to with --home DIR or PERCEIVE_HOME")
            }
            DatabaseError::NoRun(_) => Self::new(Exit::Unknown, message).help("`perceive-ir runs ls` lists the runs"),
            DatabaseError::AmbiguousRun { .. } => Self::new(Exit::Unknown, message).help("give more of its letters"),
            DatabaseError::NoDataset { name, known } => {
                Self::unknown("dataset", &name, known.iter().map(String::as_str))
            }
            DatabaseError::Journal { path, source } => {
                Self::io(format!("cannot read the journal {}", path.display()), &source)
            }
            DatabaseError::Other { .. } => Self::new(Exit::Database, message),
        }
    }
}
