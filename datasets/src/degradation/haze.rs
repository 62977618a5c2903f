//! Haze by atmospheric scattering: I = J·t + A·(1 − t), t = exp(−β·d) (Narasimhan and Nayar 2002).
//!
//! RESIDE (Li et al. 2019) makes its pictures so, with β and a grey A drawn from ranges and d from a depth camera (indoor) or an
//! estimate (outdoor). A lone photograph has no depth, so d is a cue computed from the picture, in \[0, 1\]:
//! the mean of (a) the height in the frame, for the ground recedes upwards, and (b) the colour attenuation prior of Zhu, Mai
//! and Shao (2015), 0.1218 + 0.9597·value − 0.7802·saturation: far things are pale; then smoothed along the picture's own
//! edges by a guided filter and stretched so that the nearest point is at `nearest` and the farthest at 1.

use serde::{Deserialize, Serialize};

use super::filter::guided;
use super::{Degrade, check_range, check_value, to_level};
use crate::picture::Picture;
use crate::random::Key;

/// Haze; one β and one A a picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Haze {
    /// Scattering per unit of depth; RESIDE's indoor range (its depth, like ours, ends near 1).
    pub beta: [f64; 2],
    /// Airlight, the haze's own grey; RESIDE's range.
    pub airlight: [f64; 2],
    /// Depth of the nearest point, between 0 (untouched there) and 1 (a flat veil).
    pub nearest: f64,
}

impl Default for Haze {
    fn default() -> Self {
        Self {
            beta: [0.6, 1.8],
            airlight: [0.7, 1.0],
            nearest: 0.1,
        }
    }
}

impl Haze {
    /// The depth cue: `height * width` values in \[`nearest`, 1\].
    pub fn depth(&self, clean: &Picture) -> Vec<f32> {
        let (width, height) = (clean.width, clean.height);
        let mut cue = Vec::with_capacity(width * height);
        let mut grey = Vec::with_capacity(width * height);
        for (i, pixel) in clean.rgb.chunks_exact(3).enumerate() {
            let [r, g, b] = [pixel[0], pixel[1], pixel[2]].map(|v| f32::from(v) / 255.0);
            let (most, least) = (r.max(g).max(b), r.min(g).min(b));
            let saturation = if most > 0.0 { (most - least) / most } else { 0.0 };
            let attenuation = (0.121_779 + 0.959_710 * most - 0.780_245 * saturation).clamp(0.0, 1.0);
            let upwards = 1.0 - (i / width) as f32 / (height.max(2) - 1) as f32;
            cue.push(0.5 * upwards + 0.5 * attenuation);
            grey.push((r + g + b) / 3.0);
        }
        let radius = (width.max(height) / 16).max(2);
        let mut depth = guided(&cue, &grey, width, radius, 1e-2);

        let (low, high) = depth
            .iter()
            .fold((f32::MAX, f32::MIN), |(low, high), d| (low.min(*d), high.max(*d)));
        let nearest = self.nearest as f32;
        let stretch = if high > low {
            (1.0 - nearest) / (high - low)
        } else {
            0.0
        };
        for d in &mut depth {
            *d = nearest + (*d - low) * stretch;
        }
        depth
    }
}

impl Degrade for Haze {
    fn kind(&self) -> &'static str {
        "haze"
    }

    fn check(&self) -> Result<(), String> {
        check_range("beta", self.beta, [0.0, 10.0])?;
        check_range("airlight", self.airlight, [0.0, 1.0])?;
        check_value("nearest", self.nearest, [0.0, 1.0])
    }

    fn apply(&self, clean: &Picture, seed: u64) -> Picture {
        let mut stream = Key::new("haze", seed).stream();
        let beta = stream.between(self.beta) as f32;
        let airlight = stream.between(self.airlight) as f32;
        let depth = self.depth(clean);
        let mut hazy = clean.clone();
        for (pixel, d) in hazy.rgb.chunks_exact_mut(3).zip(&depth) {
            let transmission = libm::expf(-beta * d);
            let veil = airlight * (1.0 - transmission);
            for level in pixel {
                *level = to_level(f32::from(*level) / 255.0 * transmission + veil);
            }
        }
        hazy
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene;

    #[test]
    fn depth_spans_nearest_to_one_and_grows_upwards() {
        let haze = Haze::default();
        let clean = scene::render(1, 0, 96, 96);
        let depth = haze.depth(&clean);
        let low = depth.iter().copied().fold(f32::MAX, f32::min);
        let high = depth.iter().copied().fold(f32::MIN, f32::max);
        assert!((low - 0.1).abs() < 1e-5 && (high - 1.0).abs() < 1e-5, "{low} {high}");
        let mean = |rows: &[f32]| rows.iter().sum::<f32>() / rows.len() as f32;
        assert!(mean(&depth[..96 * 24]) > mean(&depth[96 * 72..]) + 0.2);
    }

    #[test]
    fn thick_haze_is_the_airlight_and_none_is_the_picture() {
        let clean = scene::render(1, 3, 64, 64);
        let thick = Haze {
            beta: [10.0, 10.0],
            airlight: [0.8, 0.8],
            nearest: 1.0,
        }
        .apply(&clean, 1);
        assert!(thick.rgb.iter().all(|v| *v == 204));
        let none = Haze {
            beta: [0.0, 0.0],
            ..Haze::default()
        }
        .apply(&clean, 1);
        assert_eq!(none, clean);
    }

    #[test]
    fn a_flat_picture_is_hazed_without_dividing_by_zero() {
        let grey = Picture {
            width: 1,
            height: 1,
            rgb: vec![10, 10, 10],
        };
        let hazy = Haze::default().apply(&grey, 1);
        assert!(hazy.rgb[0] > 10 && hazy.rgb.iter().all(|v| *v == hazy.rgb[0]));
    }
}
