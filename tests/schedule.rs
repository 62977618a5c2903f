//! The scheduler from outside: slots, several terminals, retries, limits, and what is stopped early.

mod support;

#[path = "schedule/limits.rs"]
mod limits;
#[path = "schedule/queue.rs"]
mod queue;
#[path = "schedule/retries.rs"]
mod retries;
#[path = "schedule/slots.rs"]
mod slots;

use std::collections::BTreeMap;
use std::fs;

use support::Desk;
use support::mini::files;

/// Names and contents of all files of all artefacts.
fn artefacts(desk: &Desk) -> BTreeMap<String, Vec<u8>> {
    let root = desk.home().join("artefacts");
    files(&root)
        .iter()
        .map(|path| {
            let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            (name, fs::read(path).unwrap())
        })
        .collect()
}

/// Checks that two homes hold the same artefacts, byte for byte.
#[track_caller]
fn same(one: &Desk, other: &Desk) {
    let (one, other) = (artefacts(one), artefacts(other));
    assert!(one.keys().any(|name| name.ends_with("model.safetensors")));
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    for (name, bytes) in one {
        assert!(other[&name] == bytes, "{name} differs");
    }
}
