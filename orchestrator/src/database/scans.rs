//! A scan into the database: in one transaction, replacing what an earlier scan of the same folders had found.

use std::path::{Path, PathBuf};

use perceive_datasets::scan::{Found, PairFile, PictureFile, Problem, Report};
use sqlx::sqlite::SqliteConnection;
use sqlx::{QueryBuilder, Sqlite};

use super::{Database, DatabaseError, ROWS_AT_ONCE, now};

/// A place that was known and is known no longer.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct Forgotten {
    pub dataset: String,
    pub split: String,
    pub root: String,
}

impl Database {
    /// Stores what a scan of `paths` found. Sources at or below these paths are replaced: of all datasets, or of
    /// `dataset` where the scan looked for that one only. Other sources of the datasets found are forgotten if their
    /// folder is gone, and returned.
    pub fn store_scan(
        &self,
        report: &Report,
        paths: &[PathBuf],
        dataset: Option<&str>,
    ) -> Result<Vec<Forgotten>, DatabaseError> {
        // RESIDE's tables are larger than SQLite's usual 2 MB of memory: it would write and read each page many times.
        const ROOM: &str = "PRAGMA cache_size = -65536";
        self.read(async |db| sqlx::query(ROOM).execute(db).await)?;
        self.write(async |db| {
            let forgotten = forget_old_sources(db, report, paths, dataset).await?;
            for found in &report.found {
                store_found(db, found).await?;
            }
            sweep(db).await?;
            Ok(forgotten)
        })
    }

    /// What [`forget`](Self::forget) would forget.
    pub fn would_forget(&self, dataset: &str, folder: Option<&Path>) -> Result<Vec<Forgotten>, DatabaseError> {
        let chosen = self.read(async |db| sources_of(db, dataset, folder).await)?;
        Ok(chosen.into_iter().map(|(_, source)| source).collect())
    }

    /// Forgets what was found of a dataset, everywhere or at or below `folder`, and tells where that was.
    pub fn forget(&self, dataset: &str, folder: Option<&Path>) -> Result<Vec<Forgotten>, DatabaseError> {
        self.write(async |db| {
            let mut forgotten = Vec::new();
            for (id, source) in sources_of(db, dataset, folder).await? {
                sqlx::query(FORGET).bind(id).execute(&mut *db).await?;
                forgotten.push(source);
            }
            sweep(db).await?;
            Ok(forgotten)
        })
    }
}

async fn sources_of(
    db: &mut SqliteConnection,
    wanted: &str,
    folder: Option<&Path>,
) -> Result<Vec<(i64, Forgotten)>, sqlx::Error> {
    let places = folder.map(|folder| places([folder]));
    let is_there = |root: &str| {
        let lies_in = |places: &Vec<PathBuf>| places.iter().any(|place| Path::new(root).starts_with(place));
        places.as_ref().is_none_or(lies_in)
    };
    let all: Vec<Source> = sqlx::query_as(SOURCES).fetch_all(&mut *db).await?;
    let chosen = all
        .into_iter()
        .filter(|(_, dataset, _, root)| dataset == wanted && is_there(root));
    let told = |(id, dataset, split, root)| (id, Forgotten { dataset, split, root });
    Ok(chosen.map(told).collect())
}

/// A source's id, its dataset, split and folder.
type Source = (i64, String, String, String);

const SOURCES: &str = "
    SELECT sources.id, datasets.name, splits.name, sources.root
    FROM sources JOIN splits ON splits.id = split_id JOIN datasets ON datasets.id = dataset_id ORDER BY sources.id";

const FORGET: &str = "DELETE FROM sources WHERE id = ?";

/// Folders as a scan writes them: absolute, with links kept unless the user's path went up.
fn places<'a>(folders: impl IntoIterator<Item = &'a Path>) -> Vec<PathBuf> {
    let both = |path: &Path| [std::path::absolute(path).ok(), path.canonicalize().ok()];
    folders.into_iter().flat_map(both).flatten().collect()
}

/// Removes pictures, splits and datasets that no source has any more.
async fn sweep(db: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    for sql in [
        "DELETE FROM pictures WHERE id NOT IN (SELECT picture_id FROM members)",
        "DELETE FROM splits WHERE id NOT IN (SELECT split_id FROM sources)",
        "DELETE FROM datasets WHERE id NOT IN (SELECT dataset_id FROM splits)",
    ] {
        sqlx::query(sql).execute(&mut *db).await?;
    }
    Ok(())
}

/// Forgets the sources that are being replaced, and those whose folder is gone; returns the latter.
async fn forget_old_sources(
    db: &mut SqliteConnection,
    report: &Report,
    paths: &[PathBuf],
    dataset: Option<&str>,
) -> Result<Vec<Forgotten>, sqlx::Error> {
    let scanned = places(paths.iter().map(PathBuf::as_path));
    let sources: Vec<Source> = sqlx::query_as(SOURCES).fetch_all(&mut *db).await?;
    let mut forgotten = Vec::new();
    for (id, name, split, root) in sources {
        let place = Path::new(&root);
        let looked_for = dataset.is_none_or(|dataset| dataset == name);
        let replaced = looked_for && scanned.iter().any(|path| place.starts_with(path));
        // Another dataset's folder may only be on a disk that is not mounted now.
        let gone = report.found.iter().any(|found| found.dataset == name) && !place.exists();
        if replaced || gone {
            sqlx::query(FORGET).bind(id).execute(&mut *db).await?;
        }
        if gone {
            forgotten.push(Forgotten {
                dataset: name,
                split,
                root,
            });
        }
    }
    Ok(forgotten)
}

async fn store_found(db: &mut SqliteConnection, found: &Found) -> Result<(), sqlx::Error> {
    const DATASET: &str = "
        INSERT INTO datasets (name, added_at) VALUES (?, ?)
        ON CONFLICT (name) DO UPDATE SET added_at = excluded.added_at RETURNING id";
    const SPLIT: &str = "
        INSERT INTO splits (dataset_id, name, official) VALUES (?, ?, ?)
        ON CONFLICT (dataset_id, name) DO UPDATE SET official = excluded.official RETURNING id";
    const SOURCE: &str = "
        INSERT INTO sources (split_id, layout, root, found, scanned_at) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (split_id, layout, root) DO UPDATE SET found = found + excluded.found RETURNING id";
    let dataset: i64 = sqlx::query_scalar(DATASET)
        .bind(&found.dataset)
        .bind(now())
        .fetch_one(&mut *db)
        .await?;
    let official = found.official.map(|official| official as i64);
    let split = sqlx::query_scalar(SPLIT)
        .bind(dataset)
        .bind(&found.split)
        .bind(official);
    let split: i64 = split.fetch_one(&mut *db).await?;
    let source = sqlx::query_scalar(SOURCE)
        .bind(split)
        .bind(&found.layout)
        .bind(text(&found.root));
    let source: i64 = source
        .bind(found.count() as i64)
        .bind(now())
        .fetch_one(&mut *db)
        .await?;
    for pictures in found.pictures.chunks(ROWS_AT_ONCE) {
        insert_pictures(db, pictures).await?;
        insert_members(db, source, pictures).await?;
    }
    for pairs in found.pairs.chunks(ROWS_AT_ONCE) {
        insert_pairs(db, source, pairs).await?;
    }
    for problems in found.problems.chunks(ROWS_AT_ONCE) {
        insert_problems(db, source, problems).await?;
    }
    Ok(())
}

/// A file that has changed loses what was known of its contents.
async fn insert_pictures(db: &mut SqliteConnection, pictures: &[PictureFile]) -> Result<(), sqlx::Error> {
    let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO pictures (path, size, mtime_ns, width, height) ");
    insert.push_values(pictures, |mut row, picture| {
        row.push_bind(text(&picture.path))
            .push_bind(picture.size as i64)
            .push_bind(picture.mtime_ns);
        row.push_bind(picture.width).push_bind(picture.height);
    });
    insert.push(
        " ON CONFLICT (path) DO UPDATE SET
            blake3 = CASE WHEN size = excluded.size AND mtime_ns = excluded.mtime_ns THEN blake3 END,
            checked_at = CASE WHEN size = excluded.size AND mtime_ns = excluded.mtime_ns THEN checked_at END,
            fault = CASE WHEN size = excluded.size AND mtime_ns = excluded.mtime_ns THEN fault END,
            size = excluded.size, mtime_ns = excluded.mtime_ns, width = excluded.width, height = excluded.height",
    );
    insert.build().execute(db).await.map(drop)
}

// Pictures are found by joining: a thousand subqueries in one statement would keep a thousand cursors open.
async fn insert_members(db: &mut SqliteConnection, source: i64, pictures: &[PictureFile]) -> Result<(), sqlx::Error> {
    let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO members (source_id, role, picture_id) SELECT ");
    insert.push_bind(source).push(", column1, pictures.id FROM (");
    insert.push_values(pictures, |mut row, picture| {
        row.push_bind(picture.role.word()).push_bind(text(&picture.path));
    });
    insert
        .push(") LEFT JOIN pictures ON path = column2 WHERE TRUE ON CONFLICT DO NOTHING")
        .build()
        .execute(db)
        .await
        .map(drop)
}

async fn insert_pairs(db: &mut SqliteConnection, source: i64, pairs: &[PairFile]) -> Result<(), sqlx::Error> {
    let mut insert =
        QueryBuilder::<Sqlite>::new("INSERT INTO pairs (source_id, name, border, clean_id, degraded_id) SELECT ");
    insert
        .push_bind(source)
        .push(", column1, column2, clean.id, degraded.id FROM (");
    insert.push_values(pairs, |mut row, pair| {
        row.push_bind(&pair.name).push_bind(pair.border);
        row.push_bind(text(&pair.clean))
            .push_bind(pair.degraded.as_deref().map(text));
    });
    insert
        .push(
            ") LEFT JOIN pictures AS clean ON clean.path = column3
               LEFT JOIN pictures AS degraded ON degraded.path = column4
             WHERE TRUE ON CONFLICT DO NOTHING",
        )
        .build()
        .execute(db)
        .await
        .map(drop)
}

async fn insert_problems(db: &mut SqliteConnection, source: i64, problems: &[Problem]) -> Result<(), sqlx::Error> {
    let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO problems (source_id, kind, text) ");
    insert.push_values(problems, |mut row, problem| {
        row.push_bind(source)
            .push_bind(problem.word())
            .push_bind(problem.to_string());
    });
    insert.build().execute(db).await.map(drop)
}

/// Scans take only paths that are UTF-8.
fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::fs;

    use perceive_datasets::picture::Picture;
    use perceive_datasets::scan::{Known, ScanOptions, scan};

    use super::*;
    use crate::database::tests::database;

    /// Pairs of these names as input and target of a dataset of one's own.
    fn plant(folder: &Path, names: &[&str]) {
        for side in ["input", "target"] {
            fs::create_dir_all(folder.join(side)).unwrap();
            for name in names {
                Picture::new(24, 16).save_png(&folder.join(side).join(name)).unwrap();
            }
        }
    }

    fn add(database: &Database, folder: &Path, name: &str) -> Vec<Forgotten> {
        let known: HashMap<PathBuf, Known> = database.known().unwrap();
        let options = ScanOptions {
            dataset: Some(name.to_string()),
        };
        let paths = [folder.to_path_buf()];
        let report = scan(&paths, &options, &|path| known.get(path).copied()).unwrap();
        database.store_scan(&report, &paths, Some(name)).unwrap()
    }

    fn names(database: &Database, dataset: &str) -> Vec<String> {
        let splits = database.splits().unwrap();
        let split = splits.iter().find(|split| split.dataset == dataset).unwrap();
        let pairs = database.pairs(dataset, &split.split).unwrap();
        pairs.into_iter().map(|pair| pair.name).collect()
    }

    #[test]
    fn adding_again_replaces_what_the_folder_held() {
        let (folder, database) = database();
        let own = folder.path().join("own");
        plant(&own, &["a.png", "b.png"]);
        add(&database, &own, "own");
        assert_eq!(names(&database, "own"), ["a", "b"]);
        fs::remove_file(own.join("input/a.png")).unwrap();
        plant(&own, &["c.png"]);
        add(&database, &own, "own");
        assert_eq!(names(&database, "own"), ["b", "c"]);
        let split = &database.splits().unwrap()[0];
        assert_eq!((split.pairs, split.pictures, split.problems), (2, 5, 1));
        let problems = database.problems("own").unwrap();
        assert_eq!(problems[0].kind, "widow");
    }

    #[test]
    fn two_places_of_one_dataset_are_one_set_without_repeats() {
        let (folder, database) = database();
        let (large, small) = (folder.path().join("large"), folder.path().join("small"));
        plant(&large, &["a.png", "b.png", "c.png"]);
        plant(&small, &["c.png", "d.png"]);
        add(&database, &small, "own");
        add(&database, &large, "own");
        assert_eq!(names(&database, "own"), ["a", "b", "c", "d"]);
        let split = database.splits().unwrap()[0].split.clone();
        let pairs = database.pairs("own", &split).unwrap();
        assert!(
            pairs[2].clean.path.starts_with(&large),
            "the more complete place has it"
        );
        assert!(pairs[3].clean.path.starts_with(&small));

        fs::remove_dir_all(&large).unwrap();
        let forgotten = add(&database, &small, "own");
        assert_eq!(forgotten.len(), 1);
        assert!(Path::new(&forgotten[0].root).starts_with(&large));
        assert_eq!(names(&database, "own"), ["c", "d"]);
        assert_eq!(database.known().unwrap().len(), 4);
    }

    #[test]
    fn a_changed_file_loses_what_was_known_of_its_contents() {
        let (folder, database) = database();
        let own = folder.path().join("own");
        plant(&own, &["a.png"]);
        add(&database, &own, "own");
        let known = database.known().unwrap();
        let (path, first) = known.iter().find(|(path, _)| path.ends_with("input/a.png")).unwrap();
        database
            .record_checks(&[(path.clone(), Some("beef".into()), None)])
            .unwrap();
        add(&database, &own, "own");
        let hash = |database: &Database| -> Option<String> {
            let split = database.splits().unwrap()[0].split.clone();
            database.pairs("own", &split).unwrap()[0]
                .degraded
                .clone()
                .unwrap()
                .blake3
        };
        assert_eq!(hash(&database).as_deref(), Some("beef"));

        Picture::new(24, 16).save_png(path).unwrap();
        let later = std::time::UNIX_EPOCH + std::time::Duration::from_nanos(first.mtime_ns as u64 + 1_000_000_000);
        fs::File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_modified(later)
            .unwrap();
        add(&database, &own, "own");
        assert_eq!(hash(&database), None);
    }
}
