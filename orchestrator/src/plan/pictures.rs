//! The pictures of an experiment: which indexed datasets its sets mean, and what those hold just now.
//!
//! A key depends on the contents of the pictures, so every file is hashed once and again when it changes.

use std::{collections::HashMap, path::PathBuf, sync::Arc};

use perceive_datasets::{catalogue, random::Key};

use super::{checks, stand_in};
use crate::{
    database::{Database, datasets::PairRow},
    failure::{Exit, Failure, nearest},
    home::Home,
    show::{Talk, progress::Progress},
    spec::{
        Experiment,
        pictures::{PAIR, PictureSet, SCENES},
    },
    stage::{
        context::create_folder,
        pairs::{self, Pair},
    },
};

/// The sets of an experiment that have pictures.
#[derive(Clone, Debug, Default)]
pub struct Pictures {
    pub train: Vec<Found>,
    pub test: Vec<Found>,
}

/// One set of pictures.
#[derive(Clone, Debug)]
pub enum Found {
    /// To be rendered.
    Scenes {
        asked: PictureSet,
        split: String,
        count: usize,
        size: usize,
        seed: u64,
    },
    /// Of an indexed dataset; its pairs are listed under `digest`.
    Indexed {
        asked: PictureSet,
        dataset: String,
        split: String,
        kind: String,
        digest: String,
        pictures: usize,
        /// Its smallest picture, with width and height.
        smallest: (PathBuf, usize, usize),
        without_references: bool,
    },
}

impl Found {
    pub fn asked(&self) -> &PictureSet {
        match self {
            Self::Scenes { asked, .. } | Self::Indexed { asked, .. } => asked,
        }
    }

    pub fn split(&self) -> &str {
        match self {
            Self::Scenes { split, .. } | Self::Indexed { split, .. } => split,
        }
    }

    pub fn pictures(&self) -> usize {
        match self {
            Self::Scenes { count, .. } => *count,
            Self::Indexed { pictures, .. } => *pictures,
        }
    }

    /// Whether there is nothing to measure its pictures against.
    pub fn is_without_references(&self) -> bool {
        matches!(
            self,
            Self::Indexed {
                without_references: true,
                ..
            }
        )
    }

    fn is_of_the_pictures_of(&self, other: &Self) -> bool {
        let made = |found: &Self| found.asked().degradations.clone();
        let same = match (self, other) {
            (Self::Scenes { .. }, Self::Scenes { .. }) => true,
            (Self::Indexed { digest, .. }, Self::Indexed { digest: others, .. }) => digest == others,
            _ => false,
        };
        same && made(self) == made(other)
    }

    /// The degradation that the dataset itself brings.
    pub fn kind(&self) -> &str {
        match self {
            Self::Scenes { .. } => "clean",
            Self::Indexed { kind, .. } => kind,
        }
    }
}

/// Finds the pictures of cases, hashing what has not been hashed, and writes their listings into the home. Cases that ask
/// for the same sets are answered once.
pub struct Finder<'a> {
    home: &'a Home,
    database: &'a Database,
    talk: Talk,
    found: HashMap<String, Arc<Pictures>>,
}

impl<'a> Finder<'a> {
    pub fn new(home: &'a Home, database: &'a Database, talk: Talk) -> Self {
        Self {
            home,
            database,
            talk,
            found: HashMap::new(),
        }
    }

    /// The pictures of `experiment`.
    ///
    /// # Errors
    /// A dataset that is not indexed (unless the set is optional), or has no pairs and no degradation to make them with.
    pub fn find(&mut self, experiment: &Experiment) -> Result<Arc<Pictures>, Failure> {
        let Experiment {
            train_limit,
            test_limit,
            seed,
            scale,
            ..
        } = experiment;
        let asked = (
            experiment.train_sets(),
            experiment.test_sets(),
            train_limit,
            test_limit,
            seed,
            scale,
        );
        let asked = serde_json::to_string(&asked).map_err(|error| Failure::new(Exit::Unexpected, error.to_string()))?;
        if let Some(found) = self.found.get(&asked) {
            checks::crops_fit(experiment, &found.train)?;
            return Ok(Arc::clone(found));
        }
        let search = Search {
            experiment,
            home: self.home,
            database: self.database,
            talk: self.talk,
        };
        let found = Arc::new(search.both()?);
        checks::crops_fit(experiment, &found.train)?;
        checks::tell_untrained(experiment, &found, self.talk);
        checks::tell_incomplete(experiment, &found, self.talk);
        self.found.insert(asked, Arc::clone(&found));
        Ok(found)
    }
}

/// The pictures of one experiment.
struct Search<'a> {
    experiment: &'a Experiment,
    home: &'a Home,
    database: &'a Database,
    talk: Talk,
}

impl Search<'_> {
    fn both(&self) -> Result<Pictures, Failure> {
        let Experiment { train, test, .. } = self.experiment;
        let pictures = Pictures {
            train: self.all(&self.experiment.train_sets(), "train", self.experiment.train_limit)?,
            test: self.all(&self.experiment.test_sets(), "test", self.experiment.test_limit)?,
        };
        for (role, sets, none) in [
            ("train on", train, pictures.train.is_empty()),
            ("test on", test, pictures.test.is_empty()),
        ] {
            if none {
                let names: Vec<&str> = sets.iter().map(|set| set.dataset.as_str()).collect();
                let text = format!("nothing to {role}: none of {} is indexed", names.join(", "));
                return Err(Failure::new(Exit::Pictures, text)
                    .help("`perceive-ir data add FOLDER` indexes what a folder holds"));
            }
        }
        Ok(pictures)
    }

    fn all(&self, sets: &[PictureSet], split: &str, limit: usize) -> Result<Vec<Found>, Failure> {
        let splits = self.database.splits()?;
        let mut found: Vec<Found> = Vec::new();
        for asked in sets {
            match stand_in::of(asked, split, self.experiment, &splits) {
                None => found.extend(self.one(asked, split, limit)?),
                Some(other) => {
                    self.talk.say(stand_in::telling(asked, split, &other));
                    let other = self.one(&other, split, limit)?;
                    // Of two sets that need the same ones in their place, the first has them.
                    found.extend(other.filter(|other| !found.iter().any(|found| found.is_of_the_pictures_of(other))));
                }
            }
        }
        Ok(found)
    }

    fn one(&self, asked: &PictureSet, default_split: &str, limit: usize) -> Result<Option<Found>, Failure> {
        let limit = [asked.limit, limit]
            .into_iter()
            .filter(|limit| *limit > 0)
            .min()
            .unwrap_or(usize::MAX);
        if asked.dataset == SCENES {
            return Ok(Some(Found::Scenes {
                asked: asked.clone(),
                split: asked.split.clone().unwrap_or_else(|| default_split.into()),
                count: asked.count.min(limit),
                size: asked.size,
                seed: self.experiment.seed,
            }));
        }
        let splits = self.database.splits()?;
        let own = |wanted: &str| {
            splits
                .iter()
                .find(|split| split.dataset.eq_ignore_ascii_case(&asked.dataset) && split.split == wanted)
        };
        let other = if default_split == "train" { "test" } else { "train" };
        let split = match &asked.split {
            Some(split) => own(split),
            // What must be the paper's pictures is never trained on what it is tested on.
            None if asked.stand_in => own(default_split),
            None => own(default_split).or_else(|| own(other)),
        };
        let Some(split) = split else {
            if asked.optional {
                self.talk.say(format!(
                    "{} has no {default_split} pictures in the index: left out",
                    asked.dataset
                ));
                return Ok(None);
            }
            let split = asked.split.as_deref().unwrap_or(default_split);
            return Err(missing(asked, split, splits.iter().map(|split| split.dataset.as_str())));
        };
        let without_references = catalogue::find(&split.dataset).is_some_and(catalogue::Entry::is_without_references);
        let mut rows = if without_references && default_split == "test" {
            self.alone(&split.dataset, &split.split)?
        } else {
            self.database.pairs(&split.dataset, &split.split)?
        };
        if asked.degradations.is_empty() {
            rows.retain(|row| row.degraded.is_some());
        }
        if rows.len() > limit {
            Key::new("limit", self.experiment.seed)
                .text(&split.dataset)
                .stream()
                .shuffle(&mut rows);
            rows.truncate(limit);
            rows.sort_by(|a, b| a.name.cmp(&b.name));
        }
        if rows.is_empty() {
            if asked.optional {
                self.talk.say(format!(
                    "{} {} has no usable pairs: left out",
                    split.dataset, split.split
                ));
                return Ok(None);
            }
            let text = format!(
                "{} {} has no pairs of degraded and clean pictures",
                split.dataset, split.split
            );
            return Err(Failure::new(Exit::Pictures, text).help(
                "clean pictures need `degradations = [{ kind = \"noise\", sigma = 25 }]`; `perceive-ir data show` tells what is missing",
            ));
        }
        check_unchanged(&rows, &split.dataset)?;
        self.hash(&mut rows, &split.dataset)?;
        let digest = self.list(&rows)?;
        let smallest = smallest(&rows);
        Ok(Some(Found::Indexed {
            pictures: rows.len(),
            smallest,
            without_references,
            asked: asked.clone(),
            dataset: split.dataset.clone(),
            split: split.split.clone(),
            kind: asked.kinds().first().copied().unwrap_or(PAIR).to_string(),
            digest,
        }))
    }

    /// Pictures without clean partners, each named by its file.
    fn alone(&self, dataset: &str, split: &str) -> Result<Vec<PairRow>, Failure> {
        let mut rows: Vec<PairRow> = Vec::new();
        for picture in self.database.pictures(dataset, split)? {
            let name = picture
                .path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if rows.iter().all(|row| row.name != name) {
                rows.push(PairRow {
                    name,
                    clean: picture.clone(),
                    degraded: Some(picture),
                    border: 0,
                });
            }
        }
        rows.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(rows)
    }

    /// Fills in the hashes that are missing, and keeps them in the index.
    fn hash(&self, rows: &mut [PairRow], dataset: &str) -> Result<(), Failure> {
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
        let bar = Progress::new(self.talk).bar(&format!("hashing {dataset}"), unknown.len() as u64, "pictures");
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
        self.database.record_checks(&hashed)?;
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
    fn list(&self, rows: &[PairRow]) -> Result<String, Failure> {
        let mut hasher = blake3::Hasher::new_derive_key("perceive-ir listing 1");
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
        let path = self.home.listing(&digest);
        if let Some(folder) = path.parent() {
            create_folder(folder)?;
        }
        pairs::write(&path, &listed)?;
        Ok(digest)
    }
}

/// The picture with the shortest side, with its width and height.
fn smallest(rows: &[PairRow]) -> (PathBuf, usize, usize) {
    let clean = rows.iter().map(|row| &row.clean);
    clean
        .min_by_key(|picture| picture.width.min(picture.height))
        .map_or((PathBuf::new(), 0, 0), |picture| {
            (picture.path.clone(), picture.width as usize, picture.height as usize)
        })
}

/// The catalogue's name that was probably meant by a name that is none of its.
fn misspelt(name: &str) -> Option<&'static str> {
    match catalogue::find(name) {
        Some(_) => None,
        None => nearest(name, catalogue::names()),
    }
}

fn missing<'a>(asked: &PictureSet, split: &str, indexed: impl Iterator<Item = &'a str>) -> Failure {
    let indexed: Vec<&str> = indexed.collect();
    if let Some(there) = indexed.iter().find(|name| name.eq_ignore_ascii_case(&asked.dataset)) {
        let text = format!("{there} has no split {split:?} in the index");
        let help =
            format!("`perceive-ir data show {there}` tells what there is; `perceive-ir data add FOLDER` adds to it");
        return Failure::new(Exit::Unknown, text).help(help);
    }
    let failure = Failure::new(Exit::Unknown, format!("the dataset {:?} is not indexed", asked.dataset));
    match nearest(&asked.dataset, indexed.iter().copied()) {
        Some(near) => failure.help(format!("did you mean {near:?}?")),
        None if let Some(near) = misspelt(&asked.dataset) => failure.help(format!("did you mean {near:?}?")),
        None => failure.help(format!(
            "`perceive-ir data add FOLDER --dataset {}` indexes it; indexed are: {}",
            asked.dataset,
            if indexed.is_empty() {
                "none".into()
            } else {
                indexed.join(", ")
            }
        )),
    }
}

/// A stored hash tells what a file held when it was indexed: no file may have gone or changed since.
fn check_unchanged(rows: &[PairRow], dataset: &str) -> Result<(), Failure> {
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
                return Err(Failure::new(Exit::Pictures, format!("{path} is gone since it was indexed")).help(&again));
            };
            let modified = metadata
                .modified()
                .ok()
                .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
            let modified = modified.map_or(0, |since| since.as_nanos() as i64);
            if metadata.len() == picture.size && modified == picture.mtime_ns {
                return Ok(());
            }
            Err(Failure::new(Exit::Pictures, format!("{path} has changed since it was indexed")).help(&again))
        })
}
