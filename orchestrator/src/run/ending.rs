//! How a run ended: its state, the cause in one word, and whether trying again may help.

use std::{os::unix::process::ExitStatusExt, path::Path, process::ExitStatus};

use super::interrupted;
use crate::{
    database::runs::RunState,
    failure::{Exit, Failure},
};

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// By itself, and well.
    Done,
    /// It was asked to stop.
    Asked,
    /// With an error of its own.
    Exit,
    /// A loss was not finite.
    NotFinite,
    /// A loss grew without bound.
    Diverged,
    /// Somebody's signal.
    Signal,
    /// The system ended it for want of memory, or it went over its limit.
    OutOfMemory,
    /// It did nothing for too long.
    Hung,
    /// The median of the other cases was better.
    Pruned,
}

impl Cause {
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Asked => "asked",
            Self::Exit => "exit",
            Self::NotFinite => "not-finite",
            Self::Diverged => "diverged",
            Self::Signal => "signal",
            Self::OutOfMemory => "out-of-memory",
            Self::Hung => "hung",
            Self::Pruned => "pruned",
        }
    }

    /// The cause that a worker's own journal names.
    pub fn told(word: Option<&str>) -> Self {
        match word {
            Some("not-finite") => Self::NotFinite,
            Some("diverged") => Self::Diverged,
            _ => Self::Exit,
        }
    }

    /// Whether another attempt may end otherwise: what the machine did to the run may pass, what the run did will not.
    pub fn may_pass(self, exit: Exit) -> bool {
        match self {
            Self::Signal | Self::OutOfMemory | Self::Hung => true,
            Self::Exit => exit == Exit::Database,
            _ => false,
        }
    }
}

/// How one attempt ended.
#[derive(Debug)]
pub struct Ended {
    pub cause: Cause,
    /// `None`: the artefact is whole.
    pub failure: Option<Failure>,
    pub code: Option<i32>,
}

impl Ended {
    pub fn state(&self) -> RunState {
        match (&self.failure, self.cause) {
            (None, _) => RunState::Done,
            (_, Cause::Asked) => RunState::Paused,
            (_, Cause::Pruned) => RunState::Cancelled,
            _ => RunState::Failed,
        }
    }

    pub fn may_pass(&self) -> bool {
        self.failure
            .as_ref()
            .is_some_and(|failure| self.cause.may_pass(failure.exit))
    }
}

/// The last word of a journal that tells of a failure.
#[derive(Clone, Debug, PartialEq)]
pub struct LastWord {
    pub reason: String,
    pub code: i32,
    pub kind: Option<String>,
}

/// Reads how a worker ended from its status, its journal's last word and its output.
///
/// `why` is what the orchestrator itself ended it for; `short` tells whether the system has killed something for want of
/// memory meanwhile.
pub fn read(
    status: ExitStatus,
    word: Option<LastWord>,
    why: Option<(Cause, String)>,
    short: bool,
    log: &Path,
) -> Ended {
    let code = status.code();
    let ended = |cause, failure| Ended { cause, failure, code };
    // A worker ends well only behind its journal's last word, `Done`.
    if status.success() {
        return ended(Cause::Done, None);
    }
    match why {
        Some((Cause::Asked, _)) => return ended(Cause::Asked, Some(interrupted())),
        Some((cause, words)) => return ended(cause, Some(Failure::new(Exit::Run, words))),
        None => {}
    }
    if code == Some(Exit::Interrupted.code()) {
        return ended(Cause::Asked, Some(interrupted()));
    }
    if let Some(LastWord { reason, code, kind }) = word {
        let cause = Cause::told(kind.as_deref());
        let (reason, help) = match reason.split_once("\nhint: ") {
            Some((reason, help)) => (reason.to_string(), Some(help.to_string())),
            None => (reason, None),
        };
        let failure = Failure::new(Exit::from_code(code), reason);
        return ended(
            cause,
            Some(match help {
                Some(help) => failure.help(help),
                None => failure,
            }),
        );
    }
    let text = std::fs::read_to_string(log).unwrap_or_default();
    if code == Some(Exit::Disk.code()) {
        // Not even the journal could be written.
        let told = text.lines().rev().find_map(|line| line.strip_prefix("error: "));
        let failure = Failure::new(Exit::Disk, told.unwrap_or("cannot write the journal: the disk is full"));
        return ended(
            Cause::Exit,
            Some(failure.help(
                "free some space (`perceive-ir runs gc`) and run the same command again: it goes on where it stopped",
            )),
        );
    }
    let (cause, how) = match (code, status.signal()) {
        (_, Some(libc::SIGKILL)) if short => (Cause::OutOfMemory, "was killed for want of memory".to_string()),
        (_, Some(libc::SIGKILL)) => (
            Cause::Signal,
            "was killed (signal 9): by somebody, or for want of memory".to_string(),
        ),
        (_, Some(signal)) => (Cause::Signal, format!("was ended by signal {signal}")),
        (Some(code), _) => (Cause::Exit, format!("ended with exit code {code}")),
        (None, None) => (Cause::Exit, "ended".to_string()),
    };
    let last = text
        .lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .map(|line| format!(": {line}"));
    let failure = Failure::new(Exit::Run, format!("the worker {how}{}", last.unwrap_or_default()));
    let help = format!(
        "its output is in {}; run the same command again to go on",
        log.display()
    );
    ended(cause, Some(failure.help(help)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nowhere() -> &'static Path {
        Path::new("/nowhere/output.log")
    }

    fn word(code: i32, kind: Option<&str>) -> LastWord {
        LastWord {
            reason: "the loss became NaN\nhint: lower it".into(),
            code,
            kind: kind.map(String::from),
        }
    }

    #[test]
    fn each_way_to_end_has_its_state_and_cause() {
        let status = ExitStatus::from_raw;
        let (exit_9, exit_130, killed) = (9 << 8, 130 << 8, libc::SIGKILL);
        let read = |raw, word, why, short| {
            let ended = super::read(status(raw), word, why, short, nowhere());
            (ended.state(), ended.cause, ended.may_pass())
        };
        let asked = Some((Cause::Asked, String::new()));
        let hung = Some((Cause::Hung, "it hung".to_string()));
        assert_eq!(read(0, None, None, false), (RunState::Done, Cause::Done, false));
        assert_eq!(
            read(exit_130, None, None, false),
            (RunState::Paused, Cause::Asked, false)
        );
        assert_eq!(
            read(killed, None, asked, false),
            (RunState::Paused, Cause::Asked, false)
        );
        assert_eq!(read(killed, None, hung, false), (RunState::Failed, Cause::Hung, true));
        assert_eq!(read(killed, None, None, false), (RunState::Failed, Cause::Signal, true));
        assert_eq!(
            read(killed, None, None, true),
            (RunState::Failed, Cause::OutOfMemory, true)
        );
        assert_eq!(
            read(exit_9, Some(word(9, Some("not-finite"))), None, false),
            (RunState::Failed, Cause::NotFinite, false)
        );
        assert_eq!(
            read(7 << 8, Some(word(7, None)), None, false),
            (RunState::Failed, Cause::Exit, true)
        );
        assert_eq!(
            read(5 << 8, Some(word(5, None)), None, false),
            (RunState::Failed, Cause::Exit, false)
        );
    }

    #[test]
    fn the_workers_own_words_and_hint_are_passed_on() {
        let ended = read(
            ExitStatus::from_raw(9 << 8),
            Some(word(9, None)),
            None,
            false,
            nowhere(),
        );
        let failure = ended.failure.unwrap();
        assert_eq!(
            (failure.exit, failure.message.as_str()),
            (Exit::Training, "the loss became NaN")
        );
        assert_eq!(failure.help.as_deref(), Some("lower it"));
    }
}
