//! How every job stands, from one look at the home's folders and one at its record.

use std::collections::{HashMap, HashSet};

use crate::{
    database::{Database, runs::RunState},
    failure::Failure,
    home::Home,
};

/// How a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// The artefact is whole.
    Cached,
    /// It is missing, and nothing that is to be done reads it.
    NotNeeded,
    /// A worker is at it.
    Running,
    /// There is saved state to go on from.
    Begun,
    /// The last attempt failed; it will be tried again.
    Failed,
    ToDo,
}

impl Standing {
    pub fn word(self) -> &'static str {
        match self {
            Self::Cached => "cached",
            Self::NotNeeded => "not needed",
            Self::Running => "running",
            Self::Begun => "begun",
            Self::Failed => "failed",
            Self::ToDo => "to do",
        }
    }
}

/// The standing of every job there is, by key.
pub struct Standings {
    whole: HashSet<String>,
    begun: HashSet<String>,
    newest: HashMap<String, RunState>,
}

impl Standings {
    pub fn read(home: &Home, database: &Database) -> Result<Self, Failure> {
        Ok(Self {
            whole: names(&home.artefacts())?,
            begun: names(&home.work())?,
            newest: database.newest_states()?.into_iter().collect(),
        })
    }

    pub fn is_whole(&self, key: &str) -> bool {
        self.whole.contains(key)
    }

    pub fn of(&self, key: &str, needed: bool) -> Standing {
        if self.is_whole(key) {
            return Standing::Cached;
        }
        match self.newest.get(key) {
            Some(RunState::Running | RunState::Queued) => Standing::Running,
            _ if !needed => Standing::NotNeeded,
            Some(RunState::Failed) => Standing::Failed,
            _ if self.begun.contains(key) => Standing::Begun,
            _ => Standing::ToDo,
        }
    }
}

/// The names in a folder; none where there is no such folder.
fn names(folder: &std::path::Path) -> Result<HashSet<String>, Failure> {
    let failed = |error: &std::io::Error| Failure::io(format!("cannot read {}", folder.display()), error);
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(HashSet::new()),
        entries => entries.map_err(|error| failed(&error))?,
    };
    entries
        .map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()))
        .collect::<Result<_, _>>()
        .map_err(|error| failed(&error))
}
