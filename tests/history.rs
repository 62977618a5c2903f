//! What can be asked of the record, and done with it, after real runs: comparing, querying, labelling, making room,
//! archiving, and making runs again.

mod support;

#[path = "history/archives.rs"]
mod archives;
#[path = "history/questions.rs"]
mod questions;
#[path = "history/reproductions.rs"]
mod reproductions;
#[path = "history/room.rs"]
mod room;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use support::Desk;
use support::mini::{MINI, files};

/// A home in which `mini` ran, with the weight of the CLIP-aware loss as it is and then doubled.
fn two_cases() -> Desk {
    let desk = Desk::with(MINI);
    desk.run(&["run", "mini"]).fine();
    // Another experiment of the same settings but one, so that both mean something today.
    let other = MINI
        .replace("experiment.mini", "experiment.other")
        .replace("slice = 2", "slice = 2, clip_aware = 0.2");
    desk.write_experiments(&format!("{MINI}\n{other}"));
    desk.run(&["run", "other"]).fine();
    desk
}

/// The newest run of a stage that is no reproduction.
fn run_of(desk: &Desk, stage: &str) -> String {
    let of = format!("stage = '{stage}' AND state = 'done' AND artefact_key NOT LIKE 'reproduce%'");
    desk.ask(&format!("SELECT id FROM runs WHERE {of} ORDER BY id DESC LIMIT 1"))
        .remove(0)
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// The bytes of every file below a folder, by its name in there.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let name = |path: &Path| path.strip_prefix(folder).unwrap().display().to_string();
    files(folder)
        .iter()
        .map(|path| (name(path), fs::read(path).unwrap()))
        .collect()
}
