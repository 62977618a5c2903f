//! What befalls programs: kills at random moments, full and read-only disks, a locked record, a cut journal, pictures that
//! change, a clock that jumps, workers that hang, eat memory or print without end. After each nothing recorded is lost, the
//! states are true, and the next `run` ends as an undisturbed one.

mod support;

#[path = "faults/clock.rs"]
mod clock;
#[path = "faults/disk.rs"]
mod disk;
#[path = "faults/kills.rs"]
mod kills;
#[path = "faults/preload.rs"]
mod preload;
#[path = "faults/record.rs"]
mod record;
#[path = "faults/sweep.rs"]
mod sweep;
#[path = "faults/worker.rs"]
mod worker;

use std::collections::BTreeMap;
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use support::Desk;
use support::mini::files;

/// Every result of a home: the artefacts' files, every number of every picture, every point of every curve.
#[derive(Debug, PartialEq)]
struct Results {
    artefacts: BTreeMap<String, String>,
    numbers: Vec<String>,
    curves: Vec<String>,
}

impl Results {
    fn of(desk: &Desk) -> Self {
        let root = desk.home().join("artefacts");
        let name = |path: &std::path::Path| path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
        Self {
            artefacts: files(&root)
                .iter()
                .map(|path| (name(path), blake3::hash(&fs::read(path).unwrap()).to_hex().to_string()))
                .collect(),
            numbers: desk.ask(
                "SELECT artefact_key || test || picture || tier || metric || format('%!.17g', value) FROM evaluations
                 ORDER BY artefact_key, test, picture, tier, metric",
            ),
            curves: desk.ask(
                "SELECT artefact_key || ' ' || name || ' ' || step || ' ' || format('%!.17g', value) FROM curves
                 WHERE name NOT IN ('waiting_share', 'upkeep_share') ORDER BY artefact_key, name, step",
            ),
        }
    }

    /// Checks that both are equal, and names what is not.
    #[track_caller]
    fn equal(&self, other: &Self, after: &str) {
        let names = |results: &Self| results.artefacts.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(self), names(other), "after {after}");
        for (name, hash) in &self.artefacts {
            assert_eq!(hash, &other.artefacts[name], "{name} differs after {after}");
        }
        assert_eq!(self.numbers, other.numbers, "after {after}");
        assert_eq!(self.curves, other.curves, "after {after}");
    }
}

/// `PERCEIVE_TEST_SEED` repeats the moments of another time.
fn seed() -> u64 {
    let given = std::env::var("PERCEIVE_TEST_SEED");
    given.ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        now.as_nanos() as u64
    })
}
