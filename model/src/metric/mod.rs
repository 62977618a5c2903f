//! Metrics of restored pictures, against the clean picture or of the picture alone; on the CPU and without tensors, but
//! for LPIPS, which looks through a network whose weights are imported.
//!
//! A metric's name carries its protocol: numbers of two protocols never stand in one column. One file a protocol with
//! its `METRIC`; [`METRICS`] is the registry.

mod error;
mod gaussian_window;
pub mod lpips;
mod luma;
mod mae_rgb;
mod meter;
mod planes;
mod psnr_rgb;
mod psnr_rgb8;
mod psnr_y;
mod ssim_gaussian_rgb;
mod ssim_gaussian_y;
mod ssim_restormer_rgb;
mod ssim_restormer_y;
mod ssim_rgb;
pub mod uciqe;
pub mod uciqe_float;
pub mod uiqm;

pub use error::MetricError;
pub use lpips::Lpips;
pub use meter::Meter;
pub use planes::Planes;
pub use psnr_rgb::psnr_rgb;
pub use ssim_rgb::ssim_rgb;

/// All metrics.
pub const METRICS: &[Metric] = &[
    psnr_rgb::METRIC,
    ssim_rgb::METRIC,
    mae_rgb::METRIC,
    psnr_rgb8::METRIC,
    psnr_y::METRIC,
    ssim_gaussian_rgb::METRIC,
    ssim_gaussian_y::METRIC,
    ssim_restormer_rgb::METRIC,
    ssim_restormer_y::METRIC,
    uciqe::METRIC,
    uciqe_float::METRIC,
    uciqe_float::SCALED,
    uiqm::METRIC,
    uiqm::WINDOW_8,
    lpips::ALEX,
    lpips::VGG,
];

/// Which of two values is the better picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    Higher,
    Lower,
}

/// How a metric is computed.
#[derive(Clone, Copy, Debug)]
pub enum Measure {
    /// Of the restored picture and the clean one.
    Against(fn(&Planes, &Planes) -> Result<f64, MetricError>),
    /// Of the restored picture alone: for pictures that have no clean partner.
    Alone(fn(&Planes) -> Result<f64, MetricError>),
    /// Of the restored picture and the clean one, through a network: by a [`Meter`] that has it.
    Learned(lpips::Backbone),
}

/// An entry of the registry.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// With its protocol; as stored in the database.
    pub name: &'static str,
    /// As in the head of a table.
    pub label: &'static str,
    /// Empty for a pure number.
    pub unit: &'static str,
    pub better: Better,
    pub how: Measure,
}

impl Metric {
    /// Whether [`measure`](Self::measure) needs the clean picture.
    pub fn needs_reference(&self) -> bool {
        !matches!(self.how, Measure::Alone(_))
    }

    /// Whether it looks through a network, whose weights must be imported.
    pub fn is_learned(&self) -> bool {
        matches!(self.how, Measure::Learned(_))
    }

    /// The value of a restored picture; a clean one that is not needed is not looked at.
    ///
    /// # Errors
    /// A clean picture that is needed and missing or of another size; a picture below the metric's window; a learned
    /// metric, which needs a [`Meter`].
    pub fn measure(&self, restored: &Planes, clean: Option<&Planes>) -> Result<f64, MetricError> {
        match (self.how, clean) {
            (Measure::Alone(measure), _) => measure(restored),
            (Measure::Against(measure), Some(clean)) => measure(restored, clean),
            (Measure::Learned(_), Some(_)) => Err(MetricError::NoNetwork { metric: self.name }),
            (Measure::Against(_) | Measure::Learned(_), None) => {
                let without = METRICS.iter().filter(|metric| !metric.needs_reference());
                Err(MetricError::NoReference {
                    metric: self.name,
                    without: without.map(|metric| metric.name).collect::<Vec<_>>().join(", "),
                })
            }
        }
    }
}

/// The metric of this name.
pub fn find(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.name == name)
}

#[cfg(test)]
mod testing {
    use super::Planes;

    /// A picture of smooth waves, a little different for each `phase`.
    pub fn waves(height: usize, width: usize, phase: f32) -> Planes {
        let value = |index: usize| {
            let (y, x) = (index / width, index % width);
            ((y as f32 * 0.31 + x as f32 * 0.17 + phase).sin() * 0.5 + 0.5).clamp(0.0, 1.0)
        };
        Planes::new((0..3 * height * width).map(value).collect(), height, width).unwrap()
    }

    /// One colour everywhere.
    pub fn flat(colour: [f32; 3], height: usize, width: usize) -> Planes {
        let values = colour.into_iter().flat_map(|value| vec![value; height * width]);
        Planes::new(values.collect(), height, width).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_reference() -> impl Iterator<Item = &'static Metric> {
        METRICS.iter().filter(|metric| metric.needs_reference())
    }

    fn computed() -> impl Iterator<Item = &'static Metric> {
        METRICS.iter().filter(|metric| !metric.is_learned())
    }

    #[test]
    fn every_metric_with_a_reference_prefers_the_picture_itself() {
        let (clean, restored) = (testing::waves(20, 30, 0.0), testing::waves(20, 30, 0.3));
        for metric in computed().filter(|metric| metric.needs_reference()) {
            let itself = metric.measure(&clean, Some(&clean)).unwrap();
            let other = metric.measure(&restored, Some(&clean)).unwrap();
            let better = if metric.better == Better::Higher {
                itself > other
            } else {
                itself < other
            };
            assert!(better, "{}: {itself} {other}", metric.name);
        }
    }

    #[test]
    fn a_metric_without_a_reference_does_not_look_at_one() {
        let (picture, other) = (testing::waves(20, 30, 0.0), testing::waves(40, 30, 0.3));
        let alone: Vec<_> = METRICS.iter().filter(|metric| !metric.needs_reference()).collect();
        assert!(alone.iter().any(|metric| metric.name == "uciqe") && alone.iter().any(|metric| metric.name == "uiqm"));
        for metric in alone {
            let value = metric.measure(&picture, None).unwrap();
            assert!(value.is_finite(), "{}: {value}", metric.name);
            assert_eq!(metric.measure(&picture, Some(&other)), Ok(value));
        }
    }

    #[test]
    fn a_missing_reference_is_told_with_what_can_be_measured() {
        let picture = testing::waves(20, 30, 0.0);
        for metric in with_reference() {
            let message = metric.measure(&picture, None).unwrap_err().to_string();
            assert!(
                message.starts_with(metric.name) && message.contains("uciqe"),
                "{message}"
            );
        }
    }

    #[test]
    fn names_are_found_and_differ() {
        for metric in METRICS {
            assert!(find(metric.name).is_some());
            assert_eq!(METRICS.iter().filter(|other| other.name == metric.name).count(), 1);
        }
        assert!(find("psnr").is_none());
    }

    #[test]
    fn different_sizes_are_refused_by_every_metric() {
        let (a, b) = (testing::waves(20, 30, 0.0), testing::waves(30, 20, 0.0));
        for metric in computed().filter(|metric| metric.needs_reference()) {
            let message = metric.measure(&a, Some(&b)).unwrap_err().to_string();
            assert!(message.contains("30x20 and 20x30"), "{message}");
        }
    }

    #[test]
    fn the_smallest_pictures_are_measured_or_refused() {
        for side in [1, 2, 6, 9, 10, 11] {
            let picture = testing::waves(side, side, 0.0);
            for metric in computed() {
                match metric.measure(&picture, Some(&picture)) {
                    Ok(value) => assert!(!value.is_nan(), "{} at {side}", metric.name),
                    Err(error) => assert!(matches!(error, MetricError::TooSmall { .. }), "{error}"),
                }
            }
        }
    }
}
