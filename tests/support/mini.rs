//! A miniature experiment: every stage the real one, on a few scenes of 40 x 40 pixels, in seconds.

use std::fs;
use std::path::{Path, PathBuf};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use super::Desk;

/// `mini`: all six stages, all losses, two degradations.
pub const MINI: &str = r#"
[experiment.mini]
scale = "tiny"
towers = "stand-in"
prompts = { tokens = 2, steps = 3, batch = 2, patch = 16, pool = 8 }
medium = { training = { steps = 3, batch = 2, patch = 16 } }

[experiment.mini.restore]
loss = { slice = 2 }
training = { steps = 4, batch = 2, patch = 24 }

[[experiment.mini.train]]
dataset = "scenes"
count = 6
size = 40
degradations = [{ kind = "noise", sigma = 25 }, { kind = "haze" }]

[[experiment.mini.test]]
dataset = "scenes"
count = 2
size = 40
degradations = [{ kind = "noise", sigma = 25 }, { kind = "rain" }]
"#;

/// `long`: a plain restorer that trains long enough to be disturbed, and saves its state four times a second.
pub const LONG: &str = r#"
[experiment.long]
scale = "tiny"
towers = "stand-in"
upkeep = { save_every = 0.25 }

[experiment.long.restore]
network = "restormer"
loss = { contrastive = 0.0, clip_aware = 0.0, perceptual = 0.0 }
training = { steps = 160, batch = 2, patch = 24 }

[[experiment.long.train]]
dataset = "scenes"
count = 6
size = 40
degradations = [{ kind = "noise", sigma = 25 }]

[[experiment.long.test]]
dataset = "scenes"
count = 2
size = 40
degradations = [{ kind = "noise", sigma = 25 }]
"#;

/// `rain`: a plain restorer on the pairs that `Desk::plant_pairs` makes.
pub const RAIN: &str = r#"
[experiment.rain]
scale = "tiny"
towers = "stand-in"

[experiment.rain.restore]
network = "restormer"
loss = { contrastive = 0.0, clip_aware = 0.0, perceptual = 0.0 }
training = { steps = 8, batch = 4, patch = 16 }

[[experiment.rain.train]]
dataset = "rain100l"

[[experiment.rain.test]]
dataset = "rain100l"
"#;

impl Desk {
    /// A desk whose `experiments.toml` is `text`.
    pub fn with(text: &str) -> Self {
        let desk = Self::new();
        desk.write_experiments(text);
        desk
    }

    pub fn write_experiments(&self, text: &str) {
        fs::write(self.path("experiments.toml"), text).unwrap();
    }

    /// The first column of what a query of the home's database finds, as text.
    pub fn ask(&self, sql: &str) -> Vec<String> {
        self.with_database(async |db| sqlx::query_scalar(AssertSqlSafe(sql.to_string())).fetch_all(db).await)
    }

    /// Does something to the home's database as another program would.
    pub fn with_database<T>(&self, work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, sqlx::Error>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let options = SqliteConnectOptions::new().filename(self.path("home/perceive.sqlite"));
            let mut connection = options.connect().await.unwrap();
            let done = work(&mut connection).await.unwrap();
            connection.close().await.unwrap();
            done
        })
    }

    /// Stage and state of every run, in the order of their beginning: `["restore done", …]`.
    pub fn states(&self) -> Vec<String> {
        self.ask("SELECT stage || ' ' || state FROM runs ORDER BY id")
    }

    /// The folders of the artefacts that `stage` has made, by label.
    pub fn artefacts(&self, stage: &str) -> Vec<PathBuf> {
        self.ask(&format!(
            "SELECT key FROM artefacts WHERE stage = '{stage}' ORDER BY label, key"
        ))
        .iter()
        .map(|key| self.home().join("artefacts").join(key))
        .collect()
    }

    /// Checks that nothing is half-done: every artefact is one of a run that is done, no file has a temporary name, and no
    /// run claims to live.
    #[track_caller]
    pub fn is_tidy(&self) {
        let done = self.ask("SELECT artefact_key FROM runs WHERE state = 'done'");
        let artefacts = self.home().join("artefacts");
        if artefacts.exists() {
            for entry in fs::read_dir(&artefacts).unwrap() {
                let key = entry.unwrap().file_name().into_string().unwrap();
                assert!(done.contains(&key), "the artefact {key} is of no run that is done");
            }
        }
        for file in files(&self.home()) {
            let name = file.file_name().unwrap().to_string_lossy();
            let temporary = name.starts_with('.') || name.ends_with(".part") || name.ends_with(".unfinished");
            assert!(!temporary, "{} was left", file.display());
        }
        let live = self.ask("SELECT id FROM runs WHERE state IN ('running', 'queued')");
        assert!(live.is_empty(), "{live:?} claim to live");
    }
}

/// All files below a folder, sorted.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
