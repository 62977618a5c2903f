//! What the operating system asks of a process: to stop, to save and make room.

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
