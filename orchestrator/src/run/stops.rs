//! When to stop: Ctrl-C and SIGTERM, once to save and twice for at once; a signal to make room; the time that was given.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use super::interrupted;
use crate::{
    failure::{Exit, Failure},
    signals::{self, SIGINT, SIGTERM},
};

/// What has been asked of this process since it began to listen.
#[derive(Clone, Debug)]
pub struct Stops {
    asked: Arc<AtomicUsize>,
    make_room: Arc<AtomicBool>,
    until: Option<Instant>,
}

/// What to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    GoOn,
    /// Save, stop, and come back when told to.
    Save,
    /// Save and stop to make room; whoever gave the signal runs the same command again.
    MakeRoom,
    /// The time that was given is over.
    TimeOver,
    /// Stop at once.
    AtOnce,
}

impl Stops {
    /// Listens from now on. `room` is the signal to save and make room.
    pub fn listen(room: Option<i32>, time_limit: Option<Duration>) -> Result<Self, Failure> {
        let stops = Self {
            asked: Arc::default(),
            make_room: Arc::default(),
            until: time_limit.map(|limit| Instant::now() + limit),
        };
        for signal in [SIGINT, SIGTERM] {
            let counter = Arc::clone(&stops.asked);
            signals::on(signal, move || {
                counter.fetch_add(1, Ordering::SeqCst);
            })?;
        }
        if let Some(signal) = room {
            let flag = Arc::clone(&stops.make_room);
            signals::on(signal, move || flag.store(true, Ordering::SeqCst))?;
        }
        Ok(stops)
    }

    pub fn wish(&self) -> Wish {
        match self.asked.load(Ordering::SeqCst) {
            0 if self.make_room.load(Ordering::SeqCst) => Wish::MakeRoom,
            0 if self.until.is_some_and(|until| Instant::now() >= until) => Wish::TimeOver,
            0 => Wish::GoOn,
            1 => Wish::Save,
            _ => Wish::AtOnce,
        }
    }
}

impl Wish {
    /// The failure that a command ends with that stopped for this.
    pub fn failure(self) -> Failure {
        let stopped = |why: &str| {
            Failure::new(Exit::Requeue, format!("{why}; everything done so far is kept"))
                .help("run the same command again: it goes on where it stopped")
        };
        match self {
            Self::MakeRoom => stopped("saved and stopped to make room, as the signal asked"),
            Self::TimeOver => stopped("the time limit is over: saved and stopped"),
            _ => interrupted(),
        }
    }

    /// What is told when it comes.
    pub fn words(self) -> &'static str {
        match self {
            Self::GoOn => "going on",
            Self::Save => "stopping: saving state (again to stop at once)",
            Self::MakeRoom => "making room: saving state",
            Self::TimeOver => "the time limit is over: saving state",
            Self::AtOnce => "stopping at once",
        }
    }
}
