//! What makes a run: the code that this program was built from, and where and how it was called.
//!
//! `build.rs` looks at the repository; here it becomes one [`Code`], stored once for all runs that it made, and one
//! [`Origin`] a run.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

/// The crate's features that are on, between commas.
const FEATURES: &str = env!("PERCEIVE_FEATURES");

/// What the sources had that the commit has not.
const DIFF: &str = include_str!(concat!(env!("OUT_DIR"), "/code.diff"));

/// One state of the code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Code {
    /// blake3 of everything else, in hex.
    pub hash: String,
    pub version: String,
    /// `None` where the program was built outside its repository.
    pub code_commit: Option<String>,
    /// Whether the sources differed from the commit.
    pub dirty: bool,
    /// How they differed, as a patch.
    pub diff: String,
    /// A fingerprint of the source files.
    pub sources: String,
    /// blake3 of Cargo.lock.
    pub lock: String,
    pub rustc: String,
    pub target: String,
    pub profile: String,
    pub features: String,
}

/// The machine and the call, beside what every run's row says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Origin {
    pub os: String,
    pub cpu: String,
    /// Logical ones.
    pub cores: i64,
    /// Bytes.
    pub memory: i64,
    /// Of the pool that computes.
    pub threads: i64,
    /// The folder that the command was given in.
    pub folder: String,
    /// The variables that may matter, as a JSON object.
    pub environment: String,
}

impl Code {
    /// The code of this program.
    pub fn of_this_program() -> &'static Self {
        static CODE: OnceLock<Code> = OnceLock::new();
        CODE.get_or_init(|| {
            let lock = blake3::hash(include_bytes!(concat!(env!("OUT_DIR"), "/Cargo.lock")));
            let mut code = Self {
                hash: String::new(),
                version: env!("CARGO_PKG_VERSION").into(),
                code_commit: option_env!("PERCEIVE_COMMIT").map(String::from),
                dirty: env!("PERCEIVE_DIRTY") == "true",
                diff: DIFF.into(),
                sources: env!("PERCEIVE_SOURCES").into(),
                lock: lock.to_hex().to_string(),
                rustc: env!("PERCEIVE_RUSTC").into(),
                target: env!("PERCEIVE_TARGET").into(),
                profile: env!("PERCEIVE_PROFILE").into(),
                features: FEATURES.into(),
            };
            // A struct of strings has a JSON text.
            let text = serde_json::to_vec(&code).unwrap_or_default();
            code.hash = blake3::hash(&text).to_hex().to_string();
            code
        })
    }

    /// What differs from `other`, in words, as far as it can change a result. Another commit of the same sources does not.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let commit = |code: &Self| {
            let commit = code.code_commit.as_deref().unwrap_or("unknown");
            let changed = if code.dirty { " with changes" } else { "" };
            format!("{} at commit {commit}{changed}", code.version)
        };
        let mut found = Vec::new();
        if self.sources != other.sources {
            found.push(format!("sources: {} then, {} now", commit(self), commit(other)));
        }
        if self.lock != other.lock {
            found.push("versions of the libraries (Cargo.lock)".to_string());
        }
        found.extend(different(&[
            ("compiler", &self.rustc, &other.rustc),
            ("target", &self.target, &other.target),
            ("profile", &self.profile, &other.profile),
            ("features", &self.features, &other.features),
        ]));
        found
    }
}

impl Origin {
    /// This process's.
    pub fn of_this_process() -> &'static Self {
        static ORIGIN: OnceLock<Origin> = OnceLock::new();
        ORIGIN.get_or_init(|| {
            let what = RefreshKind::nothing()
                .with_cpu(CpuRefreshKind::nothing())
                .with_memory(MemoryRefreshKind::nothing().with_ram());
            let system = System::new_with_specifics(what);
            let unknown = || "unknown".to_string();
            let brand = system.cpus().first().map(|cpu| cpu.brand().trim().to_string());
            let environment: BTreeMap<String, String> = std::env::vars().filter(|(name, _)| matters(name)).collect();
            Self {
                os: System::long_os_version().unwrap_or_else(unknown),
                cpu: brand.filter(|brand| !brand.is_empty()).unwrap_or_else(unknown),
                cores: system.cpus().len() as i64,
                memory: system.total_memory() as i64,
                threads: rayon::current_num_threads() as i64,
                folder: std::env::current_dir().map_or_else(|_| unknown(), |folder| folder.display().to_string()),
                environment: serde_json::to_string(&environment).unwrap_or_default(),
            }
        })
    }

    /// What differs from `other`, in words, as far as it may change the last bits of a result.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let threads = [self, other].map(|origin| origin.threads.to_string());
        different(&[
            ("processor", &self.cpu, &other.cpu),
            ("system", &self.os, &other.os),
            ("threads", &threads[0], &threads[1]),
            ("environment", &self.environment, &other.environment),
        ])
    }
}

/// Whether an environment variable may change what is computed, or where.
fn matters(name: &str) -> bool {
    // Where the home lies is no property of a run; the others are told by `build.rs`, and `cargo run` sets them.
    const OWN: [&str; 8] = [
        "PERCEIVE_HOME",
        "PERCEIVE_COMMIT",
        "PERCEIVE_DIRTY",
        "PERCEIVE_SOURCES",
        "PERCEIVE_RUSTC",
        "PERCEIVE_TARGET",
        "PERCEIVE_PROFILE",
        "PERCEIVE_FEATURES",
    ];
    !OWN.contains(&name)
        && (name.starts_with("PERCEIVE_") || ["RAYON_NUM_THREADS", "CUDA_VISIBLE_DEVICES"].contains(&name))
}

fn different(pairs: &[(&str, &String, &String)]) -> Vec<String> {
    let unequal = pairs.iter().filter(|(_, then, now)| then != now);
    unequal
        .map(|(what, then, now)| format!("{what}: {then} then, {now} now"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_program_is_one_state_of_the_code() {
        let code = Code::of_this_program();
        assert_eq!((code.hash.len(), code.lock.len(), code.sources.len()), (64, 64, 16));
        assert!(code.rustc.starts_with("rustc 1."), "{}", code.rustc);
        assert!(code.dirty || code.diff.is_empty());
        assert!(code.differences(code).is_empty());
    }

    #[test]
    fn another_commit_of_the_same_sources_is_no_difference_but_other_flags_are() {
        let code = Code::of_this_program().clone();
        let later = Code {
            code_commit: Some("beef".into()),
            dirty: !code.dirty,
            ..code.clone()
        };
        assert!(code.differences(&later).is_empty());
        let tuned = Code {
            profile: "release, opt-level 3, -C target-cpu=native".into(),
            sources: "0".into(),
            ..code.clone()
        };
        let told = code.differences(&tuned);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(
            told[1].contains("profile") && told[1].contains("target-cpu=native"),
            "{told:?}"
        );
    }

    #[test]
    fn a_machine_is_described_and_its_changes_are_told() {
        let origin = Origin::of_this_process();
        assert!(
            origin.cores > 0 && origin.memory > 0 && origin.threads > 0,
            "{origin:?}"
        );
        let other = Origin {
            threads: origin.threads + 1,
            folder: "/elsewhere".into(),
            ..origin.clone()
        };
        let told = origin.differences(&other);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].starts_with("threads: "), "{told:?}");
        assert!(matters("PERCEIVE_SIMD") && matters("RAYON_NUM_THREADS") && !matters("PATH"));
    }
}
