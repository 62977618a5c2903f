//! How long jobs will take and how much disk and memory they will need, judged by past runs of the same kind.

use std::collections::HashMap;

use crate::{
    database::Database,
    failure::Failure,
    stage::{Job, Work},
};

/// So many of the newest runs are looked at.
const LOOKED_AT: u32 = 1000;

/// What past runs tell.
#[derive(Debug, Default)]
pub struct Estimates {
    by_class: HashMap<String, Past>,
    by_stage: HashMap<&'static str, Past>,
}

/// What one kind of job took.
#[derive(Debug, Default)]
struct Past {
    seconds_a_unit: Vec<f64>,
    bytes: Vec<f64>,
    memory: Vec<f64>,
}

/// What one job will take; `None` where nothing like it has run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Estimate {
    pub seconds: Option<f64>,
    /// Of the artefact on disk.
    pub bytes: Option<f64>,
    /// Of memory, at the most.
    pub memory: Option<f64>,
}

impl Estimates {
    /// Reads the newest runs that are done. Jobs of an earlier version of the program that cannot be read are passed over.
    pub fn read(database: &Database) -> Result<Self, Failure> {
        let mut estimates = Self::default();
        for past in database.past_runs(LOOKED_AT)? {
            if let Ok(job) = serde_json::from_str::<Job>(&past.settings) {
                estimates.learn(&job, past.milliseconds as f64 / 1000.0, past.bytes, past.peak_bytes);
            }
        }
        Ok(estimates)
    }

    fn learn(&mut self, job: &Job, seconds: f64, bytes: i64, peak: Option<i64>) {
        let Work { class, units } = job.work();
        let by_class = self.by_class.entry(class).or_default();
        let by_stage = self.by_stage.entry(job.stage()).or_default();
        for past in [by_class, by_stage] {
            // A training of 0 steps says nothing of what a step takes.
            past.seconds_a_unit.extend((units > 0).then(|| seconds / units as f64));
            past.bytes.push(bytes as f64);
            past.memory.extend(peak.map(|peak| peak as f64));
        }
    }

    /// What `job` will take: the median of its kind, or else of its stage.
    pub fn of(&self, job: &Job) -> Estimate {
        let Work { class, units } = job.work();
        let Some(past) = self.by_class.get(&class).or_else(|| self.by_stage.get(job.stage())) else {
            return Estimate::default();
        };
        Estimate {
            seconds: median(&past.seconds_a_unit).map(|each| each * units as f64),
            bytes: median(&past.bytes),
            memory: past.memory.iter().copied().reduce(f64::max),
        }
    }
}

/// The middle value; the mean of the two middle ones of an even number.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::scenes::Scenes;

    fn scenes(count: usize) -> Job {
        Job::from(Scenes {
            split: "train".into(),
            count,
            size: 64,
            seed: 1,
        })
    }

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 100.0]), Some(3.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 100.0]), Some(3.0));
    }

    #[test]
    fn a_job_is_judged_by_its_kind_and_else_by_its_stage() {
        let mut estimates = Estimates::default();
        assert_eq!(estimates.of(&scenes(4)), Estimate::default());
        estimates.learn(&scenes(4), 2.0, 1000, Some(1 << 20));
        estimates.learn(&scenes(4), 4.0, 1000, None);
        estimates.learn(&scenes(400), 30.0, 100_000, None);
        assert_eq!(estimates.of(&scenes(4)).seconds, Some(3.0));
        assert_eq!(estimates.of(&scenes(4)).memory, Some(f64::from(1 << 20)));
        assert_eq!(estimates.of(&scenes(7)).seconds, Some(4.0));
    }
}
