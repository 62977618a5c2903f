//! Rows of two numbers straight from SQLite: ten million of them are read in a second, where an object for each row takes ten.

use std::ffi::{CStr, c_int};
use std::ptr;

use libsqlite3_sys as sqlite;
use sqlx::sqlite::LockedSqliteHandle;

/// A statement that is finalised however reading ends.
struct Statement(*mut sqlite::sqlite3_stmt);

impl Drop for Statement {
    fn drop(&mut self) {
        // SAFETY: it was prepared by `read` and is finalised once.
        unsafe { sqlite::sqlite3_finalize(self.0) };
    }
}

/// The (integer, real) rows that `sql` finds with these values bound to its parameters.
///
/// # Errors
/// What SQLite says is wrong.
pub fn read<const N: usize>(
    handle: &mut LockedSqliteHandle<'_>,
    sql: &CStr,
    bound: [i64; N],
) -> Result<Vec<(i64, f64)>, String> {
    let database = handle.as_raw_handle().as_ptr();
    let mut raw = ptr::null_mut();
    // SAFETY: the connection is locked for as long as `handle` lives, `sql` ends with a zero byte.
    let prepared = unsafe { sqlite::sqlite3_prepare_v2(database, sql.as_ptr(), -1, &raw mut raw, ptr::null_mut()) };
    let statement = Statement(raw);
    check(database, prepared, sqlite::SQLITE_OK)?;
    for (number, value) in (1..).zip(bound) {
        // SAFETY: the statement was prepared above.
        let done = unsafe { sqlite::sqlite3_bind_int64(statement.0, number, value) };
        check(database, done, sqlite::SQLITE_OK)?;
    }
    let mut rows = Vec::new();
    loop {
        // SAFETY: as above; columns are read between two steps.
        match unsafe { sqlite::sqlite3_step(statement.0) } {
            sqlite::SQLITE_ROW => rows.push(unsafe {
                (
                    sqlite::sqlite3_column_int64(statement.0, 0),
                    sqlite::sqlite3_column_double(statement.0, 1),
                )
            }),
            ended => return check(database, ended, sqlite::SQLITE_DONE).map(|()| rows),
        }
    }
}

fn check(database: *mut sqlite::sqlite3, code: c_int, wanted: c_int) -> Result<(), String> {
    if code == wanted {
        return Ok(());
    }
    // SAFETY: the connection is locked; its message is copied before anything else is asked of it.
    let message = unsafe { CStr::from_ptr(sqlite::sqlite3_errmsg(database)) };
    Err(message.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::tests::database;

    #[test]
    fn numbers_come_as_they_are_and_errors_in_sqlites_words() {
        let (_folder, database) = database();
        let ask = |sql: &CStr, bound: [i64; 2]| {
            database.read(async |db| {
                let mut handle = db.lock_handle().await?;
                Ok(read(&mut handle, sql, bound))
            })
        };
        let rows = ask(c"SELECT ?1, 0.1 UNION ALL SELECT ?2, -1e300", [7, i64::MIN]).unwrap();
        assert_eq!(rows.unwrap(), [(7, 0.1), (i64::MIN, -1e300)]);
        let refused = ask(c"SELECT ?1, ?2 FROM nowhere", [1, 2]).unwrap();
        assert_eq!(refused, Err("no such table: nowhere".to_string()));
    }
}
