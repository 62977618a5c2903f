//! Tells the program what it is built from, for the record of every run: commit, what differs from it, the sources'
//! fingerprint, compiler and flags. Without git, or outside a repository, all but commit and difference.

use std::collections::hash_map::DefaultHasher;
use std::env;
use std::fs;
use std::hash::Hasher;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the program is built from, in the repository.
const SOURCES: [&str; 11] = [
    "Cargo.toml",
    "Cargo.lock",
    "experiments.toml",
    "migrations",
    "datasets/Cargo.toml",
    "datasets/src",
    "model/Cargo.toml",
    "model/src",
    "orchestrator/Cargo.toml",
    "orchestrator/build.rs",
    "orchestrator/src",
];

/// Bytes of a difference that are kept.
const CAP: usize = 1_000_000;

fn main() {
    let sources: Vec<&str> = SOURCES
        .into_iter()
        .filter(|path| in_repository(path).exists())
        .collect();
    for path in &sources {
        println!("cargo:rerun-if-changed=../{path}");
    }
    // Where these are in a worktree, git knows. A path that is not there would make cargo ask every time.
    for name in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--path-format=absolute", "--git-path", name])
            && Path::new(&path).exists()
        {
            println!("cargo:rerun-if-changed={path}");
        }
    }

    // Sources that lie inside somebody else's repository have no commit of their own.
    let tracked = git(&["ls-files", "--error-unmatch", "orchestrator/build.rs"]).is_some();
    let commit = git(&["rev-parse", "HEAD"]).filter(|_| tracked);
    let difference = commit.as_ref().map(|_| difference(&sources)).unwrap_or_default();
    if let Some(commit) = &commit {
        println!("cargo:rustc-env=PERCEIVE_COMMIT={commit}");
    }
    println!("cargo:rustc-env=PERCEIVE_DIRTY={}", !difference.is_empty());
    println!("cargo:rustc-env=PERCEIVE_SOURCES={:016x}", fingerprint(&sources));
    println!("cargo:rustc-env=PERCEIVE_RUSTC={}", compiler());
    println!("cargo:rustc-env=PERCEIVE_TARGET={}", variable("TARGET"));
    println!("cargo:rustc-env=PERCEIVE_PROFILE={}", profile());
    println!("cargo:rustc-env=PERCEIVE_FEATURES={}", features());
    leave("code.diff", difference.as_bytes());
    leave("Cargo.lock", &fs::read(in_repository("Cargo.lock")).unwrap_or_default());
}

fn in_repository(path: &str) -> PathBuf {
    Path::new("..").join(path)
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_default()
}

/// A file for the program to include.
fn leave(name: &str, bytes: &[u8]) {
    let path = Path::new(&variable("OUT_DIR")).join(name);
    if let Err(error) = fs::write(&path, bytes) {
        panic!("cannot write {}: {error}", path.display());
    }
}

/// What git prints when it is asked this at the repository's root, whatever it exits with.
fn ask_git(arguments: &[&str]) -> Option<(bool, String)> {
    let mut command = Command::new("git");
    // Looking must not write the index.
    command.current_dir("..").env("GIT_OPTIONAL_LOCKS", "0").args(arguments);
    let output = command.output().ok()?;
    Some((
        output.status.success(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
    ))
}

fn git(arguments: &[&str]) -> Option<String> {
    ask_git(arguments).and_then(|(fine, text)| fine.then(|| text.trim().to_string()))
}

/// The patch from the commit to the sources as they are, new files included; cut at [`CAP`].
fn difference(sources: &[&str]) -> String {
    const PLAIN: [&str; 4] = ["diff", "--no-color", "--no-ext-diff", "--no-textconv"];
    let mut patch =
        ask_git(&[&PLAIN[..], &["HEAD", "--"], sources].concat()).map_or_else(String::new, |(_, text)| text);
    let new = git(&[&["ls-files", "--others", "--exclude-standard", "-z", "--"], sources].concat()).unwrap_or_default();
    for path in new.split('\0').filter(|path| !path.is_empty()) {
        // It exits with 1, since there is a difference.
        if let Some((_, text)) = ask_git(&[&PLAIN[..], &["--no-index", "--", "/dev/null", path]].concat()) {
            patch.push_str(&text);
        }
    }
    if patch.len() > CAP {
        let whole = patch.len();
        let mut hasher = DefaultHasher::new();
        hasher.write(patch.as_bytes());
        let mut end = CAP;
        while !patch.is_char_boundary(end) {
            end -= 1;
        }
        patch.truncate(end);
        patch.push_str(&format!(
            "\n# cut here: the first {end} of {whole} bytes, whole fingerprint {:016x}\n",
            hasher.finish()
        ));
    }
    patch
}

/// Equal for equal names and contents of all source files. The hasher is the same for one version of the compiler, which
/// is recorded too.
fn fingerprint(sources: &[&str]) -> u64 {
    let mut files = Vec::new();
    for path in sources {
        collect(&in_repository(path), &mut files);
    }
    files.sort();
    let mut hasher = DefaultHasher::new();
    for path in files {
        let bytes = fs::read(&path).unwrap_or_default();
        hasher.write(path.to_string_lossy().as_bytes());
        hasher.write_u64(bytes.len() as u64);
        hasher.write(&bytes);
    }
    hasher.finish()
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    match fs::read_dir(path) {
        Ok(entries) => entries.flatten().for_each(|entry| collect(&entry.path(), files)),
        Err(_) => files.push(path.to_path_buf()),
    }
}

fn compiler() -> String {
    let asked = Command::new(variable("RUSTC")).arg("--version").output();
    asked.map_or_else(
        |_| "unknown".to_string(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_string(),
    )
}

/// Such as `release, opt-level 3, -C target-cpu=native`.
fn profile() -> String {
    let flags = variable("CARGO_ENCODED_RUSTFLAGS").replace('\u{1f}', " ");
    let (name, level) = (variable("PROFILE"), variable("OPT_LEVEL"));
    let comma = if flags.is_empty() { "" } else { ", " };
    format!("{name}, opt-level {level}{comma}{flags}")
}

fn features() -> String {
    let names = env::vars().filter_map(|(name, _)| Some(name.strip_prefix("CARGO_FEATURE_")?.to_lowercase()));
    let mut names: Vec<String> = names.collect();
    names.sort();
    names.join(",")
}
