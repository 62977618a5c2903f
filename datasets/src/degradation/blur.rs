//! Motion blur of a shaking camera.
//!
//! The camera's path over one exposure is the random walk of Boracchi and Foi (2012, "Modeling the Performance of Image
//! Restoration from Motion Blur") in DeblurGAN's form (Kupyn et al. 2018): a speed of constant size whose direction drifts by a
//! Gaussian pull, is called back to the start, and now and then jerks. The path, spread over the pixels it crosses, is the point
//! spread function; the picture is averaged under it. As in GoPro (Nah et al. 2017, eq. 2) light adds up before the
//! camera's curve, so averaging happens on level^2.2 unless `linear_light` is off.

use serde::{Deserialize, Serialize};

use super::{Degrade, check_range, to_level};
use crate::picture::Picture;
use crate::random::{Key, Stream};

/// Steps of a path: many enough that a 100-pixel path has no gaps.
const STEPS: usize = 800;
/// Entries of the table from light back to levels, evenly spaced in the square root of light.
const CURVE: usize = 4096;
const GAMMA: f64 = 2.2;

/// Motion blur; one path a picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Blur {
    /// Length of the camera's path in pixels.
    pub length: [f64; 2],
    /// How unsteady the hand is: 0 a straight line, 1 a scribble.
    pub shake: [f64; 2],
    /// Average light, not levels.
    pub linear_light: bool,
}

impl Default for Blur {
    fn default() -> Self {
        Self {
            length: [5.0, 14.0],
            shake: [0.0, 0.5],
            linear_light: true,
        }
    }
}

/// One pixel of a point spread function: where it reads from, and how much.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tap {
    pub dx: isize,
    pub dy: isize,
    pub weight: f32,
}

impl Blur {
    /// The point spread function of one exposure, centred on its own mean; the weights sum to 1.
    pub fn point_spread(&self, stream: &mut Stream) -> Vec<Tap> {
        let length = stream.between(self.length);
        let shake = stream.between(self.shake);
        let path = path(length, shake, stream);
        let count = path.len() as f64;
        let mean = path
            .iter()
            .fold([0.0, 0.0], |m, p| [m[0] + p[0] / count, m[1] + p[1] / count]);

        let reach = length.ceil() as isize + 1;
        let side = (2 * reach + 1) as usize;
        let mut grid = vec![0.0f64; side * side];
        for [x, y] in &path {
            let (x, y) = (x - mean[0] + reach as f64, y - mean[1] + reach as f64);
            let (left, top) = (x.floor(), y.floor());
            let (right, below) = (x - left, y - top);
            let at = top as usize * side + left as usize;
            grid[at] += (1.0 - right) * (1.0 - below) / count;
            grid[at + 1] += right * (1.0 - below) / count;
            grid[at + side] += (1.0 - right) * below / count;
            grid[at + side + 1] += right * below / count;
        }
        let tap = |(i, weight): (usize, &f64)| Tap {
            dx: (i % side) as isize - reach,
            dy: (i / side) as isize - reach,
            weight: *weight as f32,
        };
        grid.iter()
            .enumerate()
            .filter(|(_, weight)| **weight > 1e-6)
            .map(tap)
            .collect()
    }
}

/// Points of the camera's path, in pixels.
fn path(length: f64, shake: f64, stream: &mut Stream) -> Vec<[f64; 2]> {
    let step = length / (STEPS - 1) as f64;
    let angle = stream.between([0.0, std::f64::consts::TAU]);
    let pull = stream.between([0.0, 0.7]);
    let jerk = stream.between([0.0, 0.2]) * shake * 0.03;
    // A Gaussian turn each step; over the whole path the direction wanders by about 2 · shake radians.
    let drift = 2.0 * shake / (STEPS as f64).sqrt();
    let call_back = 4.0 * pull * shake / (length.max(1.0) * STEPS as f64);
    let (mut x, mut y) = (0.0, 0.0);
    let (mut vx, mut vy) = (libm::cos(angle), libm::sin(angle));
    let mut points = Vec::with_capacity(STEPS);
    for _ in 0..STEPS {
        points.push([x, y]);
        vx += drift * f64::from(stream.normal()) - call_back * x;
        vy += drift * f64::from(stream.normal()) - call_back * y;
        if stream.chance(jerk) {
            let turn = std::f64::consts::PI + stream.between([-0.5, 0.5]);
            let (sin, cos) = (libm::sin(turn), libm::cos(turn));
            (vx, vy) = (vx + 2.0 * (vx * cos - vy * sin), vy + 2.0 * (vx * sin + vy * cos));
        }
        let speed = (vx * vx + vy * vy).sqrt().max(1e-9);
        (vx, vy) = (vx / speed, vy / speed);
        (x, y) = (x + step * vx, y + step * vy);
    }
    points
}

/// Averages one plane under the taps; beyond the borders the border pixel repeats.
fn average(plane: &[f32], width: usize, height: usize, taps: &[Tap]) -> Vec<f32> {
    let reach = taps.iter().map(|t| t.dx.abs().max(t.dy.abs())).max().unwrap_or(0);
    let pad = reach as usize;
    let wide = width + 2 * pad;
    let mut padded = Vec::with_capacity(wide * height);
    for row in plane.chunks_exact(width) {
        padded.extend(std::iter::repeat_n(row[0], pad));
        padded.extend_from_slice(row);
        padded.extend(std::iter::repeat_n(row[width - 1], pad));
    }
    let mut out = vec![0.0f32; width * height];
    for (y, row) in out.chunks_exact_mut(width).enumerate() {
        for tap in taps {
            let from_row = (y as isize + tap.dy).clamp(0, height as isize - 1) as usize;
            let start = from_row * wide + (reach + tap.dx) as usize;
            for (sum, value) in row.iter_mut().zip(&padded[start..start + width]) {
                *sum += tap.weight * value;
            }
        }
    }
    out
}

impl Degrade for Blur {
    fn kind(&self) -> &'static str {
        "blur"
    }

    fn check(&self) -> Result<(), String> {
        check_range("length", self.length, [0.0, 200.0])?;
        check_range("shake", self.shake, [0.0, 1.0])
    }

    fn apply(&self, clean: &Picture, seed: u64) -> Picture {
        let taps = self.point_spread(&mut Key::new("blur", seed).stream());
        let (to_light, to_root) = if self.linear_light {
            (GAMMA, 2.0 / GAMMA)
        } else {
            (1.0, 2.0)
        };
        let light: Vec<f32> = (0..256)
            .map(|v| libm::pow(f64::from(v) / 255.0, to_light) as f32)
            .collect();
        let levels: Vec<u8> = (0..=CURVE)
            .map(|i| to_level(libm::pow(i as f64 / CURVE as f64, to_root) as f32))
            .collect();

        let (width, height) = (clean.width, clean.height);
        let mut blurred = Picture::new(width, height);
        let mut plane = vec![0.0; width * height];
        for channel in 0..3 {
            for (value, pixel) in plane.iter_mut().zip(clean.rgb.chunks_exact(3)) {
                *value = light[usize::from(pixel[channel])];
            }
            let averaged = average(&plane, width, height, &taps);
            for (pixel, value) in blurred.rgb.chunks_exact_mut(3).zip(&averaged) {
                pixel[channel] = levels[(value.clamp(0.0, 1.0).sqrt() * CURVE as f32 + 0.5) as usize];
            }
        }
        blurred
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_spread_sums_to_one_and_is_centred() {
        for seed in 0..20 {
            let taps = Blur::default().point_spread(&mut Key::new("test", seed).stream());
            let moment = |f: &dyn Fn(&Tap) -> f32| taps.iter().map(|t| t.weight * f(t)).sum::<f32>();
            assert!((moment(&|_| 1.0) - 1.0).abs() < 1e-3);
            assert!(moment(&|t| t.dx as f32).abs() < 0.05 && moment(&|t| t.dy as f32).abs() < 0.05);
            assert!(
                taps.iter().all(|t| t.dx.abs() <= 10 && t.dy.abs() <= 10),
                "half of 16 pixels, and the shake"
            );
        }
    }

    #[test]
    fn a_steady_hand_draws_a_straight_line_of_the_given_length() {
        let blur = Blur {
            length: [20.0, 20.0],
            shake: [0.0, 0.0],
            linear_light: true,
        };
        let taps = blur.point_spread(&mut Key::new("test", 1).stream());
        let farthest = |sign: f64| {
            let reach = taps.iter().map(|t| ((t.dx * t.dx + t.dy * t.dy) as f64).sqrt());
            reach.fold(0.0f64, |a, b| a.max(b * sign))
        };
        assert!((9.0..11.8).contains(&farthest(1.0)), "{}", farthest(1.0));
    }

    #[test]
    fn every_level_survives_a_flat_picture() {
        for linear_light in [true, false] {
            for level in 0..=255 {
                let flat = Picture {
                    width: 3,
                    height: 2,
                    rgb: vec![level; 18],
                };
                let blurred = Blur {
                    linear_light,
                    ..Blur::default()
                }
                .apply(&flat, 1);
                assert!(
                    blurred.rgb.iter().all(|v| v.abs_diff(level) <= 1),
                    "{level} {:?}",
                    blurred.rgb
                );
            }
        }
    }

    #[test]
    fn bright_points_spread_wider_in_linear_light() {
        let mut star = Picture::new(41, 41);
        star.rgb[(20 * 41 + 20) * 3..(20 * 41 + 20) * 3 + 3].fill(255);
        let sum = |linear_light| -> u64 {
            let blur = Blur {
                linear_light,
                ..Blur::default()
            };
            blur.apply(&star, 4).rgb.iter().map(|v| u64::from(*v)).sum()
        };
        assert!(sum(true) > 2 * sum(false), "{} {}", sum(true), sum(false));
    }
}
