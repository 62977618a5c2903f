//! Places in a scene: y runs from 0 at the top to 1 at the bottom, x from 0 at the left to the picture's aspect ratio.

use std::f32::consts::TAU;
use std::ops::{Add, Mul, Sub};

use crate::random::Stream;

/// A place or a displacement, in picture heights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub x: f32,
    pub y: f32,
}

/// The point (`x`, `y`).
pub const fn at(x: f32, y: f32) -> Point {
    Point { x, y }
}

impl Add for Point {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        at(self.x + other.x, self.y + other.y)
    }
}

impl Sub for Point {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        at(self.x - other.x, self.y - other.y)
    }
}

impl Mul<f32> for Point {
    type Output = Self;
    fn mul(self, factor: f32) -> Self {
        at(self.x * factor, self.y * factor)
    }
}

impl Point {
    pub fn dot(self, other: Self) -> f32 {
        self.x * other.x + self.y * other.y
    }

    pub fn length(self) -> f32 {
        self.dot(self).sqrt()
    }
}

/// A rotation.
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    cos: f32,
    sin: f32,
}

impl Turn {
    /// Counted from the x axis towards y (clockwise on the screen), in radians.
    pub fn by(angle: f32) -> Self {
        Self {
            cos: libm::cosf(angle),
            sin: libm::sinf(angle),
        }
    }

    /// By any angle.
    pub fn random(stream: &mut Stream) -> Self {
        Self::by(stream.span(0.0, TAU))
    }

    /// The point as seen from the turned frame.
    pub fn undo(self, p: Point) -> Point {
        at(self.cos * p.x + self.sin * p.y, self.cos * p.y - self.sin * p.x)
    }

    /// Unit vector in the turned direction.
    pub fn direction(self) -> Point {
        at(self.cos, self.sin)
    }
}

/// A rectangle that holds all of a shape: nothing outside is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub from: Point,
    pub to: Point,
}

impl Bounds {
    /// The whole picture.
    pub const ALL: Self = Self {
        from: at(-1e6, -1e6),
        to: at(1e6, 1e6),
    };

    pub const fn new(left: f32, top: f32, right: f32, bottom: f32) -> Self {
        Self {
            from: at(left, top),
            to: at(right, bottom),
        }
    }

    /// The square around a circle.
    pub fn around(centre: Point, radius: f32) -> Self {
        Self {
            from: centre - at(radius, radius),
            to: centre + at(radius, radius),
        }
    }
}

/// 0 below `low`, 1 above `high`, a smooth step between.
pub fn smooth(low: f32, high: f32, value: f32) -> f32 {
    let t = ((value - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// From `a` at t = 0 to `b` at t = 1.
pub fn mix(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}
