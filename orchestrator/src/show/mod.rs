//! How the program speaks: results on stdout (tables, JSON, CSV), talk and progress on stderr.

pub mod progress;
pub mod table;

use std::io::{self, ErrorKind, Write};

use crate::failure::Failure;

pub use table::{Cell, Format, Table};

/// How much is said on stderr (`-q`, `-v`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Talk {
    /// Errors only.
    Quiet,
    #[default]
    Normal,
    /// Every detail.
    Verbose,
}

impl Talk {
    pub fn new(quiet: bool, verbose: bool) -> Self {
        match (quiet, verbose) {
            (true, _) => Self::Quiet,
            (false, true) => Self::Verbose,
            (false, false) => Self::Normal,
        }
    }

    /// A line for people, on stderr.
    pub fn say(self, text: impl AsRef<str>) {
        if self >= Self::Normal {
            err(text.as_ref());
        }
    }

    /// A line for people who asked for details, on stderr.
    pub fn detail(self, text: impl AsRef<str>) {
        if self >= Self::Verbose {
            err(text.as_ref());
        }
    }

    /// A line that matters, whatever is being kept quiet.
    pub fn warn(text: impl AsRef<str>) {
        err(&format!("warning: {}", text.as_ref()));
    }
}

/// Writes a result to stdout. A reader that has heard enough (`| head`) is no error.
pub fn out(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::io("cannot write to stdout", &error)),
        _ => Ok(()),
    }
}

/// `1 picture`, `2 pictures`.
pub fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// `0.4 s`, `12 s`, `1m 57s`, `2h 03m`, `3d 04h`.
pub fn duration(milliseconds: i64) -> String {
    let milliseconds = milliseconds.max(0);
    let seconds = milliseconds / 1000;
    match seconds {
        0..10 => format!("{:.1} s", milliseconds as f64 / 1000.0),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        3600..86400 => format!("{}h {:02}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d {:02}h", seconds / 86400, seconds / 3600 % 24),
    }
}

/// So many decimals that the smallest of these numbers still shows four digits.
pub fn decimals(numbers: impl Iterator<Item = f64>) -> usize {
    let sizes = numbers
        .filter(|number| *number != 0.0 && number.is_finite())
        .map(|number| number.abs().log10().floor());
    (4.0 - sizes.fold(0.0, f64::min)).clamp(4.0, 12.0) as usize
}

/// `812 B`, `1.2 MB`, `34 GB` (powers of 1000).
pub fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if number < 1000 {
        return format!("{number} B");
    }
    let mut value = number as f64 / 1000.0;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let decimals = usize::from(value < 9.95);
    format!("{value:.decimals$} {}", UNITS[unit])
}

fn err(text: &str) {
    // Nobody is left to be told if stderr is closed.
    let _ = writeln!(io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_are_short() {
        let durations = [400, 12_000, 117_000, 7_380_000, 273_600_000].map(duration);
        assert_eq!(durations, ["0.4 s", "12 s", "1m 57s", "2h 03m", "3d 04h"]);
        let sizes = [812, 1_234_567, 34_000_000_000, 999_999].map(bytes);
        assert_eq!(sizes, ["812 B", "1.2 MB", "34 GB", "1.0 MB"]);
        assert_eq!(
            (count(1, "pair"), count(0, "pair")),
            ("1 pair".to_string(), "0 pairs".to_string())
        );
    }

    #[test]
    fn small_numbers_keep_their_digits() {
        assert_eq!(decimals([31.7, 0.0].into_iter()), 4);
        assert_eq!(decimals([2e-4, 1e-6, f64::INFINITY].into_iter()), 10);
        assert_eq!(decimals(std::iter::empty()), 4);
    }

    #[test]
    fn quiet_wins_over_verbose() {
        assert_eq!(Talk::new(true, true), Talk::Quiet);
        assert!(Talk::new(false, true) > Talk::new(false, false));
    }
}
