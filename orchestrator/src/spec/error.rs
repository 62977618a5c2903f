//! What can be wrong with `experiments.toml` or a setting from the command line: file, line, and the nearest right name.

use std::{ops::Range, path::Path};

use miette::{Diagnostic, NamedSource, SourceSpan};

use super::size::Size;
use crate::failure::nearest;

/// One clear message, pointing at the line where there is one.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{message}")]
pub struct SpecError {
    message: String,
    #[source_code]
    source_code: Option<NamedSource<String>>,
    #[label("{label}")]
    span: Option<SourceSpan>,
    label: String,
    #[help]
    help: Option<String>,
    /// Whether the fault is a name that does not exist rather than a fault in the file.
    pub unknown_name: bool,
}

impl SpecError {
    fn new(message: String) -> Self {
        Self {
            message,
            source_code: None,
            span: None,
            label: "here".into(),
            help: None,
            unknown_name: false,
        }
    }

    fn at(mut self, path: &Path, text: &str, span: Option<Range<usize>>) -> Self {
        let Some(span) = span else { return self };
        let before = &text[..span.start.min(text.len())];
        let line = before.matches('\n').count() + 1;
        let column = before.len() - before.rfind('\n').map_or(0, |at| at + 1) + 1;
        self.message = format!("{}:{line}:{column}: {}", path.display(), self.message);
        self.source_code = Some(NamedSource::new(path.display().to_string(), text.to_string()));
        self.span = Some(span.into());
        self
    }

    fn help(mut self, help: Option<String>) -> Self {
        self.help = help;
        self
    }

    pub(super) fn read(path: &Path, source: std::io::Error) -> Self {
        Self::new(format!("cannot read {}: {source}", path.display())).help(Some(
            "name the file with --experiments-file FILE, or leave it out to use the shipped experiments".into(),
        ))
    }

    pub(super) fn toml(path: &Path, text: &str, error: &toml::de::Error) -> Self {
        let message = error.message().lines().next().unwrap_or("not valid TOML").to_string();
        let help = nearest_of_expected(&message);
        Self::new(message).help(help).at(path, text, error.span())
    }

    pub(super) fn set(sets: &[String], error: &toml::de::Error) -> Self {
        let message = error.message().lines().next().unwrap_or("impossible").to_string();
        let help = nearest_of_expected(&message);
        let origin = sets
            .iter()
            .map(|set| format!("--set {set}"))
            .collect::<Vec<_>>()
            .join(" ");
        Self::new(format!("{origin}: {message}")).help(help)
    }

    pub(super) fn set_form(text: &str) -> Self {
        Self::new(format!("--set {text}: not of the form key=value"))
            .help(Some("for example --set restore.loss.clip_aware=0.1".into()))
    }

    pub(super) fn preset(scale: Size, error: &toml::de::Error) -> Self {
        Self::new(format!("the preset of scale {scale}: {}", error.message()))
    }

    pub(super) fn unknown_experiment(name: &str, path: &Path, names: &[&str]) -> Self {
        let mut error = Self::new(format!("no experiment {name:?} in {}", path.display()));
        error.help = Some(match nearest(name, names.iter().copied()) {
            Some(near) => format!("did you mean {near:?}? There are: {}", names.join(", ")),
            None => format!("there are: {}", names.join(", ")),
        });
        error.unknown_name = true;
        error
    }

    pub(super) fn impossible_set(set: &str, experiment: &str, key: &str, what: &str) -> Self {
        Self::new(format!("--set {set}: experiment {experiment}: {key}: {what}"))
    }

    pub(super) fn impossible(
        experiment: &str,
        key: &str,
        what: &str,
        path: &Path,
        text: &str,
        span: Option<Range<usize>>,
    ) -> Self {
        Self::new(format!("experiment {experiment}: {key}: {what}")).at(path, text, span)
    }
}

/// "unknown field `stpes`, expected one of `steps`, `batch`" names the key and the candidates: pick the nearest.
fn nearest_of_expected(message: &str) -> Option<String> {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let wrong = quoted.next()?;
    if !message.starts_with("unknown") {
        return None;
    }
    let candidates: Vec<&str> = quoted.collect();
    nearest(wrong, candidates.iter().copied()).map(|near| format!("did you mean `{near}`?"))
}
