//! The file itself: whole by SQLite's own account, and without references into nothing.

use super::super::finding::Finding;
use crate::database::{Database, DatabaseError};
use crate::failure::Exit;

pub fn findings(database: &Database) -> Result<Vec<Finding>, DatabaseError> {
    Ok(vec![integrity(database)?, references(database)?])
}

fn integrity(database: &Database) -> Result<Finding, DatabaseError> {
    let faults = database.integrity_check()?;
    let path = database.path().display();
    Ok(if faults.is_empty() {
        let schema = database.schema()?;
        Finding::ok(
            "database",
            format!("{path} is whole (integrity_check), schema {schema}"),
        )
    } else {
        let to_do = format!(
            "`sqlite3 {path} .recover | sqlite3 saved.sqlite` saves what can be saved; then put saved.sqlite in its place \
             (remove {path}-wal and -shm) and `perceive-ir doctor --repair` imports the journals again"
        );
        Finding::problem(Exit::Database, "database", faults.join("; "), to_do)
    })
}

fn references(database: &Database) -> Result<Finding, DatabaseError> {
    let broken = database.broken_references()?;
    Ok(if broken.is_empty() {
        Finding::ok("references", "every row refers to what is there")
    } else {
        let told = broken
            .iter()
            .map(|(table, parent, rows)| format!("{rows} of {table} to {parent}"));
        let found = format!(
            "rows refer to what is not there: {}",
            told.collect::<Vec<_>>().join(", ")
        );
        let to_do = "another program has written into the database: put a copy of before in its place";
        Finding::problem(Exit::Database, "references", found, to_do)
    })
}
