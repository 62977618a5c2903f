//! Colours and the palettes that keep a scene's colours in one mood.

use std::ops::{Add, Mul};

use crate::random::Stream;

/// R, G, B as shown on a screen, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rgb(pub f32, pub f32, pub f32);

/// A colour from its usual six digits, `0xrrggbb`.
pub const fn hex(code: u32) -> Rgb {
    Rgb(
        ((code >> 16) & 255) as f32 / 255.0,
        ((code >> 8) & 255) as f32 / 255.0,
        (code & 255) as f32 / 255.0,
    )
}

impl Add for Rgb {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0, self.1 + other.1, self.2 + other.2)
    }
}

impl Mul<f32> for Rgb {
    type Output = Self;
    fn mul(self, factor: f32) -> Self {
        Self(self.0 * factor, self.1 * factor, self.2 * factor)
    }
}

impl Rgb {
    pub const BLACK: Self = Self(0.0, 0.0, 0.0);
    pub const WHITE: Self = Self(1.0, 1.0, 1.0);

    /// From `self` at t = 0 to `other` at t = 1.
    pub fn mix(self, other: Self, t: f32) -> Self {
        self * (1.0 - t) + other * t
    }

    /// Each channel times the other's.
    pub fn tint(self, by: Self) -> Self {
        Self(self.0 * by.0, self.1 * by.1, self.2 * by.2)
    }

    pub fn grey(self) -> f32 {
        0.3 * self.0 + 0.59 * self.1 + 0.11 * self.2
    }

    /// Less (below 1) or more (above 1) colourful at the same brightness.
    pub fn saturate(self, factor: f32) -> Self {
        let grey = self.grey();
        Self(grey, grey, grey).mix(self, factor)
    }

    /// A neighbour of this colour.
    pub fn vary(self, stream: &mut Stream, amount: f32) -> Self {
        let all = 1.0 + amount * stream.span(-1.0, 1.0);
        let mut one = |v: f32| (v * all + 0.4 * amount * stream.span(-1.0, 1.0)).clamp(0.0, 1.0);
        Self(one(self.0), one(self.1), one(self.2))
    }
}

/// Colours that go together, from dark to light with an accent among them.
pub struct Palette(pub Vec<Rgb>);

const PALETTES: [[u32; 6]; 14] = [
    [0x2f2a25, 0x7a5c3e, 0x56705a, 0xc89f6a, 0xe9d8b4, 0xb5462f],
    [0x0d3b66, 0x3a7ca5, 0xe07a5f, 0x81c3d7, 0xf4f1de, 0x2f4858],
    [0x3e1f0d, 0x8c3b12, 0x5d6b2e, 0xd9772b, 0xf2b84b, 0xf6e7cb],
    [0x6d6875, 0x8fa6cb, 0xa9c5a0, 0xe4b7c7, 0xf7d6c4, 0xcfe3e2],
    [0x22223b, 0xc1121f, 0x5b8e7d, 0xf4a259, 0xf2efe9, 0x4a4e69],
    [0x12261a, 0x2f5233, 0x8a6f4d, 0x76b947, 0xb1d8b7, 0xf0ead2],
    [0xd64550, 0xf2c14e, 0x5fad56, 0x4d7ea8, 0xf9f7f2, 0x2d3047],
    [0x2b2d5b, 0x6d4c7d, 0xb5678c, 0xf29c8f, 0xfbd9a5, 0x394b59],
    [0x1f2933, 0x3e4c59, 0x7b8794, 0xcbd2d9, 0xd64545, 0xf5f7fa],
    [0x5e3023, 0x895737, 0xc08552, 0x6b9080, 0xf3e9dc, 0x2e2a29],
    [0x14213d, 0x1d6996, 0xfca311, 0xe5e5e5, 0x8d5a97, 0x5f8a8b],
    [0x073b3a, 0x0b6e4f, 0x6bbf59, 0xf2e8cf, 0xbc4749, 0xa7c957],
    [0x3d2c2e, 0x9b6a6c, 0xb09398, 0xcedfd9, 0xebfcfb, 0x7c616c],
    [0x0b132b, 0x1c2541, 0x3a506b, 0x5bc0be, 0xf1faee, 0xe63946],
];

impl Palette {
    /// One of the palettes, its colours slightly varied and in random order.
    pub fn random(stream: &mut Stream) -> Self {
        let codes = *stream.pick(&PALETTES);
        let mut colours = codes.map(|code| hex(code).vary(stream, 0.12)).to_vec();
        stream.shuffle(&mut colours);
        Self(colours)
    }

    pub fn any(&self, stream: &mut Stream) -> Rgb {
        *stream.pick(&self.0)
    }

    /// Two different colours.
    pub fn two(&self, stream: &mut Stream) -> (Rgb, Rgb) {
        let first = stream.below(self.0.len());
        let second = (first + 1 + stream.below(self.0.len() - 1)) % self.0.len();
        (self.0[first], self.0[second])
    }

    pub fn darkest(&self) -> Rgb {
        self.0
            .iter()
            .copied()
            .fold(Rgb::WHITE, |a, b| if b.grey() < a.grey() { b } else { a })
    }

    pub fn lightest(&self) -> Rgb {
        self.0
            .iter()
            .copied()
            .fold(Rgb::BLACK, |a, b| if b.grey() > a.grey() { b } else { a })
    }
}
