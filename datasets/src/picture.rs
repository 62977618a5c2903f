//! One picture in memory: 8-bit RGB, rows from the top, three interleaved channels.
//!
//! [`is_picture`] knows files by their endings, [`decode`] turns them into pictures, [`probe()`] reads only a file's size,
//! [`Content`] gives crops of a JPEG, [`save`] writes PNG whole or not at all.

mod coded;
mod decode;
mod ending;
mod jpeg;
mod probe;
mod save;

use std::path::{Path, PathBuf};

pub use coded::{Content, FileIndex};
pub use ending::{is_picture, is_read};
pub use probe::probe;

/// An 8-bit RGB picture.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Picture {
    pub width: usize,
    pub height: usize,
    /// `height * width * 3` levels, row by row, `R G B` interleaved.
    pub rgb: Vec<u8>,
}

/// A part of a picture, in pixels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rectangle {
    pub x: usize,
    pub y: usize,
    pub width: usize,
    pub height: usize,
}

/// Why a picture could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    #[error("cannot read {path}: {source}")]
    Read { path: PathBuf, source: std::io::Error },
    /// The file does not begin as any format that is read here.
    #[error("{path} is not a picture: {found}; PNG, JPEG, BMP, TIFF and WebP are read")]
    NotAPicture { path: PathBuf, found: &'static str },
    /// The file ends before the picture does, as a broken download leaves it.
    #[error("{path} is cut off: it ends before its last row; fetch it again")]
    Truncated { path: PathBuf },
    #[error("{path} is not a whole picture: {reason}")]
    Decode { path: PathBuf, reason: String },
    #[error("cannot write {path}: {source}")]
    Write { path: PathBuf, source: std::io::Error },
}

impl PictureError {
    /// What the file system said, if the file system was the cause (a full disk is [`std::io::ErrorKind::StorageFull`]).
    pub fn io_kind(&self) -> Option<std::io::ErrorKind> {
        match self {
            Self::Read { source, .. } | Self::Write { source, .. } => Some(source.kind()),
            Self::NotAPicture { .. } | Self::Truncated { .. } | Self::Decode { .. } => None,
        }
    }

    /// The fault without the path, for lists that name the path already.
    pub fn reason(&self) -> String {
        match self {
            Self::Read { source, .. } | Self::Write { source, .. } => source.to_string(),
            Self::NotAPicture { found, .. } => format!("not a picture: {found}"),
            Self::Truncated { .. } => "cut off: it ends before its last row".to_owned(),
            Self::Decode { reason, .. } => reason.clone(),
        }
    }
}

impl Picture {
    /// A black picture.
    pub fn new(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            rgb: vec![0; width * height * 3],
        }
    }

    /// The rectangle of `width` x `height` whose left upper corner is (`x`, `y`).
    pub fn crop(&self, x: usize, y: usize, width: usize, height: usize) -> Self {
        let mut out = Self::new(width, height);
        for row in 0..height {
            let from = ((y + row) * self.width + x) * 3;
            out.rgb[row * width * 3..(row + 1) * width * 3].copy_from_slice(&self.rgb[from..from + width * 3]);
        }
        out
    }

    /// Three planes (R, G, B) of f32 in \[0, 1\]: `[3, height, width]` as the networks take it.
    pub fn to_planes(&self) -> Vec<f32> {
        let area = self.width * self.height;
        let mut planes = vec![0.0; area * 3];
        for (i, pixel) in self.rgb.chunks_exact(3).enumerate() {
            for (c, level) in pixel.iter().enumerate() {
                planes[c * area + i] = f32::from(*level) / 255.0;
            }
        }
        planes
    }

    /// The inverse of [`Picture::to_planes`]: clipped to \[0, 1\], rounded to the nearest level.
    pub fn from_planes(planes: &[f32], width: usize, height: usize) -> Self {
        let area = width * height;
        let mut out = Self::new(width, height);
        for (i, pixel) in out.rgb.chunks_exact_mut(3).enumerate() {
            for (c, level) in pixel.iter_mut().enumerate() {
                *level = (planes[c * area + i].clamp(0.0, 1.0) * 255.0).round() as u8;
            }
        }
        out
    }

    /// Reads a file (PNG, JPEG, BMP, TIFF, WebP) as 8-bit RGB; what becomes of other depths and colours stands in
    /// `picture/decode.rs`.
    pub fn open(path: &Path) -> Result<Self, PictureError> {
        Content::read(path)?.decode()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_and_levels_are_inverse() {
        let mut picture = Picture::new(16, 16);
        for (i, level) in picture.rgb.iter_mut().enumerate() {
            *level = (i % 256) as u8;
        }
        assert_eq!(Picture::from_planes(&picture.to_planes(), 16, 16), picture);
    }

    #[test]
    fn a_crop_keeps_the_levels_of_its_rectangle() {
        let mut picture = Picture::new(5, 4);
        picture.rgb[(2 * 5 + 3) * 3] = 77;
        let crop = picture.crop(3, 1, 2, 3);
        assert_eq!((crop.width, crop.height), (2, 3));
        assert_eq!(crop.rgb[2 * 3], 77);
    }
}
