//! What the machine has: devices, threads, vector instructions, memory, disk.

use std::path::Path;

use sysinfo::System;

use super::finding::Finding;
use crate::device::DeviceName;
use crate::disk::free_space;
use crate::failure::Exit;

const GIB: f64 = (1u64 << 30) as f64;

/// What the quickstart needs, in bytes of memory and of disk.
const MEMORY: u64 = 3 << 30;
const DISK: u64 = 1 << 30;

pub fn findings(home: &Path) -> Vec<Finding> {
    vec![devices(), threads(), simd(), memory(), disk(home)]
}

fn devices() -> Finding {
    let offered = DeviceName::offered();
    let names: Vec<String> = offered.iter().map(ToString::to_string).collect();
    if offered.iter().any(|device| matches!(device, DeviceName::Cuda(_))) {
        return Finding::ok("devices", names.join(", "));
    }
    Finding::note(
        "devices",
        format!("{}; built without CUDA", names.join(", ")),
        "nothing for quickstart and the small experiments; the paper's sizes would take months on a CPU",
    )
}

fn threads() -> Finding {
    match std::thread::available_parallelism() {
        Ok(count) => Finding::ok("threads", count.to_string()),
        Err(error) => Finding::note(
            "threads",
            format!("unknown ({error}); one is used"),
            "set RAYON_NUM_THREADS",
        ),
    }
}

fn simd() -> Finding {
    match best_vectors() {
        Some(name) => Finding::ok("vector instructions", name),
        None => Finding::note(
            "vector instructions",
            "none that this program knows: plain code is used",
            "expect trainings to take several times longer than stated",
        ),
    }
}

/// The widest vector instructions that the program's own operations make use of.
#[cfg(target_arch = "x86_64")]
fn best_vectors() -> Option<&'static str> {
    if is_x86_feature_detected!("avx512f") {
        Some("AVX-512")
    } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        Some("AVX2 with FMA")
    } else {
        None
    }
}

#[cfg(target_arch = "aarch64")]
fn best_vectors() -> Option<&'static str> {
    Some("NEON")
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn best_vectors() -> Option<&'static str> {
    None
}

fn memory() -> Finding {
    let mut system = System::new();
    system.refresh_memory();
    // A container may have less than its machine.
    let (total, free) = match system.cgroup_limits() {
        Some(limits) if limits.total_memory > 0 => (
            limits.total_memory.min(system.total_memory()),
            limits.free_memory.min(system.available_memory()),
        ),
        _ => (system.total_memory(), system.available_memory()),
    };
    let found = format!("{:.1} GiB, {:.1} GiB of it free", total as f64 / GIB, free as f64 / GIB);
    if free >= MEMORY {
        Finding::ok("memory", found)
    } else {
        Finding::note(
            "memory",
            found,
            "the quickstart needs about 3 GiB: close other programs",
        )
    }
}

fn disk(home: &Path) -> Finding {
    let Some(free) = free_space(home) else {
        return Finding::note("disk", format!("the free space at {} is unknown", home.display()), "");
    };
    let found = format!("{:.1} GiB free for {}", free as f64 / GIB, home.display());
    if free >= DISK {
        Finding::ok("disk", found)
    } else {
        Finding::problem(
            Exit::Disk,
            "disk",
            found,
            "a run needs about 1 GiB: free some, or use another disk with --home DIR",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_space_of_a_folder_that_is_not_there_yet_is_its_parents() {
        let folder = tempfile::tempdir().unwrap();
        assert!(free_space(&folder.path().join("not/there/yet")).is_some_and(|bytes| bytes > 0));
    }

    #[test]
    fn a_machine_is_described_in_full() {
        let folder = tempfile::tempdir().unwrap();
        let what: Vec<String> = findings(folder.path())
            .into_iter()
            .map(|finding| finding.what)
            .collect();
        assert_eq!(what, ["devices", "threads", "vector instructions", "memory", "disk"]);
    }
}
