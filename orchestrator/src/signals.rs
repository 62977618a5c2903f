//! What the operating system asks of a process: to stop, to save and make room.

use signal_hook::consts::{SIGHUP, SIGUSR1, SIGUSR2};
pub use signal_hook::consts::{SIGINT, SIGTERM};

use crate::failure::{Exit, Failure};

/// Calls `then` whenever `signal` arrives, instead of what the system would do.
///
/// `then` runs inside the signal's handler: it may touch atomics and nothing else.
///
/// # Errors
/// Where the system does not let a process handle `signal`.
pub fn on(signal: i32, then: impl Fn() + Send + Sync + 'static) -> Result<(), Failure> {
    // SAFETY: every caller sets an atomic, which is async-signal-safe.
    unsafe { signal_hook::low_level::register(signal, then) }
        .map(drop)
        .map_err(|error| Failure::new(Exit::Unexpected, format!("cannot listen for signal {signal}: {error}")))
}

/// A signal that may mean "save and make room", by its name with or without SIG.
pub fn named(name: &str) -> Result<i32, String> {
    let known = [("USR1", SIGUSR1), ("USR2", SIGUSR2), ("HUP", SIGHUP), ("TERM", SIGTERM)];
    let upper = name.to_uppercase();
    let plain = upper.strip_prefix("SIG").unwrap_or(&upper);
    let found = known.into_iter().find(|(known, _)| *known == plain);
    found
        .map(|(_, signal)| signal)
        .ok_or_else(|| format!("{name:?} is no signal to save on; USR1, USR2, HUP and TERM are"))
}
