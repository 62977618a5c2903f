//! What a training's loop has to remember beside weights and moments, so that going on is exact: its validations, from which
//! best-so-far and early stopping follow, and its first losses.

use perceive_model::weights::{Array, Checkpoint};

use super::divergence::Beginning;

/// One validation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    pub step: u64,
    /// Mean over the held-out pictures, in dB.
    pub psnr: f64,
}

/// The course of a training so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Course {
    /// In order of their steps.
    pub scores: Vec<Score>,
    pub beginning: Beginning,
}

/// The remark and the tensor that hold the course in a checkpoint.
const SCORES: &str = "validations";
const LOSSES: &str = "first_losses";

impl Course {
    /// Adds the course to a checkpoint.
    pub fn put(&self, checkpoint: &mut Checkpoint) {
        // As bits: a decimal text need not give the same number back.
        let scores = self
            .scores
            .iter()
            .map(|score| format!("{}:{:016x}", score.step, score.psnr.to_bits()));
        let scores = scores.collect::<Vec<_>>().join(" ");
        checkpoint.metadata.insert(SCORES.into(), scores);
        let data = self.beginning.losses.clone();
        let shape = vec![data.len()];
        checkpoint.tensors.insert(LOSSES.into(), Array { shape, data });
    }

    /// Takes the course out of a checkpoint; `None` where there is none in it.
    pub fn take(checkpoint: &mut Checkpoint) -> Option<Self> {
        let losses = checkpoint.tensors.remove(LOSSES)?.data;
        Some(Self {
            scores: scores(&checkpoint.metadata.remove(SCORES)?)?,
            beginning: Beginning { losses },
        })
    }

    /// The validations that a checkpoint's remarks tell of.
    pub fn scores_of(remarks: &std::collections::BTreeMap<String, String>) -> Vec<Score> {
        remarks.get(SCORES).and_then(|text| scores(text)).unwrap_or_default()
    }

    /// Validations since the last one that was more than `min_delta` dB better than the last such one.
    pub fn waited(&self, min_delta: f64) -> u64 {
        let mut mark = f64::NEG_INFINITY;
        let mut waited = 0;
        for score in &self.scores {
            if score.psnr > mark + min_delta {
                (mark, waited) = (score.psnr, 0);
            } else {
                waited += 1;
            }
        }
        waited
    }
}

/// The `count` best, best first; of two equal ones the earlier.
pub fn best(scores: &[Score], count: usize) -> Vec<Score> {
    let mut sorted = scores.to_vec();
    sorted.sort_by(|a, b| b.psnr.total_cmp(&a.psnr).then(a.step.cmp(&b.step)));
    sorted.truncate(count);
    sorted
}

fn scores(text: &str) -> Option<Vec<Score>> {
    text.split_whitespace()
        .map(|score| {
            let (step, bits) = score.split_once(':')?;
            Some(Score {
                step: step.parse().ok()?,
                psnr: f64::from_bits(u64::from_str_radix(bits, 16).ok()?),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course(psnrs: &[f64]) -> Course {
        let scores = (1..).zip(psnrs).map(|(i, psnr)| Score {
            step: i * 10,
            psnr: *psnr,
        });
        Course {
            scores: scores.collect(),
            beginning: Beginning {
                losses: vec![0.1, 3.0e-39],
            },
        }
    }

    #[test]
    fn a_course_comes_back_from_a_checkpoint_to_the_last_bit() {
        for course in [course(&[20.1 / 3.0, f64::MIN_POSITIVE]), Course::default()] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a");
            let mut checkpoint = Checkpoint::default();
            course.put(&mut checkpoint);
            checkpoint.write_sealed(&path).unwrap();
            assert_eq!(Course::scores_of(&Checkpoint::remarks(&path).unwrap()), course.scores);
            let mut read = Checkpoint::read_sealed(&path).unwrap();
            assert_eq!(Course::take(&mut read), Some(course));
            assert_eq!(read, Checkpoint::default());
        }
        assert_eq!(Course::take(&mut Checkpoint::default()), None);
    }

    #[test]
    fn waiting_counts_from_the_last_improvement() {
        assert_eq!(course(&[]).waited(0.0), 0);
        assert_eq!(course(&[20.0, 21.0, 20.5, 21.0]).waited(0.0), 2);
        assert_eq!(course(&[20.0, 20.2, 20.4, 20.6]).waited(0.5), 0);
        assert_eq!(course(&[20.0, 20.2, 20.4, 20.4]).waited(0.5), 3);
    }

    #[test]
    fn of_equal_validations_the_earlier_is_better() {
        let steps = |psnrs: &[f64], count| -> Vec<u64> {
            best(&course(psnrs).scores, count)
                .iter()
                .map(|score| score.step)
                .collect()
        };
        assert_eq!(steps(&[1.0, 3.0, 3.0, 2.0], 3), [20, 30, 40]);
        assert_eq!(steps(&[], 2), [0_u64; 0]);
    }
}
