//! Rain streaks: O = clip(B + S) (Yang et al. 2017, "Deep Joint Rain Detection and Removal", eq. 1; Rain100L is its light set).
//!
//! Rain100L has one kind of streaks a picture: thin, bright, nearly parallel. S is made as photographs make it (Garg and Nayar
//! 2007): each falling drop is a point that the exposure draws out along the picture's one direction, faint at the ends,
//! with a Gaussian profile across. Near drops are long, wide and bright, far ones short, thin and faint.

use serde::{Deserialize, Serialize};

use super::{Degrade, check_range, to_level};
use crate::picture::Picture;
use crate::random::{Key, Stream};

/// Rain; direction, density and strength drawn once a picture, the rest once a drop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rain {
    /// Drops per 10,000 pixels.
    pub density: [f64; 2],
    /// Length of a streak in pixels: the farthest drop's and the nearest one's.
    pub length: [f64; 2],
    /// Standard deviation of the profile across a streak in pixels, far and near.
    pub width: [f64; 2],
    /// Light that the brightest streaks of a picture add, on \[0, 1\].
    pub strength: [f64; 2],
    /// Degrees from the vertical.
    pub tilt: [f64; 2],
}

impl Default for Rain {
    fn default() -> Self {
        Self {
            density: [10.0, 26.0],
            length: [10.0, 44.0],
            width: [0.45, 0.9],
            strength: [0.35, 0.75],
            tilt: [-30.0, 30.0],
        }
    }
}

/// One drawn-out drop.
struct Streak {
    middle: [f32; 2],
    /// Unit vector along the fall.
    along: [f32; 2],
    half_length: f32,
    width: f32,
    light: f32,
}

impl Rain {
    /// The streaks' light S: `height * width` values from 0 up.
    fn streaks(&self, width: usize, height: usize, stream: &mut Stream) -> Vec<f32> {
        let density = stream.between(self.density);
        let tilt = stream.between(self.tilt);
        let strength = stream.between(self.strength);
        let margin = self.length[1] as f32;
        let (reach_x, reach_y) = (width as f32 + 2.0 * margin, height as f32 + 2.0 * margin);
        let count = (f64::from(reach_x) * f64::from(reach_y) * density / 10_000.0 + 0.5) as usize;
        let mut light = vec![0.0; width * height];
        for _ in 0..count {
            // Small depths are rarer: the visible cone holds more far drops than near ones.
            let nearness = {
                let u = stream.unit();
                u * u
            };
            let between = |range: [f64; 2]| range[0] + (range[1] - range[0]) * nearness;
            let angle = (tilt + 1.5 * f64::from(stream.normal())).to_radians() as f32;
            let streak = Streak {
                middle: [
                    stream.unit_f32() * reach_x - margin,
                    stream.unit_f32() * reach_y - margin,
                ],
                along: [libm::sinf(angle), libm::cosf(angle)],
                half_length: (0.5 * between(self.length) * stream.between([0.8, 1.2])) as f32,
                width: between(self.width) as f32,
                light: (strength * (0.35 + 0.65 * nearness) * stream.between([0.5, 1.0])) as f32,
            };
            streak.add_to(&mut light, width, height);
        }
        light
    }
}

impl Streak {
    fn add_to(&self, light: &mut [f32], width: usize, height: usize) {
        let [ax, ay] = self.along;
        let reach = 3.0 * self.width + 1.0;
        let (reach_x, reach_y) = (self.half_length * ax.abs() + reach, self.half_length * ay.abs() + reach);
        let span = |middle: f32, reach: f32, size: usize| {
            let low = (middle - reach).max(0.0) as usize;
            let high = (middle + reach + 1.0).clamp(0.0, size as f32) as usize;
            low..high
        };
        for y in span(self.middle[1], reach_y, height) {
            for x in span(self.middle[0], reach_x, width) {
                let (dx, dy) = (x as f32 - self.middle[0], y as f32 - self.middle[1]);
                let across = (dx * ay - dy * ax) / self.width;
                let from_end = 1.0 - (dx * ax + dy * ay).abs() / self.half_length.max(0.5);
                if from_end <= 0.0 || across.abs() > 3.0 {
                    continue;
                }
                let fade = (2.5 * from_end).min(1.0);
                light[y * width + x] += self.light * fade * libm::expf(-0.5 * across * across);
            }
        }
    }
}

impl Degrade for Rain {
    fn kind(&self) -> &'static str {
        "rain"
    }

    fn check(&self) -> Result<(), String> {
        check_range("density", self.density, [0.0, 1000.0])?;
        check_range("length", self.length, [1.0, 500.0])?;
        check_range("width", self.width, [0.2, 20.0])?;
        check_range("strength", self.strength, [0.0, 1.0])?;
        check_range("tilt", self.tilt, [-80.0, 80.0])
    }

    fn apply(&self, clean: &Picture, seed: u64) -> Picture {
        let mut stream = Key::new("rain", seed).stream();
        let streaks = self.streaks(clean.width, clean.height, &mut stream);
        let mut rainy = clean.clone();
        for (pixel, light) in rainy.rgb.chunks_exact_mut(3).zip(&streaks) {
            for level in pixel {
                *level = to_level(f32::from(*level) / 255.0 + light);
            }
        }
        rainy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rain_only_adds_light_and_the_same_in_every_channel() {
        let mut clean = Picture::new(120, 90);
        clean.rgb.fill(60);
        let rainy = Rain::default().apply(&clean, 2);
        assert!(rainy.rgb.iter().all(|v| *v >= 60));
        assert!(rainy.rgb.chunks_exact(3).all(|p| p[0] == p[1] && p[1] == p[2]));
        let wet = rainy.rgb.iter().filter(|v| **v > 70).count() as f64 / rainy.rgb.len() as f64;
        assert!((0.01..0.35).contains(&wet), "{wet}");
    }

    #[test]
    fn streaks_run_along_the_tilt() {
        // Light changes little along the fall and much across it.
        let rain = Rain {
            tilt: [0.0, 0.0],
            ..Rain::default()
        };
        let light = rain.streaks(200, 200, &mut Key::new("test", 1).stream());
        let (mut along, mut across) = (0.0, 0.0);
        for y in 0..199 {
            for x in 0..199 {
                along += (light[(y + 1) * 200 + x] - light[y * 200 + x]).abs();
                across += (light[y * 200 + x + 1] - light[y * 200 + x]).abs();
            }
        }
        assert!(across > 5.0 * along, "{across} {along}");
    }

    #[test]
    fn no_density_is_no_rain() {
        let clean = Picture {
            width: 2,
            height: 1,
            rgb: vec![1, 2, 3, 4, 5, 6],
        };
        assert_eq!(
            Rain {
                density: [0.0, 0.0],
                ..Rain::default()
            }
            .apply(&clean, 1),
            clean
        );
    }
}
