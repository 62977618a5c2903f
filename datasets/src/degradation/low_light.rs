//! Low light: I = β·(α·J)^γ, and the noise of few photons.
//!
//! The model of MBLLEN (Lv et al. 2018, eq. 1), which made its pictures with α from U(0.9, 1), β from U(0.5, 1), γ from U(1.5, 5) and
//! Poisson noise of peak 200. Here γ starts at 2.2, where the picture first looks like LOL's (Wei et al. 2018) instead of merely
//! dull, and ends at 4, beyond which 8 bits hold nothing in the shadows; the rest is MBLLEN's. The Poisson noise
//! is drawn as a Gaussian of the same variance plus the sensor's own (Foi et al. 2008): variance I / photons + (read / 255)².

use serde::{Deserialize, Serialize};

use super::{Degrade, check_range, check_value, to_level};
use crate::picture::Picture;
use crate::random::Key;

/// Low light; one α, β and γ a picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LowLight {
    /// Gain before the curve.
    pub alpha: [f64; 2],
    /// Gain after the curve.
    pub beta: [f64; 2],
    /// The darkening curve's exponent.
    pub gamma: [f64; 2],
    /// Photons that white stands for: fewer are noisier.
    pub photons: f64,
    /// The sensor's own noise, standard deviation on the 0-255 scale.
    pub read: f64,
}

impl Default for LowLight {
    fn default() -> Self {
        Self {
            alpha: [0.9, 1.0],
            beta: [0.5, 1.0],
            gamma: [2.2, 4.0],
            photons: 200.0,
            read: 0.5,
        }
    }
}

impl Degrade for LowLight {
    fn kind(&self) -> &'static str {
        "low-light"
    }

    fn check(&self) -> Result<(), String> {
        check_range("alpha", self.alpha, [0.0, 1.0])?;
        check_range("beta", self.beta, [0.0, 1.0])?;
        check_range("gamma", self.gamma, [0.1, 10.0])?;
        check_value("photons", self.photons, [1.0, 1e9])?;
        check_value("read", self.read, [0.0, 255.0])
    }

    fn apply(&self, clean: &Picture, seed: u64) -> Picture {
        let mut stream = Key::new("low-light", seed).stream();
        let alpha = stream.between(self.alpha);
        let beta = stream.between(self.beta);
        let gamma = stream.between(self.gamma);
        let read = self.read / 255.0;
        // Levels are 256: the curve and the noise's σ are tables.
        let table: Vec<(f32, f32)> = (0..256)
            .map(|v| {
                let light = beta * libm::pow(alpha * f64::from(v) / 255.0, gamma);
                (light as f32, (light / self.photons + read * read).sqrt() as f32)
            })
            .collect();
        let mut dark = clean.clone();
        for level in &mut dark.rgb {
            let (light, sigma) = table[usize::from(*level)];
            *level = to_level(light + sigma * stream.normal());
        }
        dark
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(level: u8) -> Picture {
        Picture {
            width: 100,
            height: 100,
            rgb: vec![level; 30_000],
        }
    }

    fn mean(picture: &Picture) -> f64 {
        picture.rgb.iter().map(|v| f64::from(*v)).sum::<f64>() / picture.rgb.len() as f64
    }

    #[test]
    fn the_mean_follows_the_curve() {
        let fixed = LowLight {
            alpha: [0.9; 2],
            beta: [0.8; 2],
            gamma: [2.0; 2],
            ..LowLight::default()
        };
        // 255 · 0.8 · (0.9 · 200 / 255)² = 101.6
        let measured = mean(&fixed.apply(&grey(200), 1));
        assert!((measured - 101.65).abs() < 0.5, "{measured}");
    }

    #[test]
    fn noise_is_that_of_the_photons() {
        let fixed = LowLight {
            alpha: [1.0; 2],
            beta: [1.0; 2],
            gamma: [1.0; 2],
            photons: 100.0,
            read: 0.0,
        };
        let noisy = fixed.apply(&grey(102), 1);
        let middle = mean(&noisy);
        let deviation = noisy.rgb.iter().map(|v| (f64::from(*v) - middle).powi(2)).sum::<f64>() / 30_000.0;
        // 0.4 of 100 photons: σ = 255 · √(0.4 / 100) = 16.1; rounding adds 1/12 to the variance.
        assert!((deviation.sqrt() - 16.13).abs() < 0.35, "{}", deviation.sqrt());
    }

    #[test]
    fn black_stays_black_but_for_the_sensor() {
        let quiet = LowLight {
            read: 0.0,
            ..LowLight::default()
        };
        assert_eq!(quiet.apply(&grey(0), 1), grey(0));
    }
}
