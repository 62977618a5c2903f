//! One line of the doctor's report.

use crate::failure::{Exit, Failure};

/// How a thing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Ok,
    /// Worth knowing; the main job works without it.
    Note,
    /// The main job cannot be done like this.
    Problem,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Problem => "problem",
        }
    }
}

/// What was looked at, how it stands, and what to do about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub what: String,
    pub state: State,
    pub found: String,
    /// Empty where there is nothing to do.
    pub to_do: String,
    /// For a problem: what a command that meets it exits with.
    pub exit: Exit,
}

/// What could not even be looked at, as a problem.
pub fn of_failure(what: &str, failure: &Failure) -> Finding {
    let to_do = miette::Diagnostic::help(failure).map(|help| help.to_string());
    Finding::problem(failure.exit, what, failure.to_string(), to_do.unwrap_or_default())
}

impl Finding {
    pub fn ok(what: impl Into<String>, found: impl Into<String>) -> Self {
        Self::new(State::Ok, what, found, "")
    }

    pub fn note(what: impl Into<String>, found: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self::new(State::Note, what, found, to_do)
    }

    pub fn problem(exit: Exit, what: impl Into<String>, found: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self {
            exit,
            ..Self::new(State::Problem, what, found, to_do)
        }
    }

    fn new(state: State, what: impl Into<String>, found: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            state,
            found: found.into(),
            to_do: to_do.into(),
            exit: Exit::Fine,
        }
    }
}
