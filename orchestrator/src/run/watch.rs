//! What a worker may not do: hold more memory than allowed, or be silent for too long.

use std::time::{Duration, Instant};

use super::ending::Cause;
use crate::show::{bytes, duration};

/// Limits of one worker.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes; `None`: whatever there is.
    pub memory: Option<u64>,
    /// A worker that tells nothing for so long is taken to hang.
    pub silence: Duration,
    /// Time to save and stop in, once asked.
    pub grace: Duration,
}

#[derive(Debug)]
pub struct Watch {
    pub limits: Limits,
    heard: Instant,
    peak: Option<u64>,
}

impl Watch {
    pub fn new(limits: Limits, now: Instant) -> Self {
        Self {
            limits,
            heard: now,
            peak: None,
        }
    }

    /// The worker has told something.
    pub fn heard(&mut self, now: Instant) {
        self.heard = now;
    }

    /// The most memory that it was seen to hold, in bytes.
    pub fn peak(&self) -> Option<u64> {
        self.peak
    }

    /// What the worker must be ended for, if anything.
    pub fn wrong(&mut self, memory: Option<u64>, now: Instant) -> Option<(Cause, String)> {
        self.peak = self.peak.max(memory);
        if let (Some(held), Some(limit)) = (memory, self.limits.memory)
            && held > limit
        {
            let (held, limit) = (bytes(held), bytes(limit));
            let words = format!("out of memory: the worker held {held}, and --memory-limit allows {limit}");
            return Some((Cause::OutOfMemory, words));
        }
        let silent = now.duration_since(self.heard);
        (silent >= self.limits.silence).then(|| {
            let words = format!(
                "the worker hung: it has told nothing for {} (--hang-after)",
                duration(silent.as_millis() as i64)
            );
            (Cause::Hung, words)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_much_memory_and_too_long_a_silence_are_wrong() {
        let start = Instant::now();
        let limits = Limits {
            memory: Some(1000),
            silence: Duration::from_mins(1),
            grace: Duration::from_secs(10),
        };
        let mut watch = Watch::new(limits, start);
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(watch.wrong(Some(1000), at(59)), None);
        watch.heard(at(59));
        assert_eq!(watch.wrong(Some(700), at(118)), None);
        assert_eq!(watch.peak(), Some(1000));
        assert_eq!(watch.wrong(None, at(119)).map(|(cause, _)| cause), Some(Cause::Hung));
        let (cause, words) = watch.wrong(Some(2000), at(60)).unwrap();
        assert_eq!(cause, Cause::OutOfMemory);
        assert!(words.contains("--memory-limit"), "{words}");
    }
}
