//! The search for one experiment's pictures in the index.

use std::path::PathBuf;

use perceive_datasets::{catalogue, random::Key};

use super::{Found, Pictures, listing};
use crate::{
    database::{Database, datasets::PairRow},
    failure::{Exit, Failure, nearest},
    home::Home,
    plan::stand_in,
    show::Talk,
    spec::{
        Experiment,
        pictures::{PAIR, PictureSet, SCENES},
    },
};

/// The pictures of one experiment.
pub struct Search<'a> {
    pub experiment: &'a Experiment,
    pub home: &'a Home,
    pub database: &'a Database,
    pub talk: Talk,
}

impl Search<'_> {
    pub fn both(&self) -> Result<Pictures, Failure> {
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
                let text = format!(
                    "nothing to {role}: the index has no usable pictures of {}",
                    names.join(", ")
                );
                return Err(Failure::new(Exit::Pictures, text).help(
                    "`perceive-ir data add FOLDER` indexes what a folder holds; clean pictures need `degradations`",
                ));
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
        if asked.split.is_none() && split.split == other {
            let use_of = if other == "test" { "trained on" } else { "tested on" };
            Talk::warn(format!(
                "{} has no {default_split} pictures; its {other} pictures are {use_of}",
                split.dataset
            ));
        }
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
        listing::check_unchanged(&rows, &split.dataset)?;
        listing::hash(&mut rows, &split.dataset, self.database, self.talk)?;
        let digest = listing::list(&rows, self.home)?;
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
    let mut indexed: Vec<&str> = indexed.collect();
    indexed.sort_unstable();
    indexed.dedup();
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
            "`perceive-ir data add FOLDER{}` indexes it; indexed are: {}",
            if catalogue::find(&asked.dataset).is_some() {
                String::new()
            } else {
                format!(" --dataset {}", asked.dataset)
            },
            if indexed.is_empty() {
                "none".into()
            } else {
                indexed.join(", ")
            }
        )),
    }
}
