//! `perceive-ir doctor --check`: everything that can be verified is read: the database, every artefact against its key and
//! its manifest, and what lies in the home that nothing refers to. It changes nothing.

mod artefacts;
mod database;
pub mod orphans;

use super::finding::{Finding, of_failure};
use crate::database::Database;
use crate::failure::Failure;
use crate::home::Home;
use crate::show::Talk;

pub fn findings(home: &Home, talk: Talk) -> Result<Vec<Finding>, Failure> {
    let record = Database::open_read_only(home)?;
    let mut findings = database::findings(&record)?;
    findings.extend(artefacts::findings(&record, home, talk)?);
    match orphans::Orphans::find(&record, home) {
        Ok(orphans) => findings.extend(orphans.findings(home)),
        Err(failure) => findings.push(of_failure("orphans", &failure)),
    }
    Ok(findings)
}
