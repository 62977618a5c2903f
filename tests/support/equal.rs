//! Two homes that ought to hold the same.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::Desk;
use super::mini::files;

/// Contents of all files below a folder by their names in it.
pub fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let name = |path: &Path| path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
    files(folder)
        .iter()
        .map(|path| (name(path), fs::read(path).unwrap()))
        .collect()
}

/// Contents of all artefacts of a home by key and name.
pub fn artefacts(desk: &Desk) -> BTreeMap<String, Vec<u8>> {
    contents(&desk.home().join("artefacts"))
}

/// Checks that two homes hold the same artefacts, byte for byte.
#[track_caller]
pub fn same(one: &Desk, other: &Desk) {
    let (one, other) = (artefacts(one), artefacts(other));
    assert!(one.keys().any(|name| name.ends_with("model.safetensors")));
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    for (name, bytes) in one {
        assert!(other[&name] == bytes, "{name} differs");
    }
}
