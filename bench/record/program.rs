//! The built program as a child process: its wall time, its processor time, its peak memory.

use std::error::Error;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What one call came to.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    pub wall: Duration,
    /// Of all threads together; on a busy machine this is what to compare.
    pub cpu: Duration,
    /// The largest resident set, in bytes.
    pub memory: u64,
}

/// Runs `perceive-ir --quiet --home HOME ARGUMENTS`, throwing its output away.
///
/// # Errors
/// If it cannot be started, or does not succeed.
pub fn run(home: &Path, arguments: &[&str]) -> Result<Cost, Box<dyn Error>> {
    let began = Instant::now();
    let child = Command::new(env!("CARGO_BIN_EXE_perceive-ir"))
        .arg("--quiet")
        .arg("--home")
        .arg(home)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()?;
    // SAFETY: `rusage` is plain numbers, for which zeros are valid.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    let mut status = 0;
    // SAFETY: the child is ours and nobody else waits for it; both places outlive the call.
    let waited = unsafe { libc::wait4(child.id() as libc::pid_t, &raw mut status, 0, &raw mut usage) };
    let wall = began.elapsed();
    if waited < 0 || status != 0 {
        return Err(format!("`perceive-ir {}` failed (status {status})", arguments.join(" ")).into());
    }
    let time = |of: libc::timeval| Duration::from_secs(of.tv_sec as u64) + Duration::from_micros(of.tv_usec as u64);
    Ok(Cost {
        wall,
        cpu: time(usage.ru_utime) + time(usage.ru_stime),
        memory: usage.ru_maxrss as u64 * 1024,
    })
}

/// The median over so many calls, by wall time.
pub fn median(times: usize, mut call: impl FnMut() -> Result<Cost, Box<dyn Error>>) -> Result<Cost, Box<dyn Error>> {
    let mut costs = (0..times.max(1)).map(|_| call()).collect::<Result<Vec<Cost>, _>>()?;
    costs.sort_by_key(|cost| cost.wall);
    Ok(costs[costs.len() / 2])
}
