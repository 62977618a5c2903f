//! The learning rate of every step.

/// From `start` to `end` over `steps`, after a linear climb of `warm_up` steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    pub start: f64,
    pub end: f64,
    pub steps: u64,
    pub warm_up: u64,
    /// Whether the rate falls along half a cosine (PyTorch's `CosineAnnealingLR`), or stays at `start`.
    pub cosine: bool,
}

impl Schedule {
    /// The rate at `step`, counted from 0.
    pub fn rate(&self, step: u64) -> f64 {
        if step < self.warm_up {
            return self.start * (step + 1) as f64 / self.warm_up as f64;
        }
        if !self.cosine {
            return self.start;
        }
        let span = self.steps.saturating_sub(self.warm_up).max(1);
        let share = ((step - self.warm_up) as f64 / span as f64).min(1.0);
        self.end + (self.start - self.end) * 0.5 * (1.0 + (std::f64::consts::PI * share).cos())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cosine_goes_from_start_through_the_middle_to_the_end() {
        let schedule = Schedule {
            start: 2e-4,
            end: 1e-6,
            steps: 1000,
            warm_up: 0,
            cosine: true,
        };
        assert!((schedule.rate(0) - 2e-4).abs() < 1e-12);
        assert!((schedule.rate(500) - 1.005e-4).abs() < 1e-12);
        assert!((schedule.rate(1000) - 1e-6).abs() < 1e-12);
        assert!((schedule.rate(5000) - 1e-6).abs() < 1e-12);
    }

    #[test]
    fn warming_up_climbs_in_equal_steps() {
        let schedule = Schedule {
            start: 1.0,
            end: 0.0,
            steps: 100,
            warm_up: 4,
            cosine: false,
        };
        assert_eq!(
            [0, 1, 2, 3, 4, 99].map(|step| schedule.rate(step)),
            [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
        );
    }
}
