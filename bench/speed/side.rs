//! A side of a row: a process of its own that builds its network once, then does the work whenever it is told to.
//!
//! Sides take turns within one run, so that what else the machine does meets all of them alike. The words: a side says
//! [`Ready`]; to `check` it answers [`Numbers`], to a number it does the work so often and answers [`Taken`]; it ends when nobody
//! speaks to it any more.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde::de::DeserializeOwned;

use super::distance::between_cores;
use super::row::{Measure, Row};
use super::table::Line;
use super::work::{Numbers, Ready, Taken, Work};

/// glibc's settings of [`perceive_model::kernel::tune_allocation`], for a program that does not set them itself.
const TUNABLES: &str = "glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=2147483647:glibc.malloc.top_pad=268435456";

/// Repetitions after which a process's peak is taken.
const ENOUGH_FOR_MEMORY: usize = 3;

/// How far numbers of two sides may be apart, relative to 1 or to the larger of them.
const TOLERANCE: f64 = 2e-3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    Ours,
    /// PyTorch as it comes, operation by operation.
    Eager,
    /// `torch.compile`, by its default backend.
    Compiled,
    /// Eager, with the C library's allocator as it comes.
    Untuned,
}

impl Language {
    pub fn title(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Eager => "PyTorch",
            Self::Compiled => "PyTorch, compiled",
            Self::Untuned => "PyTorch, allocator as it comes",
        }
    }
}

/// How sides are run.
pub struct Sides {
    pub python: Option<PathBuf>,
    pub threads: usize,
    pub times: usize,
    pub check: bool,
}

impl Sides {
    /// The lines of one row.
    ///
    /// # Errors
    /// If a side fails, or if two sides do not compute the same.
    pub fn compare(&self, row: &Row) -> Result<Vec<Line>, Box<dyn Error>> {
        let beside = if self.python.is_some() { row.beside } else { &[] };
        let languages = std::iter::once(Language::Ours).chain(beside.iter().map(|(language, _)| *language));
        let mut sides = languages
            .map(|language| self.start(language, &row.work))
            .collect::<Result<Vec<Side>, _>>()?;
        eprintln!("{}", row.title);
        agree(&mut sides)?;
        if self.check {
            return Ok(Vec::new());
        }
        let times = match row.measure {
            Measure::Time => self.times,
            Measure::Memory => self.times.min(ENOUGH_FOR_MEMORY),
        };
        let taken = take_turns(&mut sides, times)?.taken;
        let figures: Vec<f64> = taken.iter().map(|taken| figure(row.measure, taken)).collect();
        let line = |theirs: Option<(Language, f64, f64)>| Line {
            title: row.title,
            measure: row.measure,
            ours: figures[0],
            theirs,
        };
        if beside.is_empty() {
            return Ok(vec![line(None)]);
        }
        let theirs = beside.iter().zip(&figures[1..]);
        Ok(theirs
            .map(|((language, target), figure)| line(Some((*language, *figure, *target))))
            .collect())
    }

    /// Our median seconds of each of several works, done in turn; and how near and how far two cores were meanwhile.
    pub fn ours(&self, works: &[Work]) -> Result<(Vec<f64>, [f64; 2]), Box<dyn Error>> {
        let sides = works.iter().map(|work| self.start(Language::Ours, work));
        let mut sides = sides.collect::<Result<Vec<Side>, _>>()?;
        let turns = take_turns(&mut sides, self.times)?;
        let seconds = turns.taken.iter().map(|taken| figure(Measure::Time, taken)).collect();
        let apart = turns.apart.iter().copied();
        let near = apart.clone().fold(f64::INFINITY, f64::min);
        Ok((seconds, [near, apart.fold(0.0, f64::max)]))
    }

    /// What PyTorch's side is made of.
    pub fn versions(&self) -> Result<Option<String>, Box<dyn Error>> {
        let Some(python) = &self.python else { return Ok(None) };
        let output = Command::new(python).arg(script()).arg("--versions").output()?;
        if !output.status.success() {
            let told = String::from_utf8_lossy(&output.stderr);
            return Err(format!("{} has no torch: {told}", python.display()).into());
        }
        Ok(Some(String::from_utf8_lossy(&output.stdout).trim().to_owned()))
    }

    fn start(&self, language: Language, work: &Work) -> Result<Side, Box<dyn Error>> {
        let work = serde_json::to_string(work)?;
        let mut command = match (language, &self.python) {
            (Language::Ours, _) => Command::new(std::env::current_exe()?),
            (_, Some(python)) => Command::new(python),
            (_, None) => return Err("there is no Python to run PyTorch".into()),
        };
        match language {
            Language::Ours => command.args(["--serve", &work]),
            Language::Compiled => command.arg(script()).args(["compile", &work]),
            Language::Eager | Language::Untuned => command.arg(script()).args(["eager", &work]),
        };
        if matches!(language, Language::Eager | Language::Compiled) {
            command.env("GLIBC_TUNABLES", TUNABLES);
        }
        for name in ["RAYON_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"] {
            command.env(name, self.threads.to_string());
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take().ok_or("a side has no output")?;
        let mut side = Side {
            language,
            child,
            output: BufReader::new(output),
            parameters: 0,
        };
        side.parameters = side.hear::<Ready>()?.parameters;
        Ok(side)
    }
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../bench/speed/pytorch/peer.py")
}

fn figure(measure: Measure, taken: &[Taken]) -> f64 {
    match measure {
        Measure::Time => median(taken.iter().map(|taken| taken.seconds).collect()),
        Measure::Memory => taken.iter().map(|taken| taken.peak as f64).fold(0.0, f64::max),
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    f64::midpoint(values[values.len() / 2], values[(values.len() - 1) / 2])
}

/// A repetition of short work does it so often that it takes this long: alone, it would show how long a process takes to
/// get going after another one was at work.
const ENOUGH_SECONDS: f64 = 1.0;

/// What came of some repetitions.
struct Turns {
    /// Of each side.
    taken: Vec<Vec<Taken>>,
    /// How far apart two cores were before each.
    apart: Vec<f64>,
}

/// Repetitions of each side, side after side, after one that does not count.
fn take_turns(sides: &mut [Side], times: usize) -> Result<Turns, Box<dyn Error>> {
    let mut all = vec![Vec::new(); sides.len()];
    let mut runs = vec![1; sides.len()];
    let mut apart = Vec::new();
    for number in 0..=times {
        let distance = between_cores();
        eprintln!("  {number} to another core and back: {:.0} ns", distance * 1e9);
        apart.push(distance);
        for ((side, all), runs) in sides.iter_mut().zip(&mut all).zip(&mut runs) {
            let taken: Taken = side.ask(&runs.to_string())?;
            let Taken { seconds, peak, faults } = taken;
            let what = side.language.title();
            eprintln!(
                "  {number} {what}: {seconds:.3} s, peak {} MB, {faults} page faults",
                peak >> 20
            );
            if number == 0 {
                *runs = (ENOUGH_SECONDS / seconds).ceil().clamp(1.0, 50.0) as u32;
            } else {
                all.push(taken);
            }
        }
    }
    for (side, all) in sides.iter().zip(&all) {
        let quickest = all.iter().map(|taken| taken.seconds).fold(f64::INFINITY, f64::min);
        eprintln!("  quickest {}: {quickest:.3} s", side.language.title());
    }
    Ok(Turns { taken: all, apart })
}

/// Asks all sides what they compute, and refuses two that differ.
fn agree(sides: &mut [Side]) -> Result<(), Box<dyn Error>> {
    let mut first: Option<(usize, Numbers)> = None;
    for side in sides {
        let parameters = side.parameters;
        let numbers: Numbers = side.ask("check")?;
        let Some((expected, others)) = &first else {
            first = Some((parameters, numbers));
            continue;
        };
        let whose = side.language.title();
        if parameters != *expected {
            return Err(format!("{whose}: {parameters} parameters, and ours {expected}").into());
        }
        if !numbers.keys().eq(others.keys()) {
            return Err(format!("{whose}: {:?}, and ours {:?}", numbers.keys(), others.keys()).into());
        }
        let mut widest = 0.0_f64;
        for (name, number) in &numbers {
            let other = others[name];
            let apart = (number - other).abs() / number.abs().max(other.abs()).max(1.0);
            if apart.is_nan() || apart > TOLERANCE {
                return Err(format!("{whose}: {name} is {number}, and ours {other}").into());
            }
            widest = widest.max(apart);
        }
        eprintln!(
            "  {whose}: {parameters} parameters, {} numbers equal ours within {widest:.1e}",
            numbers.len()
        );
    }
    Ok(())
}

struct Side {
    language: Language,
    child: Child,
    output: BufReader<ChildStdout>,
    parameters: usize,
}

impl Side {
    fn ask<T: DeserializeOwned>(&mut self, word: &str) -> Result<T, Box<dyn Error>> {
        let input = self.child.stdin.as_mut().ok_or("a side does not listen")?;
        writeln!(input, "{word}")?;
        input.flush()?;
        self.hear()
    }

    fn hear<T: DeserializeOwned>(&mut self) -> Result<T, Box<dyn Error>> {
        let mut line = String::new();
        let who = self.language.title();
        if self.output.read_line(&mut line)? == 0 {
            return Err(format!("{who}: ended before it answered; what it said of that stands above").into());
        }
        serde_json::from_str(&line).map_err(|_| format!("{who}: said `{}`", line.trim()).into())
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        // Gone already, or of no use any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
