//! Bad input from outside: each fault is provoked and gets one message that says what, where and what to do, the
//! documented exit code, and leaves nothing half-done.
//!
//! What concerns one subcommand alone stands in its own file (`data.rs`, `runs.rs`, `weights.rs`, `results.rs`).

mod support;

#[path = "bad_input/database.rs"]
mod database;
#[path = "bad_input/disk.rs"]
mod disk;
#[path = "bad_input/names.rs"]
mod names;
#[path = "bad_input/pictures.rs"]
mod pictures;
#[path = "bad_input/settings.rs"]
mod settings;
#[path = "bad_input/stops.rs"]
mod stops;
#[path = "bad_input/weights.rs"]
mod weights;
