//! Sequential JPEGs, whole or a rectangle of them, with the very levels that libjpeg gives them.
//!
//! Published trainers read pictures by Pillow or OpenCV, which is libjpeg; the library that reads all other formats here rounds
//! otherwise. And it decodes a picture whole, where a training wants a crop: with an [`Index`] made once, only the units
//! that the crop touches are decoded.
//!
//! | file | what |
//! | --- | --- |
//! | `segment.rs` | marker segments |
//! | `header.rs` | what they say before the coded data |
//! | `huffman.rs` | codes, and the bits they are read from |
//! | `scan.rs` | coded data to coefficients; the index |
//! | `transform.rs` | coefficients to samples |
//! | `planes.rs` | the samples of each component |
//! | `colour.rs` | samples to RGB |
//!
//! What is none of this (progressive, arithmetic, lossless, CMYK, several scans, chroma of other sizes, broken data) is nobody's
//! error here: such a picture is left to the library.

mod colour;
mod header;
mod huffman;
mod planes;
mod scan;
mod segment;
mod transform;

use image::metadata::Orientation;

use super::{Picture, Rectangle};
use header::Header;
use planes::Plane;
use scan::{Block, Scan};

pub use scan::Index;
pub use segment::{Segment, is_whole};

/// A sequential JPEG whose header has been read.
pub struct Jpeg<'a> {
    header: Header,
    bytes: &'a [u8],
}

impl<'a> Jpeg<'a> {
    /// The JPEG in `bytes`, the content of a file; none where it is not of the kind that is read here.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        Header::read(bytes).map(|header| Self { header, bytes })
    }

    /// Width and height as stored.
    pub fn size(&self) -> (usize, usize) {
        (self.header.width, self.header.height)
    }

    /// How the stored picture is to be turned.
    pub fn orientation(&self) -> Orientation {
        self.header.orientation
    }

    /// Where the units of this JPEG begin; none where its data are broken.
    pub fn index(&self) -> Option<Index> {
        Index::new(&self.header, self.bytes)
    }

    /// The whole picture as stored; none where its data are broken.
    pub fn decode(&self) -> Option<Picture> {
        let (width, height) = self.size();
        let (x, y) = (0, 0);
        self.rectangle(Rectangle { x, y, width, height }, None)
    }

    /// A part of the picture that [`Jpeg::decode`] gives, which must lie inside; none where the data are broken.
    pub fn crop(&self, rectangle: Rectangle, index: &Index) -> Option<Picture> {
        self.rectangle(rectangle, Some(index))
    }

    fn rectangle(&self, rectangle: Rectangle, index: Option<&Index>) -> Option<Picture> {
        #[cfg(target_arch = "x86_64")]
        {
            /// The same operations on larger registers.
            #[target_feature(enable = "avx2,bmi1,bmi2")]
            fn avx2(jpeg: &Jpeg, rectangle: Rectangle, index: Option<&Index>) -> Option<Picture> {
                jpeg.rectangle_here(rectangle, index)
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("bmi2")
            {
                // SAFETY: the CPU has these instructions.
                return unsafe { avx2(self, rectangle, index) };
            }
        }
        self.rectangle_here(rectangle, index)
    }

    #[inline(always)]
    fn rectangle_here(&self, rectangle: Rectangle, index: Option<&Index>) -> Option<Picture> {
        let header = &self.header;
        let (columns, rows) = header.units_of(rectangle);
        let mut planes = Plane::of_all(header, &columns, &rows);
        let mut scan = Scan::new(header, self.bytes);
        let mut unit = vec![Block::default(); header.blocks()];
        for row in 0..rows.len() {
            scan.go_to((columns.start, rows.start + row), index)?;
            for column in 0..columns.len() {
                scan.read(&mut unit)?;
                let mut blocks = unit.iter();
                for plane in &mut planes {
                    plane.put((column, row), &mut blocks);
                }
            }
            scan.is_sound()?;
        }
        Some(colour::paint(header, &planes, rectangle))
    }
}

#[cfg(test)]
mod tests;
