//! Tells the program which commit it was built from, for the record of every run.

use std::process::Command;

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_string())
}

fn main() {
    println!("cargo:rerun-if-changed=../.git/HEAD");
    println!("cargo:rerun-if-changed=../.git/logs/HEAD");
    println!("cargo:rerun-if-changed=src");
    if let Some(commit) = git(&["rev-parse", "HEAD"]) {
        println!("cargo:rustc-env=PERCEIVE_COMMIT={commit}");
        let dirty = git(&["status", "--porcelain"]).is_none_or(|changes| !changes.is_empty());
        println!("cargo:rustc-env=PERCEIVE_DIRTY={dirty}");
    }
}
