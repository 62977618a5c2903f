//! Progress on stderr: live bars on a terminal, a line every ten seconds elsewhere, nothing with `-q`.
//!
//! A bar shows where the work is, its rate, its values (loss, psnr) and the time left. Several bars may live at once.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Talk, bytes, duration};

/// How often a bar speaks where it cannot be redrawn.
const BETWEEN_LINES: Duration = Duration::from_secs(10);

const TEMPLATE: &str = "{prefix:<24!} {bar:24} {pos:>6}/{len} {msg}";

/// The message says how many: `12 MB of 354 MB`.
const BYTES: &str = "{prefix:<24!} {bar:24} {msg}";

/// Where bars are drawn.
pub struct Progress {
    talk: Talk,
    /// `None`: stderr is no terminal.
    bars: Option<MultiProgress>,
}

impl Progress {
    pub fn new(talk: Talk) -> Self {
        let drawn = io::stderr().is_terminal() && talk > Talk::Quiet;
        Self {
            talk,
            bars: drawn.then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(8))),
        }
    }

    /// A bar for `of` steps (pictures, ...) of `label`.
    pub fn bar(&self, label: &str, of: u64, unit: &str) -> Bar {
        self.counting(label, of, Unit::Noun(unit.to_string()))
    }

    /// A bar for `of` bytes of `label`; 0 where nobody knows how many they will be.
    pub fn byte_bar(&self, label: &str, of: u64) -> Bar {
        self.counting(label, of, Unit::Bytes)
    }

    fn counting(&self, label: &str, of: u64, unit: Unit) -> Bar {
        let template = if unit == Unit::Bytes { BYTES } else { TEMPLATE };
        let drawn = self.bars.as_ref().map(|bars| {
            let bar = ProgressBar::new(of).with_prefix(label.to_string());
            let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            bars.add(bar.with_style(style.progress_chars("━╸ ")))
        });
        Bar {
            talk: self.talk,
            drawn,
            pace: Mutex::new(Pace::new(label, of, unit, Instant::now())),
        }
    }

    /// A line above the bars (unless quiet).
    pub fn say(&self, text: &str) {
        match &self.bars {
            Some(bars) => bars.suspend(|| self.talk.say(text)),
            None => self.talk.say(text),
        }
    }
}

/// One bar. Dropping it without [`Bar::finish`] takes it away.
pub struct Bar {
    talk: Talk,
    drawn: Option<ProgressBar>,
    pace: Mutex<Pace>,
}

impl Bar {
    /// The work has begun, or goes on, at `step` of `of`: the rate counts from here.
    pub fn start(&self, step: u64, of: u64) {
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        pace.start(step, of, Instant::now());
        if let Some(bar) = &self.drawn {
            bar.set_length(of);
            bar.set_position(step);
        }
    }

    /// The work is at `step`; `values` such as loss and psnr by name.
    pub fn at(&self, step: u64, values: &BTreeMap<String, f64>) {
        self.tell(|_| step, values);
    }

    /// One more is done, of what several threads may work on.
    pub fn advance(&self) {
        self.tell(|step| step + 1, &BTreeMap::new());
    }

    fn tell(&self, step: impl FnOnce(u64) -> u64, values: &BTreeMap<String, f64>) {
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let step = step(pace.step);
        pace.at(step, values);
        if let Some(bar) = &self.drawn {
            bar.set_position(step);
            bar.set_message(pace.message(now));
        } else if self.talk > Talk::Quiet && pace.is_due(now) {
            // Nobody is left to be told if stderr is closed.
            let _ = writeln!(io::stderr(), "{}", pace.line(now));
        }
    }

    /// Takes the bar away and leaves a line in its place.
    pub fn finish(&self, text: &str) {
        if let Some(bar) = &self.drawn {
            bar.finish_and_clear();
        }
        let pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        self.talk.say(format!("{}: {text}", pace.label));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = &self.drawn {
            bar.finish_and_clear();
        }
    }
}

/// What a bar counts.
#[derive(PartialEq)]
enum Unit {
    /// `steps`, `pictures`.
    Noun(String),
    Bytes,
}

/// The arithmetic of a bar, apart from any clock or terminal.
struct Pace {
    label: String,
    unit: Unit,
    of: u64,
    step: u64,
    values: BTreeMap<String, f64>,
    /// Where and when this attempt began: resumed work keeps an honest rate.
    began: (u64, Instant),
    spoke: Instant,
}

impl Pace {
    fn new(label: &str, of: u64, unit: Unit, now: Instant) -> Self {
        Self {
            label: label.to_string(),
            unit,
            of,
            step: 0,
            values: BTreeMap::new(),
            began: (0, now),
            spoke: now,
        }
    }

    fn start(&mut self, step: u64, of: u64, now: Instant) {
        (self.step, self.of, self.began) = (step, of, (step, now));
    }

    fn at(&mut self, step: u64, values: &BTreeMap<String, f64>) {
        self.step = step;
        self.values
            .extend(values.iter().map(|(name, value)| (name.clone(), *value)));
    }

    /// Whether a line should be written now; says yes once in [`BETWEEN_LINES`].
    fn is_due(&mut self, now: Instant) -> bool {
        let due = now.duration_since(self.spoke) >= BETWEEN_LINES;
        if due {
            self.spoke = now;
        }
        due
    }

    /// `medium fold A: 120/600 steps, 4.1/s, loss 0.0312, psnr 27.94, 1m 57s left`
    fn line(&self, now: Instant) -> String {
        format!("{}: {}, {}", self.label, self.amount(), self.words(now))
    }

    /// What stands behind a bar that tells its own position, or does not.
    fn message(&self, now: Instant) -> String {
        match self.unit {
            Unit::Noun(_) => self.words(now),
            Unit::Bytes => format!("{}, {}", self.amount(), self.words(now)),
        }
    }

    /// `120/600 steps`, `12 MB of 354 MB`
    fn amount(&self) -> String {
        match &self.unit {
            Unit::Noun(noun) => format!("{}/{} {noun}", self.step, self.of),
            Unit::Bytes if self.of == 0 => bytes(self.step),
            Unit::Bytes => format!("{} of {}", bytes(self.step), bytes(self.of)),
        }
    }

    /// `4.1/s, loss 0.0312, psnr 27.94, 1m 57s left`
    fn words(&self, now: Instant) -> String {
        let seconds = now.duration_since(self.began.1).as_secs_f64();
        let rate = if seconds > 0.0 {
            self.step.saturating_sub(self.began.0) as f64 / seconds
        } else {
            0.0
        };
        let mut words = vec![match self.unit {
            Unit::Noun(_) => rate_words(rate),
            Unit::Bytes => format!("{}/s", bytes(rate as u64)),
        }];
        words.extend(self.values.iter().map(|(name, value)| value_words(name, *value)));
        if rate > 0.0 && self.of > 0 {
            let left = self.of.saturating_sub(self.step) as f64 / rate;
            words.push(format!("{} left", duration((left * 1000.0) as i64)));
        }
        words.join(", ")
    }
}

/// `4.1/s`, or `3.2 s each` for slow work.
fn rate_words(rate: f64) -> String {
    match rate {
        0.0 => "-/s".to_string(),
        slow if slow < 1.0 => format!("{:.1} s each", 1.0 / slow),
        fast if fast < 10.0 => format!("{fast:.1}/s"),
        fast => format!("{fast:.0}/s"),
    }
}

/// `loss 0.0312`, `psnr 27.94`, `waiting 0.4%` of a `waiting_share`: digits that mean something.
fn value_words(name: &str, value: f64) -> String {
    if let Some(what) = name.strip_suffix("_share") {
        return format!("{what} {:.1}%", 100.0 * value);
    }
    let size = value.abs();
    if size >= 10.0 {
        format!("{name} {value:.2}")
    } else if size >= 0.01 || size == 0.0 {
        format!("{name} {value:.4}")
    } else {
        format!("{name} {value:.2e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> BTreeMap<String, f64> {
        [("loss".to_string(), 0.03123), ("psnr".to_string(), 27.9412)].into()
    }

    fn steps() -> Unit {
        Unit::Noun("steps".to_string())
    }

    #[test]
    fn bytes_are_told_in_their_units_and_without_an_end_where_none_is_known() {
        let start = Instant::now();
        let later = start + Duration::from_secs(10);
        let mut pace = Pace::new("vgg16", 550_000_000, Unit::Bytes, start);
        pace.at(50_000_000, &BTreeMap::new());
        assert_eq!(pace.line(later), "vgg16: 50 MB of 550 MB, 5.0 MB/s, 1m 40s left");
        assert_eq!(pace.message(later), "50 MB of 550 MB, 5.0 MB/s, 1m 40s left");
        pace.of = 0;
        assert_eq!(pace.line(later), "vgg16: 50 MB, 5.0 MB/s");
    }

    #[test]
    fn a_line_tells_rate_values_and_the_time_left() {
        let start = Instant::now();
        let mut pace = Pace::new("medium fold A", 600, steps(), start);
        pace.at(120, &values());
        assert_eq!(
            pace.line(start + Duration::from_secs(30)),
            "medium fold A: 120/600 steps, 4.0/s, loss 0.0312, psnr 27.94, 2m 00s left"
        );
    }

    #[test]
    fn resumed_work_does_not_count_what_was_done_before() {
        let start = Instant::now();
        let mut pace = Pace::new("restore", 0, steps(), start);
        pace.start(500, 600, start);
        pace.at(510, &BTreeMap::new());
        assert_eq!(pace.words(start + Duration::from_secs(20)), "2.0 s each, 3m 00s left");
        assert_eq!(Pace::new("restore", 5, steps(), start).words(start), "-/s");
    }

    #[test]
    fn a_line_is_due_once_in_ten_seconds() {
        let start = Instant::now();
        let mut pace = Pace::new("restore", 600, steps(), start);
        let due: Vec<bool> = [9, 10, 11, 19, 20]
            .map(|s| pace.is_due(start + Duration::from_secs(s)))
            .to_vec();
        assert_eq!(due, [false, true, false, false, true]);
    }

    #[test]
    fn what_several_threads_have_done_is_counted_whole() {
        let bar = Progress::new(Talk::Quiet).bar("measuring", 4000, "pictures");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..1000).for_each(|_| bar.advance()));
            }
        });
        assert_eq!(bar.pace.lock().unwrap().step, 4000);
    }

    #[test]
    fn small_losses_keep_their_digits() {
        assert_eq!(value_words("loss", 0.000_012_34), "loss 1.23e-5");
        assert_eq!(value_words("loss", 0.0), "loss 0.0000");
        assert_eq!(value_words("psnr", f64::NAN), "psnr NaN");
    }

    #[test]
    fn a_share_is_told_in_percent() {
        assert_eq!(value_words("waiting_share", 0.0042), "waiting 0.4%");
    }
}
