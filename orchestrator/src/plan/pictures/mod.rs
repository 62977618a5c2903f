//! The pictures of an experiment: which of the added datasets its sets mean, and what those hold just now.
//!
//! A key depends on the contents of the pictures, so every file is hashed once and again when it changes ([`listing`]).

mod listing;
mod missing;
mod search;

use std::{collections::HashMap, path::PathBuf, sync::Arc};

use super::checks;
use crate::{
    database::Database,
    failure::{Exit, Failure},
    home::Home,
    show::Talk,
    spec::{Experiment, pictures::PictureSet},
};
use missing::Missing;
use search::Search;

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
    /// Of a dataset that was added; its pairs are listed under `digest`.
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

    /// # Errors
    /// Everything at once that these experiments must have and that was not added.
    pub fn check<'b>(&self, experiments: impl Iterator<Item = &'b Experiment>) -> Result<(), Failure> {
        let splits = self.database.splits()?;
        let mut missing: Vec<Missing> = Vec::new();
        for one in experiments.flat_map(|experiment| missing::of(experiment, &splits)) {
            if !missing.contains(&one) {
                missing.push(one);
            }
        }
        match missing[..] {
            [] => Ok(()),
            _ => Err(missing::told(&missing, &splits)),
        }
    }

    /// The pictures of `experiment`.
    ///
    /// # Errors
    /// A dataset that was not added (unless the set is optional), or has no pairs and no degradation to make them with.
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
