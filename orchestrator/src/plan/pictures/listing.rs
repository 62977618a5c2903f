//! The pictures of one split as they lie on disk: unchanged since they were added, hashed, and listed under the digest
//! of their names and contents.

use std::{collections::HashMap, path::PathBuf};

use crate::{
    database::{Database, datasets::PairRow},
    failure::{Exit, Failure},
    home::Home,
    show::{Talk, progress::Progress},
    stage::{
        context::create_folder,
        pairs::{self, Pair},
    },
};

/// Fills in the hashes that are missing, and keeps them in the record.
pub fn hash(rows: &mut [PairRow], dataset: &str, database: &Database, talk: Talk) -> Result<(), Failure> {
    use rayon::prelude::*;
    let unknown: Vec<PathBuf> = rows
        .iter()
        .flat_map(|row| [Some(&row.clean), row.degraded.as_ref()])
        .flatten()
        .filter(|picture| picture.blake3.is_none())
        .map(|picture| picture.path.clone())
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let bar = Progress::new(talk).bar(&format!("hashing {dataset}"), unknown.len() as u64, "pictures");
    let hashed: Vec<(PathBuf, Option<String>, Option<String>)> = unknown
        .par_iter()
        .map(|path| {
            let bytes = std::fs::read(path).map_err(|error| {
                Failure::new(Exit::Pictures, format!("cannot read {}: {error}", path.display()))
                    .help("`perceive-ir data add` the folder again after putting the picture back")
            })?;
            bar.advance();
            Ok((path.clone(), Some(blake3::hash(&bytes).to_hex().to_string()), None))
        })
        .collect::<Result<_, Failure>>()?;
    database.record_checks(&hashed)?;
    let by_path: HashMap<_, _> = hashed.into_iter().map(|(path, hash, _)| (path, hash)).collect();
    for row in rows {
        for picture in [Some(&mut row.clean), row.degraded.as_mut()].into_iter().flatten() {
            if picture.blake3.is_none() {
                picture.blake3 = by_path.get(&picture.path).cloned().flatten();
            }
        }
    }
    Ok(())
}

/// Writes the listing of these pairs under the digest of their names and contents.
pub fn list(rows: &[PairRow], home: &Home) -> Result<String, Failure> {
    // Raised whenever the same files give other levels: since 2 JPEGs have libjpeg's.
    let mut hasher = blake3::Hasher::new_derive_key("perceive-ir listing 2");
    let mut listed = Vec::with_capacity(rows.len());
    for row in rows {
        let degraded = row.degraded.as_ref().unwrap_or(&row.clean);
        for part in [
            &row.name,
            row.clean.blake3.as_ref().unwrap_or(&row.name),
            degraded.blake3.as_ref().unwrap_or(&row.name),
        ] {
            hasher.update(part.as_bytes());
            hasher.update(b"\n");
        }
        hasher.update(&row.border.to_le_bytes());
        let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        listed.push(Pair {
            name: row.name.clone(),
            clean: absolute(&row.clean.path),
            degraded: absolute(&degraded.path),
            border: row.border,
        });
    }
    let digest = hasher.finalize().to_hex()[..32].to_string();
    let path = home.listing(&digest);
    if let Some(folder) = path.parent() {
        create_folder(folder)?;
    }
    pairs::write(&path, &listed)?;
    Ok(digest)
}

/// A stored hash tells what a file held when it was added: no file may have gone or changed since.
pub fn check_unchanged(rows: &[PairRow], dataset: &str) -> Result<(), Failure> {
    use rayon::prelude::*;
    let again = format!("`perceive-ir data add FOLDER` reads what changed in {dataset}");
    rows.par_iter()
        .flat_map_iter(|row| [Some(&row.clean), row.degraded.as_ref()])
        .flatten()
        .try_for_each(|picture| {
            let path = picture.path.display();
            if let Some(fault) = &picture.fault {
                return Err(Failure::new(Exit::Pictures, format!("{path} is broken: {fault}")).help(&again));
            }
            let Ok(metadata) = std::fs::metadata(&picture.path) else {
                return Err(Failure::new(Exit::Pictures, format!("{path} is gone since it was added")).help(&again));
            };
            let modified = metadata
                .modified()
                .ok()
                .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
            let modified = modified.map_or(0, |since| since.as_nanos() as i64);
            if metadata.len() == picture.size && modified == picture.mtime_ns {
                return Ok(());
            }
            Err(Failure::new(Exit::Pictures, format!("{path} has changed since it was added")).help(&again))
        })
}
