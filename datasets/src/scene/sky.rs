//! Skies: what landscapes, coasts and streets stand under, and the colour of the light that falls on them.

use super::canvas::Canvas;
use super::colour::{Rgb, hex};
use super::field::fractal;
use super::point::{Point, at, smooth};
use crate::random::Stream;

/// Zenith, horizon, sun or moon, cloud, and the light on the ground.
const HOURS: [[u32; 5]; 8] = [
    [0x2f6fb5, 0xbfdcee, 0xfffbe6, 0xffffff, 0xfffaf0],
    [0x5b93c9, 0xdfe9ea, 0xfffff5, 0xf7f7f4, 0xf8f6ee],
    [0x394a7a, 0xf6b784, 0xffe9b0, 0xe58f7b, 0xffcf9e],
    [0x4a3f6b, 0xf08a5d, 0xffd27a, 0xb85c6b, 0xf2a98a],
    [0x8896a3, 0xcfd6d8, 0xf4f4ee, 0xb4bcc2, 0xccd0cf],
    [0x1a2747, 0x5b6f95, 0xf3efd8, 0x3a4a6e, 0x8795b5],
    [0x6aa6c8, 0xf3e3c3, 0xfff3d0, 0xfdf1e2, 0xfff0d2],
    [0x3f7f8f, 0xe8d8b8, 0xfff6dc, 0xf0e4d0, 0xf5e8cc],
];

/// One sky.
pub struct Sky {
    pub zenith: Rgb,
    pub horizon: Rgb,
    /// Multiplies the colours of what the sky lights.
    pub light: Rgb,
    pub sun: Point,
    /// Where the sky ends.
    pub level: f32,
    sun_colour: Rgb,
    sun_radius: f32,
    cloud: Rgb,
    /// Field value above which there is cloud: about 0.6 clear, -0.2 covered.
    clear: f32,
    seed: u32,
}

impl Sky {
    /// A sky down to the height `level` of a canvas of the given aspect ratio.
    pub fn random(stream: &mut Stream, aspect: f32, level: f32) -> Self {
        let [zenith, horizon, sun, cloud, light] = stream.pick(&HOURS).map(|code| hex(code).vary(stream, 0.06));
        Self {
            zenith,
            horizon,
            light,
            sun: at(aspect * stream.span(0.1, 0.9), level * stream.span(0.15, 0.9)),
            level,
            sun_colour: sun,
            sun_radius: stream.span(0.015, 0.05),
            cloud,
            clear: stream.span(-0.2, 0.55),
            seed: stream.bits32(),
        }
    }

    /// The sky's colour at a place; below `level` it goes on as at the level.
    pub fn at(&self, p: Point) -> Rgb {
        let height = (1.0 - p.y / self.level.max(0.05)).clamp(0.0, 1.0);
        let mut colour = self.horizon.mix(self.zenith, height.sqrt() * (0.6 + 0.4 * height));
        let from_sun = (p - self.sun).length();
        let glow = 0.09 / (0.09 + from_sun * from_sun * 3.0);
        colour = colour.mix(self.sun_colour, 0.45 * glow * glow);
        let disc = 1.0 - smooth(self.sun_radius * 0.9, self.sun_radius, from_sun);
        colour = colour.mix(self.sun_colour * 1.15, disc);

        // Clouds lie on a plane overhead: small and flat near the horizon.
        let far = 1.0 / (0.16 + height);
        let field = fractal(self.seed, at((p.x - 0.6) * far * 1.6, far * 2.6), 5);
        let thick = smooth(self.clear, self.clear + 0.45, field);
        let lit = 0.86 + 0.3 * (field - self.clear).clamp(0.0, 0.5);
        colour.mix(self.cloud * lit, 0.9 * thick * smooth(0.0, 0.16, height))
    }

    /// Paints the whole canvas with it.
    pub fn paint(&self, canvas: &mut Canvas) {
        canvas.paint(|p| self.at(p));
    }

    /// A colour seen through `distance` (0 to 1) of this air.
    pub fn through_air(&self, colour: Rgb, distance: f32) -> Rgb {
        colour.tint(self.light).mix(self.horizon, distance)
    }
}
