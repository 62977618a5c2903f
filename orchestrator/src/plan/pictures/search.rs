//! The search for one experiment's pictures among those that were added.

use std::path::PathBuf;

use perceive_datasets::{catalogue, random::Key};

use super::{
    Found, Pictures, listing,
    missing::{self, Missing},
};
use crate::{
    database::{
        Database,
        datasets::{PairRow, Split},
    },
    failure::{Exit, Failure},
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
                    "nothing to {role}: no usable pictures were added of {}",
                    names.join(", ")
                );
                return Err(Failure::new(Exit::Pictures, text).help(
                    "`perceive-ir data add FOLDER` adds what a folder holds; clean pictures need `degradations`",
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
        let Some(split) = split_of(asked, default_split, &splits) else {
            if asked.optional {
                self.talk.say(format!(
                    "no {default_split} pictures of {} were added: left out",
                    asked.dataset
                ));
                return Ok(None);
            }
            return Err(missing::told(&[Missing::of(asked, default_split)], &splits));
        };
        let other = other_than(default_split);
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

/// The split of the set itself that is used in this role, where it was added.
pub fn split_of<'a>(asked: &PictureSet, role: &str, splits: &'a [Split]) -> Option<&'a Split> {
    let own = |wanted: &str| {
        splits
            .iter()
            .find(|split| split.dataset.eq_ignore_ascii_case(&asked.dataset) && split.split == wanted)
    };
    match &asked.split {
        Some(split) => own(split),
        // What must be the paper's pictures is never trained on what it is tested on.
        None if asked.stand_in => own(role),
        None => own(role).or_else(|| own(other_than(role))),
    }
}

fn other_than(role: &str) -> &'static str {
    if role == "train" { "test" } else { "train" }
}
