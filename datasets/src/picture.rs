//! One picture in memory: 8-bit RGB, rows from the top, three interleaved channels.

use std::path::{Path, PathBuf};

/// An 8-bit RGB picture.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Picture {
    pub width: usize,
    pub height: usize,
    /// `height * width * 3` levels, row by row, `R G B` interleaved.
    pub rgb: Vec<u8>,
}

/// Why a picture could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    #[error("cannot read {path}: {source}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{path} is not a whole picture: {reason}")]
    Decode { path: PathBuf, reason: String },
    #[error("cannot write {path}: {source}")]
    Write { path: PathBuf, source: std::io::Error },
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

    /// Decodes a file (PNG, JPEG, BMP, TIFF, WebP) to 8-bit RGB.
    pub fn open(path: &Path) -> Result<Self, PictureError> {
        let decoded = image::open(path).map_err(|error| PictureError::Decode {
            path: path.to_path_buf(),
            reason: error.to_string(),
        })?;
        let rgb = decoded.to_rgb8();
        Ok(Self {
            width: rgb.width() as usize,
            height: rgb.height() as usize,
            rgb: rgb.into_raw(),
        })
    }
}
