//! Bad company for a process: a small library in C that is loaded into it and misbehaves.

use std::path::PathBuf;
use std::process::Command;

use crate::support::Desk;

/// Bad company, compiled into the desk's folder. `None`, with a word, where there is no C compiler.
pub fn library(desk: &Desk) -> Option<PathBuf> {
    let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/faults/company.c");
    let library = desk.path("company.so");
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&library)
        .arg(source)
        .arg("-ldl")
        .output();
    if compiled.is_ok_and(|output| output.status.success()) {
        return Some(library);
    }
    println!("skipped: no C compiler to make bad company with");
    None
}

/// `perceive-ir ARGUMENTS` in bad company: `PERCEIVE_FAULT` says what its workers do.
pub fn command(desk: &Desk, library: &PathBuf, fault: &str, arguments: &[&str]) -> Command {
    let mut command = desk.command(arguments);
    command.env("LD_PRELOAD", library).env("PERCEIVE_FAULT", fault);
    command
}
