//! Datasets, pictures and pairs, as the last scans found them (`scans.rs` writes them).

use std::collections::HashMap;
use std::path::PathBuf;

use perceive_datasets::scan::Known;

use super::{Database, DatabaseError, now};

/// One split of one dataset, all its places together.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct Split {
    pub dataset: String,
    pub split: String,
    /// The count that the dataset's paper states.
    pub official: Option<i64>,
    pub pairs: i64,
    /// Every readable picture, widows included.
    pub pictures: i64,
    pub problems: i64,
    /// When a place of it was last scanned, in milliseconds since the Unix epoch.
    pub scanned_at: i64,
}

/// One split in one layout at one place.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct Source {
    pub split: String,
    pub layout: String,
    pub root: String,
    /// Pairs, or pictures where the dataset has no references.
    pub found: i64,
    pub scanned_at: i64,
}

/// A picture's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureRow {
    pub path: PathBuf,
    pub size: u64,
    pub mtime_ns: i64,
    /// Pixels, the EXIF orientation applied.
    pub width: u32,
    pub height: u32,
    /// Of the file's bytes, in hex, if they have been read since it last changed.
    pub blake3: Option<String>,
    /// Why it is not a whole picture, if the last `data verify` found so.
    pub fault: Option<String>,
}

/// A clean picture with its degraded partner, or alone where the degraded side is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairRow {
    pub name: String,
    pub clean: PictureRow,
    pub degraded: Option<PictureRow>,
    /// Pixels to cut from each side of the clean picture so that it fits the degraded one.
    pub border: u32,
}

/// Something that a scan could not use, or found wrong.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct ProblemRow {
    pub split: String,
    pub kind: String,
    pub text: String,
}

#[derive(sqlx::FromRow)]
struct RawPicture {
    path: String,
    size: i64,
    mtime_ns: i64,
    width: u32,
    height: u32,
    blake3: Option<String>,
    fault: Option<String>,
}

#[derive(sqlx::FromRow)]
struct RawPair {
    name: String,
    border: u32,
    clean_id: i64,
    degraded_id: Option<i64>,
}

impl Database {
    /// What earlier scans know of each picture.
    pub fn known(&self) -> Result<HashMap<PathBuf, Known>, DatabaseError> {
        const SQL: &str = "SELECT path, size, mtime_ns, width, height FROM pictures";
        let rows: Vec<(String, i64, i64, u32, u32)> = self.read(async |db| sqlx::query_as(SQL).fetch_all(db).await)?;
        let known = rows.into_iter().map(|(path, size, mtime_ns, width, height)| {
            let size = size as u64;
            (
                PathBuf::from(path),
                Known {
                    size,
                    mtime_ns,
                    width,
                    height,
                },
            )
        });
        Ok(known.collect())
    }

    /// All splits of all datasets, in the order in which they were first added.
    pub fn splits(&self) -> Result<Vec<Split>, DatabaseError> {
        const SQL: &str = "
            SELECT datasets.name AS dataset, splits.name AS split, official,
                   (SELECT count(DISTINCT pairs.name) FROM pairs JOIN sources ON sources.id = source_id
                    WHERE split_id = splits.id) AS pairs,
                   (SELECT count(DISTINCT picture_id) FROM members JOIN sources ON sources.id = source_id
                    WHERE split_id = splits.id) AS pictures,
                   (SELECT count(*) FROM problems JOIN sources ON sources.id = source_id
                    WHERE split_id = splits.id) AS problems,
                   (SELECT max(scanned_at) FROM sources WHERE split_id = splits.id) AS scanned_at
            FROM splits JOIN datasets ON datasets.id = dataset_id ORDER BY datasets.id, splits.id";
        self.read(async |db| sqlx::query_as(SQL).fetch_all(db).await)
    }

    /// The names of all datasets that have been added.
    pub fn dataset_names(&self) -> Result<Vec<String>, DatabaseError> {
        const SQL: &str = "SELECT name FROM datasets ORDER BY id";
        self.read(async |db| sqlx::query_scalar(SQL).fetch_all(db).await)
    }

    /// The places of a dataset, the most complete of each split first.
    pub fn sources(&self, dataset: &str) -> Result<Vec<Source>, DatabaseError> {
        const SQL: &str = "
            SELECT splits.name AS split, layout, root, found, scanned_at
            FROM sources JOIN splits ON splits.id = split_id JOIN datasets ON datasets.id = dataset_id
            WHERE datasets.name = ? ORDER BY splits.id, found DESC, sources.id";
        self.read(async |db| sqlx::query_as(SQL).bind(dataset).fetch_all(db).await)
    }

    /// What the last scans of a dataset found wrong, sorted by split, kind and text.
    pub fn problems(&self, dataset: &str) -> Result<Vec<ProblemRow>, DatabaseError> {
        const SQL: &str = "
            SELECT splits.name AS split, kind, text
            FROM problems JOIN sources ON sources.id = source_id JOIN splits ON splits.id = split_id
            JOIN datasets ON datasets.id = dataset_id
            WHERE datasets.name = ? ORDER BY splits.id, kind, text";
        self.read(async |db| sqlx::query_as(SQL).bind(dataset).fetch_all(db).await)
    }

    /// The pairs of a split, ascending by name, each name once: of several places the most complete one's.
    ///
    /// # Errors
    /// [`DatabaseError::NoDataset`] if it has not been added.
    pub fn pairs(&self, dataset: &str, split: &str) -> Result<Vec<PairRow>, DatabaseError> {
        const SQL: &str = "
            SELECT name, border, clean_id, degraded_id FROM (
                SELECT pairs.*, row_number() OVER (PARTITION BY pairs.name ORDER BY found DESC, sources.id) AS place
                FROM pairs JOIN sources ON sources.id = source_id JOIN splits ON splits.id = split_id
                JOIN datasets ON datasets.id = dataset_id
                WHERE datasets.name = ? AND splits.name = ?)
            WHERE place = 1 ORDER BY name";
        let pairs: Vec<RawPair> =
            self.read(async |db| sqlx::query_as(SQL).bind(dataset).bind(split).fetch_all(db).await)?;
        // One clean picture may stand in many pairs (RESIDE: 35), so pictures are fetched once, not joined.
        let pictures = self.pictures_by_id(dataset, split)?;
        let picture = |id: &i64| pictures.get(id).cloned();
        let rows = pairs.iter().filter_map(|pair| {
            Some(PairRow {
                name: pair.name.clone(),
                clean: picture(&pair.clean_id)?,
                degraded: pair.degraded_id.as_ref().and_then(picture),
                border: pair.border,
            })
        });
        Ok(rows.collect())
    }

    /// Every picture of a split, widows included, ascending by path: what a test set without references consists of.
    ///
    /// # Errors
    /// [`DatabaseError::NoDataset`] if it has not been added.
    pub fn pictures(&self, dataset: &str, split: &str) -> Result<Vec<PictureRow>, DatabaseError> {
        let mut rows: Vec<PictureRow> = self.pictures_by_id(dataset, split)?.into_values().collect();
        rows.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(rows)
    }

    /// Records that pictures' bytes were read: their blake3, or what is wrong with them. One transaction.
    pub fn record_checks(&self, checks: &[(PathBuf, Option<String>, Option<String>)]) -> Result<(), DatabaseError> {
        const SQL: &str = "UPDATE pictures SET blake3 = ?, fault = ?, checked_at = ? WHERE path = ?";
        self.write(async |db| {
            for (path, blake3, fault) in checks {
                let query = sqlx::query(SQL)
                    .bind(blake3)
                    .bind(fault)
                    .bind(now())
                    .bind(path.to_string_lossy());
                query.execute(&mut *db).await?;
            }
            Ok(())
        })
    }

    /// The error for a dataset that has not been added.
    pub fn no_dataset(&self, name: &str) -> DatabaseError {
        match self.dataset_names() {
            Ok(known) => DatabaseError::NoDataset {
                name: name.to_string(),
                known,
            },
            Err(error) => error,
        }
    }

    fn pictures_by_id(&self, dataset: &str, split: &str) -> Result<HashMap<i64, PictureRow>, DatabaseError> {
        const SQL: &str = "
            SELECT id, path, size, mtime_ns, width, height, blake3, fault FROM pictures
            WHERE id IN (SELECT picture_id FROM members JOIN sources ON sources.id = source_id
                         JOIN splits ON splits.id = split_id JOIN datasets ON datasets.id = dataset_id
                         WHERE datasets.name = ? AND splits.name = ?)";
        const THERE: &str = "SELECT count(*) FROM datasets WHERE name = ?";
        let there: i64 = self.read(async |db| sqlx::query_scalar(THERE).bind(dataset).fetch_one(db).await)?;
        if there == 0 {
            return Err(self.no_dataset(dataset));
        }
        let rows: Vec<WithId> =
            self.read(async |db| sqlx::query_as(SQL).bind(dataset).bind(split).fetch_all(db).await)?;
        Ok(rows.into_iter().map(|row| (row.id, row.picture.into())).collect())
    }
}

#[derive(sqlx::FromRow)]
struct WithId {
    id: i64,
    #[sqlx(flatten)]
    picture: RawPicture,
}

impl From<RawPicture> for PictureRow {
    fn from(raw: RawPicture) -> Self {
        Self {
            path: raw.path.into(),
            size: raw.size as u64,
            mtime_ns: raw.mtime_ns,
            width: raw.width,
            height: raw.height,
            blake3: raw.blake3,
            fault: raw.fault,
        }
    }
}
