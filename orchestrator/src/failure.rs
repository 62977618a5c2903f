//! The program's error at the command line: an exit code, what is wrong, and what to do about it.
//!
//! Everything below the commands has typed errors of its own; they become a [`Failure`] at the edge, and `main` renders
//! it once, on stderr. Exit codes are part of the interface: scripts may rely on them.

use std::fmt::{self, Write as _};
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::process::ExitCode;

use miette::{Diagnostic, GraphicalReportHandler, LabeledSpan, SourceCode};
use perceive_datasets::batch::BatchError;
use perceive_datasets::picture::PictureError;
use perceive_model::metric::MetricError;
use perceive_model::network::ConfigError;

use crate::spec::SpecError;

/// Exit codes of `perceive-ir`, workers included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    Fine = 0,
    /// A fault of the program, or of the machine in a way that nobody foresaw.
    Unexpected = 1,
    /// The command line is wrong (clap uses the same code).
    Usage = 2,
    /// `experiments.toml` is wrong.
    Spec = 3,
    /// No experiment, dataset, run, device, ... of that name.
    Unknown = 4,
    /// Pictures: missing, broken, of odd sizes, of no known dataset.
    Pictures = 5,
    /// Weights: not installed, not to be fetched, not what was published, or with missing, extra or misshapen tensors.
    Weights = 6,
    /// The database, or the home: newer than the program, locked by another program, damaged.
    Database = 7,
    /// The disk: full, read-only, unwritable.
    Disk = 8,
    /// Training stopped: a loss became NaN or diverged.
    Training = 9,
    /// A run failed for another reason.
    Run = 10,
    /// Saved and stopped before the end, by a signal to make room or by the time limit: run the same command again.
    Requeue = 75,
    /// `runs reproduce`: it ran again, and its numbers are others.
    Different = 20,
    /// Ctrl-C; the state is kept.
    Interrupted = 130,
}

impl Exit {
    const ALL: [Self; 14] = [
        Self::Fine,
        Self::Unexpected,
        Self::Usage,
        Self::Spec,
        Self::Unknown,
        Self::Pictures,
        Self::Weights,
        Self::Database,
        Self::Disk,
        Self::Training,
        Self::Run,
        Self::Requeue,
        Self::Different,
        Self::Interrupted,
    ];

    /// The meaning of a worker's exit code; a code that is none of ours is [`Exit::Unexpected`].
    pub fn from_code(code: i32) -> Self {
        let meaning = Self::ALL.into_iter().find(|exit| i32::from(*exit as u8) == code);
        meaning.unwrap_or(Self::Unexpected)
    }

    /// The number that the process exits with.
    pub fn code(self) -> i32 {
        i32::from(self as u8)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command could not do what it was asked to.
#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    /// One line: what, where, why.
    pub message: String,
    /// What to do, where there is something to do.
    pub help: Option<String>,
    /// A word for programs that decide what to do about it, such as `diverged`.
    pub kind: Option<&'static str>,
    /// A diagnostic that points into a file; its own message, help and labels are shown instead.
    pub pointer: Option<Box<dyn Diagnostic + Send + Sync>>,
}

impl Failure {
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            help: None,
            kind: None,
            pointer: None,
        }
    }

    /// The same failure with what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same failure with a word for programs.
    #[must_use]
    pub fn kind(mut self, kind: &'static str) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Message and hint in one text, as a worker's journal carries them to the orchestrator.
    pub fn with_help(&self) -> String {
        match &self.help {
            Some(help) => format!("{}\nhint: {help}", self.message),
            None => self.message.clone(),
        }
    }

    /// A failure shown as `diagnostic` shows itself (the line of a TOML file, say).
    pub fn pointing(exit: Exit, diagnostic: impl Diagnostic + Send + Sync + 'static) -> Self {
        let message = diagnostic.to_string();
        Self {
            exit,
            message,
            help: None,
            kind: None,
            pointer: Some(Box::new(diagnostic)),
        }
    }

    /// There is no `kind` (`"dataset"`) called `name`: names the nearest of `candidates`, or all of them.
    pub fn unknown<'a>(kind: &str, name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Self {
        let candidates: Vec<&str> = candidates.into_iter().collect();
        let failure = Self::new(Exit::Unknown, format!("there is no {kind} called '{name}'"));
        if let Some(near) = nearest(name, candidates.iter().copied()) {
            failure.help(format!("did you mean '{near}'?"))
        } else if candidates.is_empty() {
            failure.help("there are none yet")
        } else {
            failure.help(format!("known: {}", candidates.join(", ")))
        }
    }

    /// An input or output error at a named place (`"cannot write runs/x"`).
    pub fn io(doing: impl fmt::Display, error: &io::Error) -> Self {
        let failure = Self::new(exit_of_io(error.kind()), format!("{doing}: {}", plain(error)));
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => failure.help(
                "free some space (`perceive-ir runs rm`) and run the same command again: it goes on where it stopped",
            ),
            ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => {
                failure.help("choose a folder that you may write to with --home DIR or PERCEIVE_HOME")
            }
            _ => failure,
        }
    }

    /// Writes the failure to stderr (framed on a terminal, plain lines elsewhere) and returns the exit code.
    pub fn report(&self) -> ExitCode {
        let stderr = io::stderr();
        let text = self.render(stderr.is_terminal());
        // Nothing is left to tell if stderr is closed.
        let _ = stderr.lock().write_all(text.as_bytes());
        self.exit.into()
    }

    fn render(&self, terminal: bool) -> String {
        let mut text = String::new();
        let framed = terminal && std::env::var_os("NO_GRAPHICS").is_none();
        let written = if framed {
            GraphicalReportHandler::new().render_report(&mut text, self)
        } else {
            write_lines(&mut text, self)
        };
        match written {
            Ok(()) => text,
            Err(fmt::Error) => format!("error: {}\n", self.message),
        }
    }
}

/// A diagnostic and those that come with it, each with its hint.
fn write_lines(text: &mut String, diagnostic: &dyn Diagnostic) -> fmt::Result {
    writeln!(text, "error: {diagnostic}")?;
    if let Some(help) = diagnostic.help() {
        writeln!(text, "hint: {help}")?;
    }
    let mut others = diagnostic.related().into_iter().flatten();
    others.try_for_each(|other| write_lines(text, other))
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl Diagnostic for Failure {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        match (&self.help, &self.pointer) {
            (Some(help), _) => Some(Box::new(help)),
            (None, Some(pointer)) => pointer.help(),
            (None, None) => None,
        }
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.pointer.as_ref()?.source_code()
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.pointer.as_ref()?.labels()
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        self.pointer.as_ref()?.related()
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::io("input or output failed", &error)
    }
}

impl From<SpecError> for Failure {
    fn from(error: SpecError) -> Self {
        Self::pointing(if error.unknown_name { Exit::Unknown } else { Exit::Spec }, error)
    }
}

impl From<BatchError> for Failure {
    fn from(error: BatchError) -> Self {
        match error {
            BatchError::Picture { source } => source.into(),
            error => Self::new(Exit::Pictures, error.to_string()),
        }
    }
}

impl From<MetricError> for Failure {
    fn from(error: MetricError) -> Self {
        Self::new(Exit::Pictures, error.to_string())
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::new(Exit::Spec, error.to_string())
    }
}

impl From<PictureError> for Failure {
    fn from(error: PictureError) -> Self {
        match error {
            PictureError::Write { path, source } => Self::io(format!("cannot write {}", path.display()), &source),
            broken => Self::new(Exit::Pictures, broken.to_string())
                .help("`perceive-ir data verify` lists every picture that cannot be read; fetch those again"),
        }
    }
}

/// A picture of the user's own that cannot be read, of which `data verify` knows nothing.
pub fn own_picture(error: PictureError) -> Failure {
    Failure::from(error)
        .help("it is broken or of another format (PNG, JPEG, BMP, TIFF and WebP are read): save or fetch it anew")
}

/// The candidate that `name` was probably meant to be: the same letters in another case, or nearly the same spelling.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    /// Below this Jaro-Winkler similarity two names have little in common.
    const ALIKE: f64 = 0.8;
    let name = name.to_lowercase();
    let scored = candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&name, &candidate.to_lowercase()), candidate));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 >= ALIKE).then_some(best.1)
}

fn exit_of_io(kind: ErrorKind) -> Exit {
    match kind {
        ErrorKind::StorageFull
        | ErrorKind::QuotaExceeded
        | ErrorKind::ReadOnlyFilesystem
        | ErrorKind::PermissionDenied
        | ErrorKind::NotADirectory
        | ErrorKind::FileTooLarge => Exit::Disk,
        _ => Exit::Unexpected,
    }
}

/// The system's words without `(os error 28)`.
pub fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_string(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_ignores_case_and_survives_a_slip() {
        let known = ["Rain100L", "GoPro", "CBSD68"];
        assert_eq!(nearest("rain100l", known), Some("Rain100L"));
        assert_eq!(nearest("Rian100L", known), Some("Rain100L"));
        assert_eq!(nearest("gopo", known), Some("GoPro"));
        assert_eq!(nearest("kodak", known), None);
    }

    #[test]
    fn an_unknown_name_tells_what_there_is() {
        let near = Failure::unknown("dataset", "Godak24", ["Kodak24", "WED"]);
        assert_eq!(near.exit, Exit::Unknown);
        assert_eq!(
            near.render(false),
            "error: there is no dataset called 'Godak24'\nhint: did you mean 'Kodak24'?\n"
        );
        let far = Failure::unknown("dataset", "moon", ["Kodak24", "WED"]);
        assert_eq!(
            far.render(false),
            "error: there is no dataset called 'moon'\nhint: known: Kodak24, WED\n"
        );
        let none = Failure::unknown("dataset", "moon", []);
        assert!(none.render(false).ends_with("hint: there are none yet\n"));
    }

    #[test]
    fn a_full_disk_has_its_own_exit_code_and_says_so() {
        let failure = Failure::from(io::Error::from(ErrorKind::StorageFull));
        assert_eq!(failure.exit, Exit::Disk);
        assert!(failure.render(false).contains("free some space"));
        let raw = Failure::io("cannot write a/b", &io::Error::from_raw_os_error(libc::ENOSPC));
        assert_eq!(raw.exit, Exit::Disk);
        assert_eq!(raw.to_string(), "cannot write a/b: No space left on device");
    }

    #[test]
    fn a_pointed_failure_shows_the_line_that_is_wrong() {
        let diagnostic = miette::MietteDiagnostic::new("unknown key 'lambda9'").with_help("did you mean 'lambda2'?");
        let shown = Failure::pointing(Exit::Spec, diagnostic);
        for terminal in [false, true] {
            let text = shown.render(terminal);
            assert!(text.contains("unknown key 'lambda9'"), "{text}");
            assert!(text.contains("did you mean 'lambda2'?"), "{text}");
        }
    }

    #[test]
    fn exit_codes_survive_the_trip_through_a_worker() {
        for exit in Exit::ALL {
            assert_eq!(Exit::from_code(exit.code()), exit);
        }
        assert_eq!(Exit::from_code(101), Exit::Unexpected);
    }
}
