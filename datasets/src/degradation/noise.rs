//! Gaussian noise: y = x + n, n ~ N(0, (σ/255)²), drawn anew for each pixel and channel; σ on the 0-255 scale.
//!
//! The standard model of blind denoising (Zhang et al., DnCNN, 2017). Papers differ in how the result is stored:
//! Restormer rounds to 8 bits, PromptIR truncates (`astype(uint8)`), some evaluate without storing. The protocol says which.

use serde::{Deserialize, Serialize};

use super::{Degrade, check_value, to_level};
use crate::picture::Picture;
use crate::random::{Key, Stream};

/// Values that are worked on at once, in buffers that stay in the first-level cache.
const AT_ONCE: usize = 1024;

/// Additive white Gaussian noise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Noise {
    /// Standard deviation on the 0-255 scale; papers use 15, 25 and 50.
    pub sigma: f64,
    /// What becomes of the noisy value.
    #[serde(default)]
    pub protocol: Protocol,
}

/// What becomes of the noisy value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// Clipped to \[0, 1\]; rounded to 8 bits only when stored as a picture.
    Float,
    /// Clipped and rounded to the nearest of the 256 levels, also in batches (Restormer's test data; the default).
    #[default]
    Rounded,
    /// Clipped and cut down to the level below (PromptIR, AirNet): darker by half a level on average.
    Truncated,
}

impl Noise {
    /// Noise of this σ, rounded.
    pub fn new(sigma: f64) -> Self {
        Self {
            sigma,
            protocol: Protocol::default(),
        }
    }

    /// Adds noise to f32 levels in \[0, 1\] of any layout, in order.
    pub fn apply_to_planes(&self, planes: &mut [f32], stream: &mut Stream) {
        let sigma = (self.sigma / 255.0) as f32;
        let mut drawn = [0.0; AT_ONCE];
        for planes in planes.chunks_mut(AT_ONCE) {
            let drawn = &mut drawn[..planes.len()];
            stream.normals(drawn);
            let noisy = planes.iter_mut().zip(&*drawn);
            let noisy = noisy.map(|(value, normal)| {
                *value = (*value + sigma * normal).clamp(0.0, 1.0);
                value
            });
            // Through i32 and not u8: the compiler has vector instructions for that.
            match self.protocol {
                Protocol::Float => noisy.for_each(drop),
                Protocol::Rounded => noisy.for_each(|value| *value = (*value * 255.0 + 0.5) as i32 as f32 / 255.0),
                Protocol::Truncated => noisy.for_each(|value| *value = (*value * 255.0) as i32 as f32 / 255.0),
            }
        }
    }
}

impl Degrade for Noise {
    fn kind(&self) -> &'static str {
        "noise"
    }

    fn label(&self) -> String {
        format!("noise{}", self.sigma)
    }

    fn check(&self) -> Result<(), String> {
        check_value("sigma", self.sigma, [0.0, 255.0])
    }

    fn apply(&self, clean: &Picture, seed: u64) -> Picture {
        let mut stream = Key::new("noise", seed).stream();
        let mut noisy = clean.clone();
        let mut values = [0.0; AT_ONCE];
        for levels in noisy.rgb.chunks_mut(AT_ONCE) {
            let values = &mut values[..levels.len()];
            for (value, level) in values.iter_mut().zip(&*levels) {
                *value = f32::from(*level) / 255.0;
            }
            self.apply_to_planes(values, &mut stream);
            for (level, value) in levels.iter_mut().zip(values) {
                *level = to_level(*value);
            }
        }
        noisy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(level: u8) -> Picture {
        let mut picture = Picture::new(200, 200);
        picture.rgb.fill(level);
        picture
    }

    fn mean_and_deviation(picture: &Picture, around: f64) -> (f64, f64) {
        let count = picture.rgb.len() as f64;
        let mean = picture.rgb.iter().map(|v| f64::from(*v) - around).sum::<f64>() / count;
        let square = picture
            .rgb
            .iter()
            .map(|v| (f64::from(*v) - around).powi(2))
            .sum::<f64>()
            / count;
        (mean, (square - mean * mean).sqrt())
    }

    #[test]
    fn mid_grey_gets_the_nominal_sigma() {
        // 120,000 values: the standard error of the measured σ is σ/490; rounding adds 1/12 to the variance.
        for sigma in [5.0, 15.0, 25.0] {
            let (mean, measured) = mean_and_deviation(&Noise::new(sigma).apply(&grey(128), 1), 128.0);
            let expected = (sigma * sigma + 1.0 / 12.0).sqrt();
            assert!((measured - expected).abs() < sigma * 0.01, "{sigma}: {measured}");
            assert!(mean.abs() < sigma * 0.012, "{sigma}: {mean}");
        }
    }

    #[test]
    fn truncation_darkens_by_half_a_level() {
        let noise = Noise {
            sigma: 10.0,
            protocol: Protocol::Truncated,
        };
        let (cut, _) = mean_and_deviation(&noise.apply(&grey(128), 1), 128.0);
        let (rounded, _) = mean_and_deviation(&Noise::new(10.0).apply(&grey(128), 1), 128.0);
        assert!((rounded - cut - 0.5).abs() < 0.02, "{rounded} {cut}");
    }

    #[test]
    fn only_the_float_protocol_leaves_values_between_levels() {
        for (protocol, between) in [
            (Protocol::Float, true),
            (Protocol::Rounded, false),
            (Protocol::Truncated, false),
        ] {
            let mut planes = vec![0.5; 3000];
            Noise { sigma: 80.0, protocol }.apply_to_planes(&mut planes, &mut Key::new("test", 1).stream());
            assert!(planes.iter().all(|v| (0.0..=1.0).contains(v)));
            let off_grid = planes.iter().any(|v| (v * 255.0 - (v * 255.0).round()).abs() > 1e-3);
            assert_eq!(off_grid, between, "{protocol:?}");
        }
    }

    #[test]
    fn no_noise_changes_nothing() {
        assert_eq!(Noise::new(0.0).apply(&grey(77), 3), grey(77));
    }

    #[test]
    fn sigma_is_in_the_label() {
        assert_eq!(Noise::new(25.0).label(), "noise25");
        assert_eq!(Noise::new(12.5).label(), "noise12.5");
    }
}
