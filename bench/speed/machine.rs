//! What was measured with what: processor, versions; and what the kernel knows of a process.

use std::error::Error;
use std::fs;
use std::process::Command;

use super::side::Sides;

/// How busy the machine is: processes that run or would, over the last minute.
pub fn load() -> String {
    let loads = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    loads.split(' ').next().unwrap_or_default().to_owned()
}

/// Two lines for above the table; `load` is that from before the measurements.
pub fn describe(sides: &Sides, load: &str) -> Result<String, Box<dyn Error>> {
    let cores = std::thread::available_parallelism()?;
    let torch = sides.versions()?.unwrap_or_else(|| "no PyTorch".into());
    Ok(format!(
        "{} ({}), {cores} cores, load average {load} before; {} threads, f32.\nperceive-ir {} ({}), {torch}.",
        told("model name"),
        instructions(),
        sides.threads,
        env!("CARGO_PKG_VERSION"),
        compiler(),
    ))
}

/// A field of /proc/cpuinfo.
fn told(field: &str) -> String {
    let all = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = all.lines().find(|line| line.starts_with(field));
    let value = line.and_then(|line| line.split_once(':'));
    value.map_or_else(|| "unknown processor".into(), |(_, value)| value.trim().to_owned())
}

fn instructions() -> &'static str {
    let flags = told("flags");
    let has = |flag: &str| flags.split(' ').any(|known| known == flag);
    if has("avx512f") {
        "AVX-512"
    } else if has("avx2") {
        "AVX2"
    } else {
        "no AVX2"
    }
}

fn compiler() -> String {
    let output = Command::new("rustc").arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let words = text.unwrap_or_default();
    words.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

/// The largest resident set of this process until now, in bytes.
pub fn peak_memory() -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()).ok_or("no VmHWM")?;
    Ok(kilobytes.parse::<u64>()? * 1024)
}

/// Page faults of this process until now that needed no disk.
pub fn page_faults() -> u64 {
    // SAFETY: `rusage` is plain numbers, for which zeros are valid.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the call writes to where it is told.
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut usage) };
    usage.ru_minflt as u64
}
