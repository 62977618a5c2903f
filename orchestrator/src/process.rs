//! Other processes of this machine: which one a number means, and how much memory it holds.
//!
//! A process number is used again, and the wall clock may jump; boot and start tick together name a process for good.

use std::fs;

use sysinfo::{Pid, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System};

/// What no other process of this machine ever had: the boot it belongs to and its start. `None`: there is no such
/// process, or it waits to be buried.
pub fn identity(pid: u32) -> Option<String> {
    if let Some(identity) = of_linux(pid) {
        return Some(identity);
    }
    let (system, pid) = look(pid);
    let process = system.process(pid)?;
    let ended = matches!(process.status(), ProcessStatus::Zombie | ProcessStatus::Dead);
    (!ended).then(|| process.start_time().to_string())
}

/// Whether the process `pid` is the one that had this [`identity`].
pub fn lives(pid: u32, identity_then: &str) -> bool {
    identity(pid).is_some_and(|now| now == identity_then)
}

/// Bytes of memory that the process holds now.
pub fn memory(pid: u32) -> Option<u64> {
    let (system, pid) = look(pid);
    system.process(pid).map(sysinfo::Process::memory)
}

/// Bytes of memory that could be had now.
pub fn available_memory() -> u64 {
    let mut system = System::new();
    system.refresh_memory();
    system.cgroup_limits().map_or(system.available_memory(), |limits| {
        limits.free_memory.min(system.available_memory())
    })
}

/// How many processes the system has killed for want of memory since it started; 0 where it does not tell.
pub fn kills_for_memory() -> u64 {
    let vmstat = fs::read_to_string("/proc/vmstat").unwrap_or_default();
    let line = vmstat.lines().find_map(|line| line.strip_prefix("oom_kill "));
    line.and_then(|count| count.trim().parse().ok()).unwrap_or(0)
}

fn look(pid: u32) -> (System, Pid) {
    let pid = Pid::from_u32(pid);
    let mut system = System::new();
    let what = ProcessRefreshKind::nothing().with_memory();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, what);
    (system, pid)
}

/// `BOOT/TICK` from /proc, which the wall clock does not touch.
fn of_linux(pid: u32) -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything, spaces and parentheses too.
    let fields: Vec<&str> = stat.get(stat.rfind(')')? + 1..)?.split_whitespace().collect();
    let (state, start) = (fields.first()?, fields.get(19)?);
    (!matches!(*state, "Z" | "X")).then(|| format!("{}/{start}", boot.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_itself_and_nobody_else() {
        let me = std::process::id();
        let mine = identity(me).unwrap();
        assert!(lives(me, &mine));
        let mut other = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let others = identity(other.id()).unwrap();
        assert!(lives(other.id(), &others) && !lives(me, &others) && !lives(other.id(), &mine));
        other.kill().unwrap();
        // Killed and not yet buried counts as gone.
        while lives(other.id(), &others) {
            std::thread::yield_now();
        }
        other.wait().unwrap();
        assert_eq!(identity(other.id()), None);
    }

    #[test]
    fn memory_is_told_of_those_who_live() {
        assert!(memory(std::process::id()).is_some_and(|bytes| bytes > 1 << 20));
        assert!(available_memory() > 1 << 20);
    }
}
