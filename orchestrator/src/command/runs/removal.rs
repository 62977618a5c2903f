//! Removing from the home. Folders are first renamed, then forgotten, then removed: a kill in between never leaves a record
//! of something that is half gone, and what it leaves in the work folder is found by `runs gc`.

use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path};

use crate::database::Database;
use crate::database::artefacts::Artefact;
use crate::failure::{Exit, Failure};
use crate::home::Home;

/// How a folder in the work folder begins that is being removed.
pub const REMOVED: &str = "removed-";

/// Removes a whole artefact, its record and its numbers.
///
/// # Errors
/// [`Exit::Database`] for one that is recorded outside the home's artefacts: nothing is removed there.
pub fn remove_artefact(database: &Database, home: &Home, artefact: &Artefact) -> Result<(), Failure> {
    let inside = Path::new(&artefact.path)
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    if artefact.path.is_empty() || !inside {
        let told = format!(
            "artefact {} is recorded at '{}', outside the home",
            artefact.key, artefact.path
        );
        return Err(Failure::new(Exit::Database, told).help("nothing was removed there; remove it by hand"));
    }
    let place = home.artefacts().join(&artefact.path);
    let away = home.work_of(&format!("{REMOVED}{}", artefact.key));
    remove_if_there(&away)?;
    fs::create_dir_all(home.work())
        .map_err(|error| Failure::io(format!("cannot make {}", home.work().display()), &error))?;
    match fs::rename(&place, &away) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(Failure::io(format!("cannot remove {}", place.display()), &error));
        }
        _ => {}
    }
    database.forget_artefact(&artefact.key)?;
    remove_if_there(&away)?;
    remove_if_there(&home.work_of(&artefact.key))
}

/// Removes a file, or a folder with everything in it.
pub fn remove_if_there(path: &Path) -> Result<(), Failure> {
    let removed = if path.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Failure::io(format!("cannot remove {}", path.display()), &error))
        }
        _ => Ok(()),
    }
}
