//! Stopping in time although the work does not listen: one training step of a large network may take a minute, and whoever
//! asked it to stop waits ten seconds.
//!
//! Before such a piece of work the stage leaves word how to save what was there before it. Should the wish to stop come
//! and the piece not end soon, the watchdog saves from its own thread and ends the process.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    thread::sleep,
    time::{Duration, Instant},
};

use crate::{
    failure::{Exit, Failure},
    journal::{Event, Journal},
};

/// How long a piece of work may go on after the wish to stop. Most of the ten seconds are left for saving.
const GRACE: Duration = Duration::from_secs(2);

/// How often the watchdog looks.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

pub type Save = Box<dyn FnOnce() -> Result<(), Failure> + Send>;

/// What to do in place of a piece of work that goes on too long: where it stands, and how to save that.
struct Word {
    step: u64,
    save: Save,
}

/// Watches over pieces of work until it is dropped.
pub struct Watchdog {
    /// Filled while a piece of work goes on; whoever holds the lock decides how the process ends.
    word: Arc<Mutex<Option<Word>>>,
}

impl Watchdog {
    /// `journal`: where the end is told.
    pub fn new(stop: Arc<AtomicBool>, journal: &Path) -> Self {
        let word = Arc::new(Mutex::new(None));
        let (watched, journal) = (Arc::downgrade(&word), journal.to_path_buf());
        std::thread::spawn(move || watch(&stop, &watched, journal));
        Self { word }
    }

    /// Does `work`, unless it has to be given up: then this does not return.
    pub fn guard<T>(&self, step: u64, save: Save, work: impl FnOnce() -> T) -> T {
        self.leave(Some(Word { step, save }));
        let done = work();
        self.leave(None);
        done
    }

    /// Waits while the watchdog saves, which ends the process.
    fn leave(&self, word: Option<Word>) {
        *self.word.lock().unwrap_or_else(PoisonError::into_inner) = word;
    }
}

fn watch(stop: &AtomicBool, watched: &Weak<Mutex<Option<Word>>>, journal: PathBuf) {
    let mut asked = None;
    loop {
        sleep(BETWEEN_LOOKS);
        let Some(word) = watched.upgrade() else { return };
        if !stop.load(Ordering::Relaxed) {
            continue;
        }
        if asked.get_or_insert_with(Instant::now).elapsed() < GRACE {
            continue;
        }
        let mut word = word.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(word) = word.take() {
            let exit = end(word, &journal);
            // At once, without tidying up beside threads that are still at work; the lock is held until the very end.
            // SAFETY: ends the process; everything that matters is on the disk.
            unsafe { libc::_exit(exit.code()) };
        }
    }
}

/// Saves and tells. A save that fails is told as the run's failure.
fn end(word: Word, journal: &Path) -> Exit {
    let (event, exit) = match (word.save)() {
        Ok(()) => (Event::Paused { step: word.step }, Exit::Interrupted),
        Err(failure) => {
            let told = Event::Failed {
                reason: failure.with_help(),
                code: failure.exit.code(),
                kind: failure.kind.map(String::from),
            };
            (told, failure.exit)
        }
    };
    match Journal::open(journal).and_then(|mut journal| journal.append(event)) {
        Ok(()) => exit,
        Err(failure) => failure.exit,
    }
}
