//! Where the time of a training's loop goes: to the steps, to waiting for their batches, and to looking after the training
//! (telling, judging, saving). Measurements in between (validation, eq. 10) are no part of it.

use std::time::{Duration, Instant};

/// Names of the two shares among a run's metrics.
pub const WAITING: &str = "waiting_share";
pub const UPKEEP: &str = "upkeep_share";

/// The times of one attempt so far.
#[derive(Debug, Default)]
pub struct Shares {
    waiting: Duration,
    upkeep: Duration,
    all: Duration,
}

impl Shares {
    /// Takes up one step of the loop: its batch was asked for at `asked` and there at `there`, the step was done at `done`
    /// and told and saved at `ended`.
    pub fn add(&mut self, asked: Instant, there: Instant, done: Instant, ended: Instant) {
        self.waiting += there - asked;
        self.upkeep += ended - done;
        self.all += ended - asked;
    }

    /// The share spent waiting for batches, 0 to 1; 0 before anything was measured.
    pub fn waiting(&self) -> f64 {
        share(self.waiting, self.all)
    }

    /// The share spent on the journal, the metrics and checkpoints, 0 to 1; 0 before anything was measured.
    pub fn upkeep(&self) -> f64 {
        share(self.upkeep, self.all)
    }
}

fn share(part: Duration, all: Duration) -> f64 {
    if all.is_zero() {
        0.0
    } else {
        part.as_secs_f64() / all.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_all_steps_together() {
        let mut shares = Shares::default();
        assert_eq!((shares.waiting(), shares.upkeep()), (0.0, 0.0));
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        shares.add(at(0), at(40), at(99), at(100));
        shares.add(at(1000), at(1000), at(1097), at(1100));
        assert!((shares.waiting() - 0.2).abs() < 1e-12, "{shares:?}");
        assert!((shares.upkeep() - 0.02).abs() < 1e-12, "{shares:?}");
    }
}
