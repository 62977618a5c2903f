//! The language as a whole: what it means, what it says when something is wrong, and what holds for any file.

mod language;
mod outside;
mod properties;
mod schema;
mod wrong;

use std::path::Path;

use super::files::Book;
use super::*;

fn file(text: &str) -> Result<SpecFile, SpecError> {
    SpecFile::of(Book::of(Path::new("experiments.toml"), text.to_string())?).well_formed()
}

/// All cases of an experiment, or the message of what is wrong.
fn cases(text: &str, name: &str) -> Result<Vec<Case>, String> {
    cases_with(text, name, &Outside::default())
}

fn cases_with(text: &str, name: &str, outside: &Outside) -> Result<Vec<Case>, String> {
    let told = |error: SpecError| match miette::Diagnostic::help(&error) {
        Some(help) => format!("{error} | {help}"),
        None => error.to_string(),
    };
    file(text).and_then(|file| file.cases(name, outside)).map_err(told)
}

fn names(cases: &[Case]) -> Vec<&str> {
    cases.iter().map(|case| case.name.as_str()).collect()
}

fn sets(sets: &[&str]) -> Outside {
    Outside {
        sets: sets.iter().copied().map(String::from).collect(),
        ..Outside::default()
    }
}

/// An abstract experiment `few` on rendered scenes, which can be extended to be run.
const FEW: &str = r#"
[experiment.few]
abstract = true
towers = "stand-in"
scale = "tiny"
train = [{ dataset = "scenes", count = 4, size = 64, degradations = [{ kind = "noise", sigma = 25 }] }]
test = [{ dataset = "scenes", count = 2, size = 64, degradations = [{ kind = "haze" }] }]
"#;

/// The text after [`FEW`].
fn few(text: &str) -> String {
    format!("{FEW}{text}")
}
