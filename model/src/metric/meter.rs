//! A metric ready to measure: a learned one together with its network.

use super::{Measure, Metric, MetricError, Planes, lpips::Lpips};

#[derive(Clone, Debug)]
pub struct Meter {
    pub metric: &'static Metric,
    network: Option<Lpips>,
}

impl Meter {
    /// Of a metric that is computed; a learned one needs [`Meter::with_network`].
    pub fn new(metric: &'static Metric) -> Self {
        Self { metric, network: None }
    }

    pub fn with_network(metric: &'static Metric, network: Lpips) -> Self {
        Self {
            metric,
            network: Some(network),
        }
    }

    /// See [`Metric::measure`].
    pub fn measure(&self, restored: &Planes, clean: Option<&Planes>) -> Result<f64, MetricError> {
        match (self.metric.how, &self.network, clean) {
            (Measure::Learned(_), Some(network), Some(clean)) => network.measure(restored, clean),
            _ => self.metric.measure(restored, clean),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{METRICS, testing::waves},
        *,
    };

    #[test]
    fn a_learned_metric_without_its_network_says_so_and_others_need_none() {
        let picture = waves(40, 40, 0.0);
        for metric in METRICS {
            let measured = Meter::new(metric).measure(&picture, Some(&picture));
            let without = measured == Err(MetricError::NoNetwork { metric: metric.name });
            assert_eq!(without, metric.is_learned(), "{}: {measured:?}", metric.name);
        }
    }
}
