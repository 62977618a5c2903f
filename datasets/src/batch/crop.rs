//! The rectangle cut out of a sample's pictures, and its flips: one for all pictures of a sample, so that they stay aligned.

use super::cache::Opened;
use crate::picture::{Picture, PictureError, Rectangle};
use crate::random::Stream;

/// A square of `patch` pixels at (`x`, `y`), perhaps mirrored.
#[derive(Clone, Copy, Debug)]
pub struct Crop {
    x: usize,
    y: usize,
    patch: usize,
    mirror: bool,
    flip: bool,
}

impl Crop {
    /// A uniformly random crop of a picture of `size` (width, height), which must be `patch` or more each way.
    pub fn random(stream: &mut Stream, size: (usize, usize), patch: usize, flips: bool) -> Self {
        let (x, y) = (stream.below(size.0 - patch + 1), stream.below(size.1 - patch + 1));
        let (mirror, flip) = (stream.chance(0.5), stream.chance(0.5));
        Self {
            x,
            y,
            patch,
            mirror: mirror && flips,
            flip: flip && flips,
        }
    }

    /// Writes the crop of a picture as planes `[3, P, P]` of levels in \[0, 1\].
    ///
    /// # Errors
    /// Where a picture that stays coded has changed.
    pub fn write(&self, opened: &Opened, planes: &mut [f32]) -> Result<(), PictureError> {
        let rectangle = Rectangle {
            x: self.x,
            y: self.y,
            width: self.patch,
            height: self.patch,
        };
        opened.with(rectangle, |picture, corner| self.copy(picture, corner, planes))
    }

    /// Copies the patch whose left upper corner lies at (`x`, `y`) of a picture, mirrored as it is to be.
    fn copy(&self, picture: &Picture, (x, y): (usize, usize), planes: &mut [f32]) {
        let area = self.patch * self.patch;
        for row in 0..self.patch {
            let from_row = y + if self.flip { self.patch - 1 - row } else { row };
            let start = (from_row * picture.width + x) * 3;
            let pixels = picture.rgb[start..start + self.patch * 3].chunks_exact(3);
            for channel in 0..3 {
                let start = channel * area + row * self.patch;
                let values = planes[start..start + self.patch].iter_mut();
                let levels = pixels.clone().map(|pixel| LEVELS[usize::from(pixel[channel])]);
                if self.mirror {
                    values.rev().zip(levels).for_each(|(value, level)| *value = level);
                } else {
                    values.zip(levels).for_each(|(value, level)| *value = level);
                }
            }
        }
    }
}

/// `level / 255` of every level.
static LEVELS: [f32; 256] = {
    let mut levels = [0.0; 256];
    let mut level = 0;
    while level < 256 {
        levels[level] = level as f32 / 255.0;
        level += 1;
    }
    levels
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Key;

    /// A picture whose R is the column and G the row.
    fn coordinates(width: usize, height: usize) -> Picture {
        let mut picture = Picture::new(width, height);
        for (i, pixel) in picture.rgb.chunks_exact_mut(3).enumerate() {
            pixel[0] = (i % width) as u8;
            pixel[1] = (i / width) as u8;
        }
        picture
    }

    #[test]
    fn a_crop_is_its_rectangle_mirrored_as_said() {
        let picture = coordinates(20, 10);
        for (mirror, flip) in [(false, false), (true, false), (false, true), (true, true)] {
            let crop = Crop {
                x: 7,
                y: 2,
                patch: 5,
                mirror,
                flip,
            };
            let mut planes = [0.0; 75];
            crop.copy(&picture, (7, 2), &mut planes);
            for y in 0..5 {
                for x in 0..5 {
                    let column = 7 + if mirror { 4 - x } else { x };
                    let row = 2 + if flip { 4 - y } else { y };
                    assert_eq!(planes[y * 5 + x], column as f32 / 255.0);
                    assert_eq!(planes[25 + y * 5 + x], row as f32 / 255.0);
                    assert_eq!(planes[50 + y * 5 + x], 0.0);
                }
            }
        }
    }

    #[test]
    fn every_place_and_flip_occurs() {
        let mut stream = Key::new("test", 1).stream();
        let mut seen = std::collections::HashSet::new();
        for _ in 0..500 {
            let crop = Crop::random(&mut stream, (10, 9), 8, true);
            seen.insert((crop.x, crop.y, crop.mirror, crop.flip));
        }
        assert_eq!(seen.len(), 3 * 2 * 4);
    }

    #[test]
    fn turning_flips_off_moves_no_crop() {
        let (mut a, mut b) = (Key::new("test", 1).stream(), Key::new("test", 1).stream());
        for _ in 0..50 {
            let with = Crop::random(&mut a, (100, 90), 8, true);
            let without = Crop::random(&mut b, (100, 90), 8, false);
            assert_eq!((with.x, with.y), (without.x, without.y));
            assert!(!without.mirror && !without.flip);
        }
    }
}
