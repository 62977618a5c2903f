//! The median rule: a training that is worse at some step than the median of its fellows was there is not worth going on
//! with (Golovin et al., Google Vizier, 2017).

use std::collections::BTreeMap;

use crate::{failure::Failure, plan::estimate::median};

/// What a training can be judged by, and whether less of it is better.
const JUDGED: [(&str, bool); 9] = [
    ("loss", true),
    ("l1", true),
    ("contrastive", true),
    ("clip_aware", true),
    ("perceptual", true),
    ("average_psnr", false),
    ("validation_psnr", false),
    ("prompt_cross_entropy", true),
    ("accuracy", false),
];

/// A rule as `--prune METRIC[@STEP]` gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// One of [`Rule::metrics`], once it is [checked](Rule::check).
    pub metric: String,
    /// Nothing is judged before this step.
    pub from: u64,
}

/// Fewer fellows than this judge nobody.
const ENOUGH: usize = 2;

impl std::str::FromStr for Rule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (metric, from) = text.split_once('@').unwrap_or((text, "0"));
        let from = from
            .parse()
            .map_err(|_| format!("{from:?} is no step; --prune validation_psnr@1000 judges from step 1000 on"))?;
        if metric.is_empty() {
            return Err("name a metric, such as --prune validation_psnr@1000".into());
        }
        Ok(Self {
            metric: metric.into(),
            from,
        })
    }
}

impl Rule {
    /// The metrics that tell how good a training is.
    pub fn metrics() -> impl Iterator<Item = &'static str> {
        JUDGED.iter().map(|(name, _)| *name)
    }

    /// # Errors
    /// [`Exit::Unknown`](crate::failure::Exit::Unknown) for a metric that no training can be judged by.
    pub fn check(&self) -> Result<(), Failure> {
        if Self::metrics().any(|name| name == self.metric) {
            return Ok(());
        }
        let message = format!("--prune {}: no training is judged by that metric", self.metric);
        Err(Failure {
            message,
            ..Failure::unknown("metric", &self.metric, Self::metrics())
        })
    }

    /// What is wrong with `mine`, the metric's values by step, beside those of the fellows that got as far.
    pub fn judges(&self, mine: &BTreeMap<u64, f64>, fellows: &[&BTreeMap<u64, f64>]) -> Option<String> {
        let (&step, _) = mine.last_key_value().filter(|(step, _)| **step >= self.from)?;
        // The best so far on either side, so that one bad measurement ends nothing.
        let best = self.best(mine, step)?;
        let there: Vec<f64> = fellows
            .iter()
            .filter(|fellow| fellow.last_key_value().is_some_and(|(last, _)| *last >= step))
            .filter_map(|fellow| self.best(fellow, step))
            .collect();
        if there.len() < ENOUGH {
            return None;
        }
        let middle = median(&there)?;
        let worse = if self.less_is_better() {
            best > middle
        } else {
            best < middle
        };
        worse.then(|| {
            format!(
                "pruned at step {step}: its best {} is {best:.4}, the median of {} others {middle:.4}",
                self.metric,
                there.len()
            )
        })
    }

    fn best(&self, values: &BTreeMap<u64, f64>, step: u64) -> Option<f64> {
        let so_far = values.range(..=step).map(|(_, value)| *value);
        if self.less_is_better() {
            so_far.reduce(f64::min)
        } else {
            so_far.reduce(f64::max)
        }
    }

    fn less_is_better(&self) -> bool {
        JUDGED.contains(&(self.metric.as_str(), true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course(values: &[f64]) -> BTreeMap<u64, f64> {
        (1..).map(|step| step * 10).zip(values.iter().copied()).collect()
    }

    #[test]
    fn only_the_worse_half_is_pruned_and_only_beside_enough_fellows_that_got_as_far() {
        let rule: Rule = "validation_psnr@20".parse().unwrap();
        let (good, fair, bad) = (course(&[20.0, 25.0]), course(&[19.0, 23.0]), course(&[18.0, 21.0]));
        assert!(
            rule.judges(&bad, &[&good, &fair])
                .is_some_and(|why| why.contains("step 20"))
        );
        assert_eq!(rule.judges(&good, &[&fair, &bad]), None);
        assert_eq!(rule.judges(&bad, &[&good]), None);
        assert_eq!(rule.judges(&bad, &[&good, &course(&[19.0])]), None);
        assert_eq!(rule.judges(&course(&[1.0]), &[&good, &fair]), None, "too early");
    }

    #[test]
    fn a_loss_is_better_when_it_is_less() {
        let rule: Rule = "loss".parse().unwrap();
        let (low, lower, high) = (course(&[0.2]), course(&[0.1]), course(&[0.3]));
        assert!(rule.judges(&high, &[&low, &lower]).is_some());
        assert_eq!(rule.judges(&lower, &[&low, &high]), None);
        let rule: Rule = "perceptual".parse().unwrap();
        assert!(rule.judges(&high, &[&low, &lower]).is_some());
        assert!("loss@soon".parse::<Rule>().is_err() && "@5".parse::<Rule>().is_err());
    }
    #[test]
    fn a_metric_that_judges_nothing_is_refused_with_those_that_do() {
        let told = |text: &str| text.parse::<Rule>().unwrap().check().unwrap_err().with_help();
        assert!(told("validation_psn@5").contains("did you mean 'validation_psnr'?"));
        assert!(
            told("moon").contains("known: loss, l1, contrastive"),
            "{}",
            told("moon")
        );
        assert!(Rule::metrics().all(|name| name.parse::<Rule>().unwrap().check().is_ok()));
    }
}
