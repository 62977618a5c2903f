//! What scenes are painted on: twice as many samples as pixels each way, averaged when the picture is developed.

use super::colour::Rgb;
use super::point::{Bounds, Point, at, smooth};
use crate::picture::Picture;
use crate::random::Stream;

/// Samples per pixel, each way.
const SUPER: usize = 2;

/// A scene in the making.
#[derive(Clone)]
pub struct Canvas {
    columns: usize,
    rows: usize,
    samples: Vec<Rgb>,
    /// Side of one sample, in picture heights.
    pub texel: f32,
    /// Width over height: the right border's x.
    pub aspect: f32,
}

/// See [`Canvas::profile`].
pub struct Profile {
    heights: Vec<f32>,
    per_texel: f32,
}

impl Profile {
    pub fn at(&self, x: f32) -> f32 {
        self.heights[((x * self.per_texel) as usize).min(self.heights.len() - 1)]
    }
}

impl Canvas {
    /// A black canvas for a picture of `width` x `height`.
    pub fn new(width: usize, height: usize) -> Self {
        let (columns, rows) = (width * SUPER, height * SUPER);
        Self {
            columns,
            rows,
            samples: vec![Rgb::BLACK; columns * rows],
            texel: 1.0 / rows.max(1) as f32,
            aspect: width as f32 / height.max(1) as f32,
        }
    }

    /// Paints everything.
    pub fn paint(&mut self, colour: impl Fn(Point) -> Rgb) {
        self.each(Bounds::ALL, |p, sample| *sample = colour(p));
    }

    /// Paints the inside of a shape, given as a signed distance (negative inside), with a smooth edge.
    pub fn fill(&mut self, bounds: Bounds, distance: impl Fn(Point) -> f32, colour: impl Fn(Point) -> Rgb) {
        let per_texel = 1.0 / self.texel;
        self.each(bounds, |p, sample| {
            let cover = (0.5 - distance(p) * per_texel).clamp(0.0, 1.0);
            if cover > 0.0 {
                *sample = sample.mix(colour(p), cover);
            }
        });
    }

    /// Lays a veil of one colour: `cover` says how thick (0 to 1) where.
    pub fn veil(&mut self, bounds: Bounds, colour: Rgb, cover: impl Fn(Point) -> f32) {
        self.each(bounds, |p, sample| {
            *sample = sample.mix(colour, cover(p).clamp(0.0, 1.0));
        });
    }

    /// The shadow of a shape: darkest (`strength`, 0 to 1) inside, gone `softness` outside.
    pub fn shadow(&mut self, bounds: Bounds, strength: f32, softness: f32, distance: impl Fn(Point) -> f32) {
        self.each(bounds, |p, sample| {
            let dark = strength * (1.0 - smooth(-softness, softness, distance(p)));
            *sample = *sample * (1.0 - dark);
        });
    }

    /// Changes what is there.
    pub fn change(&mut self, bounds: Bounds, change: impl Fn(Point, Rgb) -> Rgb) {
        self.each(bounds, |p, sample| *sample = change(p, *sample));
    }

    /// A function of x, such as a skyline's height, worked out once for each column.
    pub fn profile(&self, height: impl Fn(f32) -> f32) -> Profile {
        Profile {
            heights: (0..self.columns)
                .map(|x| height((x as f32 + 0.5) * self.texel))
                .collect(),
            per_texel: 1.0 / self.texel,
        }
    }

    /// What a sample shows: for reflections. Outside the canvas: the nearest border.
    pub fn look(&self, p: Point) -> Rgb {
        let nearest = |v: f32, count: usize| ((v / self.texel) as usize).min(count - 1);
        self.samples[nearest(p.y, self.rows) * self.columns + nearest(p.x, self.columns)]
    }

    /// The finished picture: samples averaged, with the exposure, contrast and vignette of some camera.
    pub fn develop(self, stream: &mut Stream) -> Picture {
        let exposure = stream.span(0.9, 1.12);
        let contrast = stream.span(0.0, 0.35);
        let vignette = stream.span(0.0, 0.22);
        let (width, height) = (self.columns / SUPER, self.rows / SUPER);
        let mut picture = Picture::new(width, height);
        for (i, pixel) in picture.rgb.chunks_exact_mut(3).enumerate() {
            let (x, y) = (i % width, i / width);
            let mut sum = Rgb::BLACK;
            for row in 0..SUPER {
                for column in 0..SUPER {
                    sum = sum + self.samples[(y * SUPER + row) * self.columns + x * SUPER + column];
                }
            }
            let (u, v) = (x as f32 / width as f32 - 0.5, y as f32 / height as f32 - 0.5);
            let seen = sum * (exposure * (1.0 - 2.0 * vignette * (u * u + v * v)) / (SUPER * SUPER) as f32);
            for (level, value) in pixel.iter_mut().zip([seen.0, seen.1, seen.2]) {
                let value = value.clamp(0.0, 1.0);
                let curved = value + contrast * (smooth(0.0, 1.0, value) - value);
                *level = (curved * 255.0 + 0.5) as u8;
            }
        }
        picture
    }

    fn each(&mut self, bounds: Bounds, mut f: impl FnMut(Point, &mut Rgb)) {
        let first = |v: f32, count: usize| ((v / self.texel).max(0.0) as usize).min(count);
        let (left, right) = (
            first(bounds.from.x, self.columns),
            first(bounds.to.x + 2.0 * self.texel, self.columns),
        );
        let (top, bottom) = (
            first(bounds.from.y, self.rows),
            first(bounds.to.y + 2.0 * self.texel, self.rows),
        );
        for y in top..bottom {
            let row = &mut self.samples[y * self.columns..(y + 1) * self.columns];
            for (x, sample) in row.iter_mut().enumerate().take(right).skip(left) {
                f(at((x as f32 + 0.5) * self.texel, (y as f32 + 0.5) * self.texel), sample);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Key;

    #[test]
    fn an_edge_through_a_pixel_gives_its_share() {
        let mut canvas = Canvas::new(8, 8);
        // The left 3.25 pixels of 8.
        canvas.fill(Bounds::ALL, |p| p.x - 3.25 / 8.0, |_| Rgb::WHITE);
        let mut row = Vec::new();
        for x in 0..8 {
            let at_pixel = |dx: f32| canvas.look(at((x as f32 + dx) / 8.0, 0.5)).0;
            row.push(0.5 * (at_pixel(0.1) + at_pixel(0.6)));
        }
        assert_eq!(row, [1.0, 1.0, 1.0, 0.25, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn a_grey_canvas_develops_to_grey() {
        let mut canvas = Canvas::new(5, 4);
        canvas.paint(|_| Rgb(0.5, 0.5, 0.5));
        let picture = canvas.develop(&mut Key::new("test", 1).stream());
        assert!(picture.rgb.iter().all(|v| (95..160).contains(v)), "{:?}", picture.rgb);
    }
}
