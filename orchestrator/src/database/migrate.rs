//! From an older program's schema to this one's: under the write lock, after a copy of the file as it was.
//!
//! The copy `perceive.sqlite.before-N` lies beside the file; whoever wants to go back to the older program puts it in the
//! file's place (without its `-wal` and `-shm`). The newest [`KEPT`] copies are kept.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnection;
use sqlx::{ConnectOptions, Connection};

use super::{Database, DatabaseError, PATIENCE, options};
use crate::failure::plain;
use crate::home::Home;
use crate::show::{Talk, bytes};

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// How many copies of older schemas stay.
const KEPT: usize = 3;

/// Copying more bytes than this takes a while, so it is announced.
const LARGE: u64 = 256 << 20;

impl Database {
    /// Whether the file has this program's schema (`false`: an older one, or none yet).
    pub(super) fn is_current(&self) -> Result<bool, DatabaseError> {
        let applied = self.read(applied)?;
        match (applied.last(), known().last()) {
            (Some(version), Some(newest)) if version > newest => Err(DatabaseError::Newer {
                path: self.path.clone(),
                version: *version,
                known: *newest,
            }),
            _ => Ok(applied == known()),
        }
    }

    /// Brings the file to this program's schema, alone in writing from the first look to the last step: two programs
    /// cannot migrate at once, and nothing is written between the copy and the change. Never under the hands of an older
    /// program at work in this home.
    pub(super) fn migrate(&self, home: &Home) -> Result<(), DatabaseError> {
        if let Some(version) = self.read(applied)?.last().copied()
            && let Some(process) = home.holder().filter(|process| *process != std::process::id())
        {
            let path = self.path.clone();
            return Err(DatabaseError::OlderAtWork { path, version, process });
        }
        let newest = known().last().copied().unwrap_or_default();
        let backup = self.read(async |connection| {
            let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
            let applied = applied(&mut transaction).await?;
            let mut backup = None;
            if let Some(version) = applied.last().filter(|_| applied != known()) {
                match copy(&self.path, newest, &applied).await {
                    Ok(path) => backup = Some((path, *version)),
                    // What was begun is rolled back.
                    Err(error) => return Ok(Err(error)),
                }
            }
            let migrated = MIGRATIONS.run(&mut *transaction).await;
            migrated.map_err(|error| sqlx::Error::Migrate(Box::new(error)))?;
            transaction.commit().await?;
            Ok(Ok(backup))
        })??;
        if let Some((backup, version)) = backup {
            forget_older(&self.path);
            // Once in a program's life, and nobody should miss it: said however quiet things are kept.
            let (path, backup) = (self.path.display(), backup.display());
            Talk::Normal.say(format!(
                "{path} was brought from schema {version} to {newest}; as it was, it is kept in {backup} \
                 (to go back to the older program: `rm -f {path}-wal {path}-shm; mv {backup} {path}`)"
            ));
        }
        Ok(())
    }
}

fn known() -> Vec<i64> {
    MIGRATIONS.iter().map(|migration| migration.version).collect()
}

/// The steps that have been done on this file.
async fn applied(db: &mut SqliteConnection) -> Result<Vec<i64>, sqlx::Error> {
    const TABLE: &str = "SELECT count(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'";
    const APPLIED: &str = "SELECT version FROM _sqlx_migrations WHERE success ORDER BY version";
    if sqlx::query_scalar::<_, i64>(TABLE).fetch_one(&mut *db).await? == 0 {
        return Ok(Vec::new());
    }
    sqlx::query_scalar(APPLIED).fetch_all(db).await
}

/// Copies the file as it is, checks the copy, and gives it its name: whole, or not there.
async fn copy(path: &Path, newest: i64, schema: &[i64]) -> Result<PathBuf, DatabaseError> {
    let backup = beside(path, &format!(".before-{newest}"));
    let part = beside(&backup, ".part");
    let size = fs::metadata(path).map_or(0, |file| file.len());
    if size > LARGE {
        let (path, size) = (path.display(), bytes(size));
        Talk::Normal.say(format!("{path} gets schema {newest}: it is copied first ({size})"));
    }
    let copied = copy_to(path, &part, schema).await.and_then(|()| {
        let named = File::open(&part).and_then(|file| file.sync_all());
        let named = named.and_then(|()| fs::rename(&part, &backup));
        named.map_err(|error| DatabaseError::Unwritable {
            path: backup.clone(),
            reason: plain(&error),
            full: error.kind() == std::io::ErrorKind::StorageFull,
        })
    });
    if copied.is_err() {
        // What is left of it is of no use.
        let _ = fs::remove_file(&part);
    }
    copied.map(|()| backup)
}

async fn copy_to(path: &Path, part: &Path, schema: &[i64]) -> Result<(), DatabaseError> {
    let failed = |error| DatabaseError::from_sqlx(part, error);
    // One that was killed may have left its own.
    let _ = fs::remove_file(part);
    let reader = options(path, PATIENCE).read_only(true);
    let mut reader = reader.connect().await.map_err(failed)?;
    let into = sqlx::query("VACUUM INTO ?").bind(part.to_string_lossy().into_owned());
    into.execute(&mut reader).await.map_err(failed)?;
    reader.close().await.map_err(failed)?;

    let mut copy = options(part, PATIENCE)
        .read_only(true)
        .connect()
        .await
        .map_err(failed)?;
    let check = sqlx::query_scalar("PRAGMA quick_check(1)");
    let verdict: String = check.fetch_one(&mut copy).await.map_err(failed)?;
    let same = applied(&mut copy).await.map_err(failed)? == schema;
    copy.close().await.map_err(failed)?;
    if verdict == "ok" && same {
        return Ok(());
    }
    let reason = format!("the copy of {} is not like it ({verdict})", path.display());
    let path = part.to_path_buf();
    Err(DatabaseError::Damaged { path, reason })
}

/// Removes all but the newest [`KEPT`] copies.
fn forget_older(path: &Path) {
    let Some((folder, name)) = path.parent().zip(path.file_name().and_then(|name| name.to_str())) else {
        return;
    };
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut copies: Vec<(i64, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let before = entry
                .file_name()
                .to_str()?
                .strip_prefix(name)?
                .strip_prefix(".before-")?
                .parse();
            Some((before.ok()?, entry.path()))
        })
        .collect();
    copies.sort_unstable_by(|a, b| b.cmp(a));
    for (_, copy) in copies.iter().skip(KEPT) {
        // An old copy that stays harms nobody.
        let _ = fs::remove_file(copy);
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::tests::home;

    /// A record as a program of schema 3 left it, with 20 points of a run.
    fn of_schema_3(home: &Home) {
        fs::create_dir_all(home.root()).unwrap();
        let file = options(&home.database(), PATIENCE).create_if_missing(true);
        let database = Database::connect(&home.database(), file).unwrap();
        database
            .read(async |db| {
                MIGRATIONS
                    .run_to(3, &mut *db)
                    .await
                    .map_err(|error| sqlx::Error::Migrate(Box::new(error)))?;
                sqlx::raw_sql(
                    "INSERT INTO runs (id, stage, label, artefact_key, state, seed, device, command, version, dirty,
                                       machine, queued_at)
                     VALUES ('0198', 'restore', '', 'k', 'done', 0, 'cpu', '', '', 0, '', 0);
                     WITH RECURSIVE steps (step) AS (SELECT 1 UNION ALL SELECT step + 1 FROM steps WHERE step < 10)
                     INSERT INTO metrics SELECT '0198', name, step, step / 4.0
                     FROM steps, (SELECT 'psnr' AS name UNION SELECT 'loss')",
                )
                .execute(db)
                .await
            })
            .unwrap();
    }

    fn copies(home: &Home) -> Vec<String> {
        let names = fs::read_dir(home.root())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name.contains(".before-")).collect();
        names.sort();
        names
    }

    #[test]
    fn an_older_record_keeps_its_numbers_and_a_copy_of_itself() {
        let (_folder, home) = home();
        of_schema_3(&home);
        for old in ["1", "2", "2.part", "3"] {
            fs::write(home.root().join(format!("perceive.sqlite.before-{old}")), "older").unwrap();
        }
        let database = Database::open_read_only(&home).unwrap();
        let newest = *known().last().unwrap();
        assert_eq!(database.schema().unwrap(), newest);
        let course: Vec<(i64, f64)> = (1..=10).map(|step| (step, step as f64 / 4.0)).collect();
        assert_eq!(database.metric("0198", "psnr").unwrap(), course);
        assert_eq!(database.metric_summaries("0198").unwrap().len(), 2);
        assert!(database.integrity_check().unwrap().is_empty() && database.broken_references().unwrap().is_empty());
        drop(database);

        let expected = ["2", "2.part", "3", &newest.to_string()].map(|name| format!("perceive.sqlite.before-{name}"));
        assert_eq!(
            copies(&home),
            expected,
            "the newest three stay, and what is none of them"
        );
        // Going back: the copy is the record of before.
        fs::copy(home.root().join(&expected[3]), home.database()).unwrap();
        let file = options(&home.database(), PATIENCE);
        let before = Database::connect(&home.database(), file).unwrap();
        assert_eq!(before.read(applied).unwrap(), [1, 2, 3]);
        assert_eq!(before.metric("0198", "psnr").unwrap(), course);
    }

    #[test]
    fn without_a_copy_nothing_is_changed() {
        let (_folder, home) = home();
        of_schema_3(&home);
        let name = format!("perceive.sqlite.before-{}.part", known().last().unwrap());
        // Nothing can be written there, and it cannot be removed like a file.
        fs::create_dir_all(home.root().join(name).join("in the way")).unwrap();
        assert!(Database::open(&home).is_err());
        let file = options(&home.database(), PATIENCE);
        let database = Database::connect(&home.database(), file).unwrap();
        assert_eq!(database.read(applied).unwrap(), [1, 2, 3]);
        assert_eq!(database.metric("0198", "loss").unwrap().len(), 10);
    }

    #[test]
    fn a_record_is_not_changed_under_the_hands_of_an_older_program() {
        let (_folder, home) = home();
        of_schema_3(&home);
        let hold = home.hold().unwrap();
        fs::write(home.lock(), "1").unwrap();
        match Database::open_read_only(&home) {
            Err(DatabaseError::OlderAtWork { version, process, .. }) => assert_eq!((version, process), (3, 1)),
            other => panic!("{:?}", other.err()),
        }
        assert!(copies(&home).is_empty());
        fs::write(home.lock(), std::process::id().to_string()).unwrap();
        assert!(Database::open(&home).is_ok(), "its own lock is in nobody's way");
        drop(hold);
    }

    #[test]
    fn a_new_record_needs_no_copy() {
        let (_folder, home) = home();
        drop(Database::open(&home).unwrap());
        assert!(copies(&home).is_empty());
    }
}
