//! Random fields: functions of a place that look like nature (Perlin 2002, Worley 1996), from an integer hash of the lattice.

use super::point::{Point, at};

/// 32 well-mixed bits of a lattice point (Mueller's integer hash, twice).
pub fn hash(seed: u32, x: i32, y: i32) -> u32 {
    let mut h = seed ^ (x as u32).wrapping_mul(0x9e37_79b1) ^ (y as u32).wrapping_mul(0x85eb_ca77).rotate_left(13);
    h = (h ^ (h >> 16)).wrapping_mul(0x045d_9f3b);
    h = (h ^ (h >> 16)).wrapping_mul(0x045d_9f3b);
    h ^ (h >> 16)
}

/// Uniform in \[0, 1) for each lattice point.
pub fn uniform(seed: u32, x: i32, y: i32) -> f32 {
    (hash(seed, x, y) >> 8) as f32 * (1.0 / 16_777_216.0)
}

/// The integer at or below a value.
pub fn floor(value: f32) -> i32 {
    let cut = value as i32;
    if cut as f32 > value { cut - 1 } else { cut }
}

/// The part above [`floor`].
pub fn fraction(value: f32) -> f32 {
    value - floor(value) as f32
}

/// The eight slopes that lattice points can have.
const SLOPES: [Point; 8] = [
    at(1.0, 1.0),
    at(1.0, -1.0),
    at(-1.0, 1.0),
    at(-1.0, -1.0),
    at(1.414, 0.0),
    at(-1.414, 0.0),
    at(0.0, 1.414),
    at(0.0, -1.414),
];

/// Gradient noise: smooth bumps of size 1, mean 0, within about ±0.8.
pub fn noise(seed: u32, p: Point) -> f32 {
    let (left, top) = (floor(p.x), floor(p.y));
    let (fx, fy) = (p.x - left as f32, p.y - top as f32);
    let fade = |t: f32| t * t * t * (t * (t * 6.0 - 15.0) + 10.0);
    let corner = |dx: i32, dy: i32| {
        let (x, y) = (fx - dx as f32, fy - dy as f32);
        let slope = SLOPES[(hash(seed, left + dx, top + dy) & 7) as usize];
        slope.x * x + slope.y * y
    };
    let (u, v) = (fade(fx), fade(fy));
    let above = corner(0, 0) + u * (corner(1, 0) - corner(0, 0));
    let below = corner(0, 1) + u * (corner(1, 1) - corner(0, 1));
    above + v * (below - above)
}

/// Octaves of [`noise`], each of half the size and half the height: the 1/f look of clouds and ground; within about ±1.
pub fn fractal(seed: u32, p: Point, octaves: u32) -> f32 {
    let (mut sum, mut height, mut place) = (0.0, 1.0, p);
    for octave in 0..octaves {
        sum += height * noise(seed.wrapping_add(octave * 0x1f35), place);
        height *= 0.5;
        place = at(place.x * 2.03 + 11.7, place.y * 2.03 - 5.3);
    }
    sum * 0.85
}

/// [`fractal`] along a line, as a mountain's ridge.
pub fn ridge(seed: u32, x: f32, octaves: u32) -> f32 {
    fractal(seed, at(x, 0.37), octaves)
}

/// The cell of a random mosaic (one seed point in each unit square) that a place lies in.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    /// From the cell's seed point to the place.
    pub offset: Point,
    /// Distance to the border with the nearest other cell, about.
    pub border: f32,
    /// The cell's own random bits.
    pub id: u32,
}

/// The mosaic's cell at a place.
pub fn cell(seed: u32, p: Point) -> Cell {
    let (left, top) = (floor(p.x), floor(p.y));
    let (mut nearest, mut second) = (f32::MAX, f32::MAX);
    let mut found = Cell {
        offset: p,
        border: 0.0,
        id: 0,
    };
    for y in top - 1..=top + 1 {
        for x in left - 1..=left + 1 {
            let id = hash(seed, x, y);
            let (jx, jy) = ((id & 0xffff) as f32 / 65_536.0, (id >> 16) as f32 / 65_536.0);
            let offset = p - at(x as f32 + 0.1 + 0.8 * jx, y as f32 + 0.1 + 0.8 * jy);
            let distance = offset.dot(offset);
            if distance < nearest {
                second = nearest;
                nearest = distance;
                found = Cell {
                    offset,
                    border: 0.0,
                    id,
                };
            } else {
                second = second.min(distance);
            }
        }
    }
    found.border = 0.5 * (second.sqrt() - nearest.sqrt());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_centred_and_continuous() {
        let (mut sum, mut most) = (0.0, 0.0f32);
        for i in 0..20_000 {
            let p = at(i as f32 * 0.037 - 300.0, (i % 173) as f32 * 0.11 - 7.0);
            let here = noise(5, p);
            sum += here;
            most = most.max(here.abs());
            assert!((noise(5, p + at(1e-3, 0.0)) - here).abs() < 0.02);
        }
        assert!(
            (sum / 20_000.0).abs() < 0.02 && most > 0.5 && most < 1.2,
            "{sum} {most}"
        );
    }

    #[test]
    fn floor_agrees_below_zero() {
        for (value, expected) in [(0.0, 0), (0.5, 0), (-0.5, -1), (-1.0, -1), (-1.01, -2), (3.99, 3)] {
            assert_eq!(floor(value), expected);
        }
    }
}
