//! What the machine has: devices, threads, vector instructions, memory, disk.

use std::path::Path;

use sysinfo::System;

use super::finding::Finding;
use crate::device::{Cuda, DeviceName, Missing};
use crate::disk::free_space;
use crate::failure::Exit;
use crate::show::bytes;

/// What the quickstart needs, in bytes of memory and of disk.
const MEMORY: u64 = 3_000_000_000;
const DISK: u64 = 1_000_000_000;

pub fn findings(home: &Path) -> Vec<Finding> {
    let mut findings = devices(&Cuda::look());
    findings.extend([threads(), simd(), memory(), disk(home)]);
    findings
}

/// The devices, and a line for each thing that GPUs still need.
fn devices(cuda: &Cuda) -> Vec<Finding> {
    let gpus = cuda.gpus().unwrap_or(0);
    let names: Vec<String> = [DeviceName::Cpu]
        .into_iter()
        .chain((0..gpus).map(DeviceName::Cuda))
        .map(|device| device.to_string())
        .collect();
    let mut findings = vec![Finding::ok("devices", names.join(", "))];
    findings.extend(cuda.missing().iter().map(|missing| {
        let to_do = match missing {
            Missing::Feature { gpus: 0 } => {
                "nothing for quickstart and the small experiments; the paper's sizes would take months on a CPU".into()
            }
            missing => missing.to_do().to_string(),
        };
        Finding::note(missing.what(), missing.to_string(), to_do)
    }));
    findings
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
    let found = format!("{}, {} of it free", bytes(total), bytes(free));
    if free >= MEMORY {
        Finding::ok("memory", found)
    } else {
        Finding::note(
            "memory",
            found,
            format!("the quickstart needs about {}: close other programs", bytes(MEMORY)),
        )
    }
}

fn disk(home: &Path) -> Finding {
    let Some(free) = free_space(home) else {
        return Finding::note("disk", format!("the free space at {} is unknown", home.display()), "");
    };
    let found = format!("{} free for {}", bytes(free), home.display());
    if free >= DISK {
        Finding::ok("disk", found)
    } else {
        Finding::problem(
            Exit::Disk,
            "disk",
            found,
            format!(
                "a run needs about {}: free some, or use another disk with --home DIR",
                bytes(DISK)
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::State;
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
        for always in ["devices", "threads", "vector instructions", "memory", "disk"] {
            assert!(what.iter().any(|what| what == always), "{what:?}");
        }
    }

    #[test]
    fn what_gpus_need_stands_in_lines_of_its_own_and_is_no_problem() {
        let cuda = Cuda {
            built: true,
            driver: Ok(2),
            nvrtc: false,
            headers: Err("nowhere".into()),
        };
        let found = devices(&cuda);
        assert_eq!(found[0].found, "cpu");
        let what: Vec<&str> = found.iter().map(|finding| finding.what.as_str()).collect();
        assert_eq!(what, ["devices", "CUDA compiler", "CUDA headers"]);
        assert!(
            found[1..]
                .iter()
                .all(|finding| finding.state == State::Note && !finding.to_do.is_empty())
        );

        let whole = Cuda {
            nvrtc: true,
            headers: Ok("/usr/local/cuda/include".into()),
            ..cuda.clone()
        };
        assert_eq!(devices(&whole).len(), 1);
        assert_eq!(devices(&whole)[0].found, "cpu, cuda:0, cuda:1");
        let plain = Cuda { built: false, ..cuda };
        assert!(devices(&plain)[1].to_do.contains("--features cuda"));
    }
}
