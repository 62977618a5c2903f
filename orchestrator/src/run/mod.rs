//! Doing what is asked for: every job that is not done yet becomes a run, a child process with a journal of its own.
//!
//! What people ask for waits in the [`queue`]. Whoever holds the home's lock serves it ([`server`]): it alone writes runs
//! into the database. Everybody else follows ([`follow`]) and takes over should the server go. The [`board`] knows the
//! order of jobs, [`slots`] the devices, an [`attempt`] attends one worker. A run that is killed leaves its journal and
//! its saved state; the next server imports the one and goes on from the other.

mod attempt;
pub mod board;
mod ending;
mod follow;
mod intake;
mod log;
pub mod manifest;
pub mod median;
pub mod queue;
mod server;
mod slots;
mod stops;
mod story;
mod takeover;
mod watch;
pub mod worker;

use std::time::Duration;

use crate::{
    device::DeviceGroup,
    failure::{Exit, Failure},
    home::Home,
    show::Talk,
};

pub use follow::{fulfil, leave};
pub use server::{make_one, serve_all};
pub use stops::Stops;
pub use takeover::take_over;
pub use watch::Limits;

/// How often a journal, or a process that is about to end, is looked at.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// How a server works. None of this can change a result.
#[derive(Clone, Debug)]
pub struct Manner {
    /// A slot each: one device, or several that work on one run together.
    pub devices: Vec<DeviceGroup>,
    /// Jobs at once on each device.
    pub jobs: usize,
    /// How often what may pass is tried again.
    pub retries: u32,
    /// The wait before the first retry; it doubles with every other.
    pub back_off: Duration,
    /// Trainings pause after so many steps.
    pub step_limit: Option<u64>,
    pub limits: Limits,
    pub prune: Option<median::Rule>,
    pub talk: Talk,
}

impl Manner {
    /// One job at a time on `device`, everything else as people get it who say nothing.
    pub fn plain(device: DeviceGroup, talk: Talk) -> Self {
        Self {
            devices: vec![device],
            jobs: 1,
            retries: 2,
            back_off: Duration::from_secs(1),
            step_limit: None,
            limits: Limits {
                memory: None,
                silence: Duration::from_hours(1),
                grace: Duration::from_secs(10),
            },
            prune: None,
            talk,
        }
    }
}

/// The failure of a command that was asked to stop.
fn interrupted() -> Failure {
    Failure::new(Exit::Interrupted, "stopped as asked; everything done so far is kept")
        .help("run the same command again: it goes on where it stopped")
}

/// Bytes of all files of an artefact.
fn size_of(home: &Home, key: &str) -> u64 {
    let files = walkdir::WalkDir::new(home.artefact(key)).into_iter().flatten();
    let sizes = files.filter_map(|entry| entry.metadata().ok());
    sizes
        .filter(std::fs::Metadata::is_file)
        .map(|metadata| metadata.len())
        .sum()
}
