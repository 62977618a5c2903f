//! What surfaces look like close up: one function of a place on the surface, in two colours of the scene's palette.

use super::colour::{Palette, Rgb};
use super::field::{floor, fractal, fraction, noise, uniform};
use super::point::{Point, Turn, at, mix, smooth};
use crate::random::Stream;

/// The ways a surface can be patterned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    Plain,
    Stripes,
    Checker,
    Dots,
    Plaid,
    Zigzag,
    Bricks,
    Planks,
    Marble,
    Speckle,
}

/// Patterns of cloth, paper and paint.
pub const PRINTED: [Pattern; 6] = [
    Pattern::Plain,
    Pattern::Stripes,
    Pattern::Checker,
    Pattern::Dots,
    Pattern::Plaid,
    Pattern::Zigzag,
];
/// Patterns of walls and floors.
pub const BUILT: [Pattern; 5] = [
    Pattern::Bricks,
    Pattern::Planks,
    Pattern::Marble,
    Pattern::Speckle,
    Pattern::Checker,
];

/// A patterned surface.
#[derive(Clone, Copy, Debug)]
pub struct Texture {
    pub pattern: Pattern,
    /// Size of one repeat, in the units of the surface.
    pub scale: f32,
    pub turn: Turn,
    pub ground: Rgb,
    pub figure: Rgb,
    pub seed: u32,
    /// Width of the smooth edge between the colours, in repeats.
    pub soft: f32,
}

impl Texture {
    /// A texture of one of the patterns; `texel` is the canvas's, so that edges are as sharp as it can show.
    pub fn random(stream: &mut Stream, palette: &Palette, patterns: &[Pattern], scale: [f32; 2], texel: f32) -> Self {
        let (ground, figure) = palette.two(stream);
        let scale = stream.span(scale[0], scale[1]).max(5.0 * texel);
        let straight = stream.chance(0.4);
        Self {
            pattern: *stream.pick(patterns),
            scale,
            turn: if straight { Turn::by(0.0) } else { Turn::random(stream) },
            ground,
            figure,
            seed: stream.bits32(),
            soft: 1.2 * texel / scale,
        }
    }

    /// The same, unturned: for bricks and planks, which lie level.
    pub fn level(mut self) -> Self {
        self.turn = Turn::by(0.0);
        self
    }

    /// The colour at a place.
    pub fn at(&self, p: Point) -> Rgb {
        let u = self.turn.undo(p) * (1.0 / self.scale);
        let (a, b) = (self.ground, self.figure);
        match self.pattern {
            Pattern::Plain => a * (1.0 + 0.05 * noise(self.seed, u * 2.0)),
            Pattern::Stripes => a.mix(b, self.band(u.x, 0.5)),
            Pattern::Checker => {
                let (x, y) = (
                    2.0 * self.band(u.x * 0.5, 0.5) - 1.0,
                    2.0 * self.band(u.y * 0.5, 0.5) - 1.0,
                );
                a.mix(b, 0.5 + 0.5 * x * y)
            }
            Pattern::Dots => {
                let row = floor(u.y);
                let x = u.x + 0.5 * (row & 1) as f32;
                let off = at(fraction(x) - 0.5, fraction(u.y) - 0.5).length();
                a.mix(b, 1.0 - smooth(0.28 - self.soft, 0.28 + self.soft, off))
            }
            Pattern::Plaid => {
                let thick = a.mix(b, 0.5 * self.band(u.x, 0.45)).mix(b, 0.5 * self.band(u.y, 0.45));
                let thin = self.band(u.x + 0.5, 0.08).max(self.band(u.y + 0.5, 0.08));
                thick.mix(Rgb::WHITE, 0.4 * thin)
            }
            Pattern::Zigzag => {
                let wave = (2.0 * fraction(u.x * 0.7) - 1.0).abs();
                a.mix(b, self.band(u.y + 0.7 * wave, 0.5))
            }
            Pattern::Bricks => self.bricks(u),
            Pattern::Planks => self.planks(u),
            Pattern::Marble => {
                let vein = fractal(self.seed, u + at(noise(self.seed ^ 9, u * 0.7), 0.0) * 1.5, 4).abs();
                b.mix(a, smooth(0.0, 0.35, vein))
            }
            Pattern::Speckle => {
                let grain = fractal(self.seed, u * 3.0, 3);
                a.mix(b, smooth(0.15, 0.55, grain)) * (1.0 + 0.25 * noise(self.seed ^ 5, u * 0.6))
            }
        }
    }

    /// 1 inside the middle `duty` of each unit, 0 outside, smooth at the edges.
    fn band(&self, t: f32, duty: f32) -> f32 {
        let from_middle = (fraction(t) - 0.5).abs();
        1.0 - smooth(duty * 0.5 - self.soft, duty * 0.5 + self.soft, from_middle)
    }

    /// Bricks twice as wide as high in running bond, each of its own tone; `figure` is the mortar.
    fn bricks(&self, u: Point) -> Rgb {
        let row = floor(u.y * 2.0);
        let x = u.x + 0.5 * (row & 1) as f32;
        let id = (floor(x), row);
        let (dx, dy) = (0.5 - (fraction(x) - 0.5).abs(), 0.5 - (fraction(u.y * 2.0) - 0.5).abs());
        let edge = dx.min(dy * 0.5);
        let tone = 0.75 + 0.4 * uniform(self.seed, id.0, id.1) + 0.18 * fractal(self.seed ^ 3, u * 6.0, 2);
        let lit = if fraction(u.y * 2.0) < 0.5 { 1.04 } else { 0.94 };
        let mortar = self.figure.saturate(0.3) * (0.9 + 0.2 * noise(self.seed ^ 4, u * 9.0));
        mortar.mix(
            self.ground * (tone * lit),
            smooth(0.03 - self.soft, 0.03 + self.soft, edge),
        )
    }

    /// Boards along x with grain; `figure` is the grain's tint.
    fn planks(&self, u: Point) -> Rgb {
        let board = floor(u.y);
        let shift = 7.0 * uniform(self.seed, board, 0);
        let tone = 0.8 + 0.35 * uniform(self.seed, board, 1);
        let grain = noise(self.seed ^ board as u32, at(u.x * 0.5 + shift, u.y * 7.0));
        let rings = fraction(2.5 * fractal(self.seed ^ 0x4d, at(u.x * 0.3 + shift, u.y * 1.6), 2) + 4.0);
        let wood = self
            .ground
            .mix(self.figure, 0.18 + 0.22 * grain + 0.2 * (rings - 0.5).abs());
        let seam = 0.5 - (fraction(u.y) - 0.5).abs();
        wood * (tone * mix(0.35, 1.0, smooth(0.0, 0.05 + self.soft, seam)))
    }
}
