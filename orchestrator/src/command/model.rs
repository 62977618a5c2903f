//! A restorer by the name that a user gives it: imported weights, an experiment, or a run.

use std::path::PathBuf;

use crate::{
    database::{Database, DatabaseError},
    failure::{Exit, Failure},
    home::Home,
    weights_store::{Entry, WeightsStore},
};

/// A restorer that is there.
#[derive(Debug)]
pub enum Model {
    Imported(Box<Entry>),
    Artefact { key: String, folder: PathBuf },
}

impl Model {
    /// Imported weights of that name; else the newest restorer of that experiment; else the run of that id.
    ///
    /// # Errors
    /// [`Exit::Unknown`] where there is none, or none that is finished.
    pub fn named(name: &str, home: &Home, database: &Database) -> Result<Self, Failure> {
        if let Some(entry) = WeightsStore::of(home).entry(name)? {
            return Ok(Self::Imported(Box::new(entry)));
        }
        let key = match database.restorer_of(name)? {
            Some(key) => key,
            None => of_run(name, database)?,
        };
        let folder = home.artefact(&key);
        if folder.exists() {
            return Ok(Self::Artefact { key, folder });
        }
        Err(
            Failure::new(Exit::Unknown, format!("{name:?} has no finished restorer"))
                .help("`perceive-ir run EXPERIMENT` trains one"),
        )
    }

    /// The same where nothing may have been recorded yet.
    pub fn found(name: &str, home: &Home) -> Result<Self, Failure> {
        match Database::open_read_only(home) {
            Ok(database) => Self::named(name, home, &database),
            Err(DatabaseError::Missing { .. }) => match WeightsStore::of(home).entry(name)? {
                Some(entry) => Ok(Self::Imported(Box::new(entry))),
                None => Err(nothing(name)),
            },
            Err(error) => Err(error.into()),
        }
    }
}

fn nothing(name: &str) -> Failure {
    let text = format!("there is no run, no experiment that has run and no weights called '{name}'");
    Failure::new(Exit::Unknown, text).help(format!(
        "`perceive-ir run {name}` trains a restorer, if it is one of `perceive-ir spec ls`; `runs ls` and `weights ls` list \
         what there is"
    ))
}

fn of_run(name: &str, database: &Database) -> Result<String, Failure> {
    let run = match database.find(name) {
        Err(DatabaseError::NoRun(_)) => return Err(nothing(name)),
        found => found?,
    };
    if run.stage != "restore" && run.stage != "medium" {
        let text = format!("run {} is of stage {}: it has no restorer", run.id, run.stage);
        return Err(Failure::new(Exit::Unknown, text).help("`perceive-ir runs ls` shows the restore runs"));
    }
    Ok(run.artefact_key)
}
