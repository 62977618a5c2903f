//! Trainings that were stopped, killed, damaged or rewound come to the same last bit as one that never was; those whose
//! numbers leave their bounds are given up with the reason, and lose nothing.

mod support;

#[path = "resume/broken_numbers.rs"]
mod broken_numbers;
#[path = "resume/checkpoints.rs"]
mod checkpoints;
#[path = "resume/own_state.rs"]
mod own_state;
#[path = "resume/stopping.rs"]
mod stopping;
#[path = "resume/storm.rs"]
mod storm;
#[path = "resume/validation.rs"]
mod validation;

use std::fs;
use std::path::PathBuf;

use support::Desk;

impl Desk {
    /// blake3 of the weights that `stage` has left, by artefact.
    fn weights(&self, stage: &str) -> Vec<String> {
        let files = self.artefacts(stage).into_iter().map(|folder| {
            let restorer = folder.join("model.safetensors");
            if restorer.exists() {
                restorer
            } else {
                folder.join("prompts.safetensors")
            }
        });
        files
            .map(|file| blake3::hash(&fs::read(file).unwrap()).to_hex().to_string())
            .collect()
    }

    /// The work folder of the one artefact that is unfinished.
    #[track_caller]
    fn unfinished(&self) -> PathBuf {
        let mut folders: Vec<PathBuf> = fs::read_dir(self.home().join("work"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert_eq!(folders.len(), 1, "{folders:?}");
        folders.remove(0)
    }

    /// The checkpoints of unfinished artefacts, oldest first.
    fn checkpoints(&self) -> Vec<PathBuf> {
        let work = fs::read_dir(self.home().join("work"));
        let folders = work.into_iter().flatten().flatten();
        let mut files: Vec<PathBuf> = folders
            .filter_map(|folder| fs::read_dir(folder.path().join("checkpoints")).ok())
            .flatten()
            .flatten()
            .map(|file| file.path())
            .filter(|file| file.extension().is_some_and(|ending| ending == "safetensors"))
            .filter(|file| {
                file.file_name()
                    .is_some_and(|name| name.to_string_lossy().starts_with("step-"))
            })
            .collect();
        files.sort();
        files
    }

    /// Everything that runs have told in words.
    fn notes(&self) -> Vec<String> {
        self.ask("SELECT text FROM events WHERE kind = 'note' ORDER BY run_id, seq")
    }

    /// The course of every metric that does not depend on the clock, as one text a point.
    fn curves(&self) -> Vec<String> {
        self.ask(
            "SELECT artefact_key || ' ' || name || ' ' || step || ' ' || format('%!.17g', value) FROM curves
             WHERE name NOT IN ('waiting_share', 'upkeep_share') ORDER BY artefact_key, name, step",
        )
    }
}
