//! A JPEG that stays coded: crops are decoded out of the bytes of its file, by an index that is made once.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use image::metadata::Orientation;

use super::jpeg::{self, Index, Jpeg};
use super::{Picture, PictureError, Rectangle};

/// The bytes of a picture's file.
#[derive(Debug)]
pub struct Content {
    path: PathBuf,
    bytes: Vec<u8>,
    /// Length and time of change tell whether a file is still the same.
    stamp: (u64, Option<SystemTime>),
}

/// What has to be known of a JPEG's file so that any crop can be decoded without what stands before it.
#[derive(Debug)]
pub struct FileIndex {
    index: Index,
    /// Width and height in pixels.
    pub size: (usize, usize),
    stamp: (u64, Option<SystemTime>),
}

impl Content {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, PictureError> {
        let read = || {
            let mut file = File::open(path)?;
            let about = file.metadata()?;
            let mut bytes = Vec::with_capacity(about.len() as usize + 1);
            file.read_to_end(&mut bytes)?;
            Ok((bytes, (about.len(), about.modified().ok())))
        };
        let (bytes, stamp) = read().map_err(|source| PictureError::Read {
            path: path.to_path_buf(),
            source,
        })?;
        let path = path.to_path_buf();
        Ok(Self { path, bytes, stamp })
    }

    /// The whole picture.
    pub fn decode(&self) -> Result<Picture, PictureError> {
        Picture::decode(&self.bytes, &self.path)
    }

    /// A part of the picture, which must lie inside, by the index of this file.
    ///
    /// # Errors
    /// Where the content is no longer the one that the index was made of.
    pub fn crop(&self, rectangle: Rectangle, index: &FileIndex) -> Result<Picture, PictureError> {
        let jpeg = Jpeg::read(&self.bytes).filter(|jpeg| self.stamp == index.stamp && jpeg.size() == index.size);
        let crop = jpeg.and_then(|jpeg| jpeg.crop(rectangle, &index.index));
        crop.ok_or_else(|| PictureError::Decode {
            path: self.path.clone(),
            reason: "its content has changed since it was read first".into(),
        })
    }
}

impl FileIndex {
    /// Of a sequential JPEG that stands upright and is whole; none of any other file.
    pub fn new(content: &Content) -> Option<Self> {
        let jpeg = Jpeg::read(&content.bytes)?;
        let stays = jpeg.orientation() == Orientation::NoTransforms && jpeg::is_whole(&content.bytes);
        Some(Self {
            index: stays.then(|| jpeg.index())??,
            size: jpeg.size(),
            stamp: content.stamp,
        })
    }

    /// Whether it was made of this content.
    pub fn is_of(&self, content: &Content) -> bool {
        self.stamp == content.stamp
    }
}
