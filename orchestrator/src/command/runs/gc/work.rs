//! The folders of unfinished work: of artefacts, of runs that are made again, and of removals that were interrupted.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::Value;

use super::stock::named;
use crate::command::runs::removal::REMOVED;
use crate::database::now;
use crate::failure::Failure;
use crate::home::Home;
use crate::retention::{Work, WorkOf};

/// The folders as retention sees them, and where each lies, by its name.
pub fn work(home: &Home, keys: &BTreeSet<&str>) -> Result<(Vec<Work>, BTreeMap<String, PathBuf>), Failure> {
    let (mut found, mut places) = (Vec::new(), BTreeMap::new());
    for name in names_in(&home.work())? {
        let place = home.work_of(&name);
        let order = fs::read(place.join("order.json")).unwrap_or_default();
        let order: Value = serde_json::from_slice(&order).unwrap_or_default();
        let of = if name.starts_with(REMOVED) {
            WorkOf::Removal
        } else {
            WorkOf::Artefact(name.clone())
        };
        found.push(Work {
            of,
            inputs: named(&order, keys),
            at: changed(&place),
            name: name.clone(),
        });
        places.insert(name, place);
    }
    for run in names_in(&home.reproductions())? {
        let place = home.reproductions().join(&run);
        let name = format!("reproduce/{run}");
        found.push(Work {
            name: name.clone(),
            inputs: BTreeSet::new(),
            at: changed(&place),
            of: WorkOf::Reproduction(run),
        });
        places.insert(name, place);
    }
    Ok((found, places))
}

fn names_in(folder: &Path) -> Result<Vec<String>, Failure> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|error| Failure::io(format!("cannot read {}", folder.display()), &error))?,
    };
    let names = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok());
    Ok(names.collect())
}

/// When a folder last changed, in milliseconds since the Unix epoch; now, where the system does not tell.
fn changed(path: &Path) -> i64 {
    let time = fs::metadata(path).and_then(|found| found.modified()).ok();
    let since = time.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    since.map_or_else(now, |since| since.as_millis() as i64)
}
