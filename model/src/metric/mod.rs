//! Metrics of a restored picture against the clean one, on the CPU and without tensors.
//!
//! A metric's name carries its protocol: numbers of two protocols never stand in one column. [`METRICS`] is the registry.

mod psnr;
mod ssim;

pub use psnr::psnr_rgb;
pub use ssim::ssim_rgb;

/// A picture as three planes (red, green, blue), row after row, values 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Planes {
    values: Vec<f32>,
    height: usize,
    width: usize,
}

impl Planes {
    /// Of `[3, height, width]` values.
    pub fn new(values: Vec<f32>, height: usize, width: usize) -> Result<Self, MetricError> {
        if values.len() == 3 * height * width {
            Ok(Self { values, height, width })
        } else {
            Err(MetricError::Length {
                length: values.len(),
                height,
                width,
            })
        }
    }

    /// Of 8-bit pixels, `[height, width, 3]`.
    pub fn from_rgb8(pixels: &[u8], height: usize, width: usize) -> Result<Self, MetricError> {
        let plane = |channel: usize| {
            pixels
                .iter()
                .skip(channel)
                .step_by(3)
                .map(|&level| f32::from(level) / 255.0)
        };
        Self::new((0..3).flat_map(plane).collect(), height, width)
    }

    pub fn height(&self) -> usize {
        self.height
    }

    pub fn width(&self) -> usize {
        self.width
    }

    /// `[3, height, width]`.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    fn of_one_size(&self, other: &Self) -> Result<(), MetricError> {
        if (self.height, self.width) == (other.height, other.width) {
            return Ok(());
        }
        let (height, width, other_height, other_width) = (self.height, self.width, other.height, other.width);
        Err(MetricError::Sizes {
            height,
            width,
            other_height,
            other_width,
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetricError {
    #[error(
        "pictures of different sizes: {width}x{height} and {other_width}x{other_height}; compare pairs of one size"
    )]
    Sizes {
        height: usize,
        width: usize,
        other_height: usize,
        other_width: usize,
    },
    #[error("a picture of {width}x{height} is too small for {metric}, which looks through a {window}x{window} window")]
    TooSmall {
        metric: &'static str,
        height: usize,
        width: usize,
        window: usize,
    },
    #[error("{length} values do not make three planes of {width}x{height}")]
    Length { length: usize, height: usize, width: usize },
}

/// Which of two values is the better picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    Higher,
    Lower,
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
    /// Of the restored picture and the clean one.
    pub measure: fn(&Planes, &Planes) -> Result<f64, MetricError>,
}

/// All metrics.
pub const METRICS: &[Metric] = &[
    Metric {
        name: "psnr_rgb",
        label: "PSNR",
        unit: "dB",
        better: Better::Higher,
        measure: psnr_rgb,
    },
    Metric {
        name: "ssim_rgb",
        label: "SSIM",
        unit: "",
        better: Better::Higher,
        measure: ssim_rgb,
    },
];

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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_prefers_the_picture_itself() {
        let (clean, restored) = (testing::waves(20, 30, 0.0), testing::waves(20, 30, 0.3));
        for metric in METRICS {
            let itself = (metric.measure)(&clean, &clean).unwrap();
            let other = (metric.measure)(&restored, &clean).unwrap();
            let better = if metric.better == Better::Higher {
                itself > other
            } else {
                itself < other
            };
            assert!(better, "{}: {itself} {other}", metric.name);
        }
    }

    #[test]
    fn names_are_found() {
        assert!(
            METRICS
                .iter()
                .all(|metric| find(metric.name).is_some_and(|found| found.name == metric.name))
        );
        assert!(find("psnr").is_none());
    }

    #[test]
    fn different_sizes_are_refused_by_every_metric() {
        let (a, b) = (testing::waves(20, 30, 0.0), testing::waves(30, 20, 0.0));
        for metric in METRICS {
            let message = (metric.measure)(&a, &b).unwrap_err().to_string();
            assert!(message.contains("30x20 and 20x30"), "{message}");
        }
    }

    #[test]
    fn bytes_become_planes() {
        let planes = Planes::from_rgb8(&[255, 0, 51, 0, 255, 102], 1, 2).unwrap();
        assert_eq!(planes.values(), [1.0, 0.0, 0.0, 1.0, 0.2, 0.4]);
        assert!(matches!(
            Planes::from_rgb8(&[0; 5], 1, 2),
            Err(MetricError::Length { .. })
        ));
    }
}
