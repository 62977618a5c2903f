//! How a fault of the settings is told: file, line, column, and the nearest right name.

use std::path::{Path, PathBuf};

use miette::{Diagnostic, NamedSource, SourceSpan};

use super::fault::Fault;
use super::tree::Origin;

/// One clear message, pointing at the line where there is one; and the others, where several things are wrong.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{message}")]
pub struct SpecError {
    message: String,
    #[source_code]
    source_code: Option<NamedSource<String>>,
    #[label("here")]
    span: Option<SourceSpan>,
    #[help]
    help: Option<String>,
    #[related]
    others: Vec<SpecError>,
    /// Whether the fault is a name that does not exist rather than a fault in the file.
    pub unknown_name: bool,
}

/// One file, as it was read.
#[derive(Debug)]
pub struct Source {
    pub path: PathBuf,
    pub text: String,
}

/// All that settings can be written in: what an [`Origin`] points into.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    pub files: &'a [Source],
    pub sets: &'a [String],
}

impl SpecError {
    pub(super) fn read(path: &Path, source: &std::io::Error) -> Self {
        Self {
            message: format!("cannot read {}: {source}", path.display()),
            source_code: None,
            span: None,
            help: Some(
                "name the file with --experiments-file FILE, or leave it out to use the shipped experiments".into(),
            ),
            others: Vec::new(),
            unknown_name: false,
        }
    }
}

impl Sources<'_> {
    /// The fault in words.
    pub fn tell(&self, fault: &Fault) -> SpecError {
        let mut error = SpecError {
            message: fault.message.clone(),
            source_code: None,
            span: None,
            help: fault.help(),
            others: Vec::new(),
            unknown_name: fault.unknown_name,
        };
        let Some(origin) = fault.at else { return error };
        error.message = format!("{}: {}", self.place(origin, true), fault.message);
        if let Origin::File { file, start, end } = origin
            && let Some(source) = self.files.get(file as usize)
        {
            error.source_code = Some(NamedSource::new(source.path.display().to_string(), source.text.clone()));
            error.span = Some((start as usize..end as usize).into());
        }
        error
    }

    /// All faults as one error, each of them once; `None` where there are none.
    pub fn tell_all(&self, faults: &[Fault]) -> Option<SpecError> {
        let fresh = faults.iter().enumerate();
        let mut fresh = fresh.filter(|(at, fault)| !faults[..*at].contains(fault));
        let (_, first) = fresh.next()?;
        Some(SpecError {
            others: fresh.map(|(_, fault)| self.tell(fault)).collect(),
            ..self.tell(first)
        })
    }

    /// `experiments.toml:12` (with the column where it is asked for), `scale tiny`, `--set KEY=VALUE`.
    pub fn place(&self, origin: Origin, column: bool) -> String {
        match origin {
            Origin::Preset(scale) => format!("scale {scale}"),
            Origin::Set(index) => match self.sets.get(index as usize) {
                Some(set) => format!("--set {set}"),
                None => "--set".into(),
            },
            Origin::File { file, start, .. } => match self.files.get(file as usize) {
                Some(Source { path, text }) => {
                    let before = text.get(..start as usize).unwrap_or(text);
                    let line = before.matches('\n').count() + 1;
                    let place = format!("{}:{line}", path.display());
                    if column {
                        let start = before.rfind('\n').map_or(0, |at| at + 1);
                        format!("{place}:{}", before[start..].chars().count() + 1)
                    } else {
                        place
                    }
                }
                None => "a file".into(),
            },
        }
    }
}
