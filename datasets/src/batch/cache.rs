//! Decoded pictures, kept while the budget lasts; of further JPEGs, what makes their crops quick to decode.
//!
//! Epochs visit every picture once in random order, and then the best a cache of any policy can do is to keep a fixed part: so
//! pictures are kept until the budget is full, and none is thrown out. (Least-recently-used would throw out each
//! picture just before its turn.) Indices of JPEGs are kept beside the budget: they take half a percent of what the pictures would.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use crate::picture::{Content, FileIndex, Picture, PictureError, Rectangle};

#[derive(Debug)]
pub struct Cache {
    budget: u64,
    held: RwLock<Held>,
}

#[derive(Debug, Default)]
struct Held {
    pictures: HashMap<PathBuf, Arc<Picture>>,
    /// What they take of the budget: all of it once a picture did not fit.
    bytes: u64,
    indices: HashMap<PathBuf, Arc<FileIndex>>,
}

/// A picture that crops are cut from.
#[derive(Debug)]
pub enum Opened {
    Decoded(Arc<Picture>),
    /// Only the crops are decoded.
    Coded(Content, Arc<FileIndex>),
}

impl Cache {
    /// A cache that holds at most `budget` bytes of pixels.
    pub fn new(budget: u64) -> Self {
        Self {
            budget,
            held: RwLock::default(),
        }
    }

    /// The picture, from memory or from its file.
    pub fn open(&self, path: &Path) -> Result<Opened, PictureError> {
        let (picture, index, has_room) = {
            let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
            let (picture, index) = (held.pictures.get(path), held.indices.get(path));
            (picture.cloned(), index.cloned(), held.bytes < self.budget)
        };
        if let Some(picture) = picture {
            return Ok(Opened::Decoded(picture));
        }
        let content = Content::read(path)?;
        if let Some(index) = index
            && index.is_of(&content)
        {
            return Ok(Opened::Coded(content, index));
        }
        if !has_room && let Some(index) = FileIndex::new(&content).map(Arc::new) {
            let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
            held.indices.insert(path.to_path_buf(), index.clone());
            return Ok(Opened::Coded(content, index));
        }
        let picture = Arc::new(content.decode()?);
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.keep(path, &picture, self.budget);
        Ok(Opened::Decoded(picture))
    }
}

impl Held {
    /// Keeps a picture that still fits; one that does not fills the budget, so that no smaller one is looked for.
    fn keep(&mut self, path: &Path, picture: &Arc<Picture>, budget: u64) {
        if self.bytes >= budget || self.pictures.contains_key(path) {
            return;
        }
        let size = picture.rgb.len() as u64;
        if self.bytes + size <= budget {
            self.bytes += size;
            self.pictures.insert(path.to_path_buf(), picture.clone());
        } else {
            self.bytes = budget;
        }
    }
}

impl Opened {
    /// Width and height in pixels.
    pub fn size(&self) -> (usize, usize) {
        match self {
            Self::Decoded(picture) => (picture.width, picture.height),
            Self::Coded(_, index) => index.size,
        }
    }

    /// Calls `of` with a picture that holds the rectangle, and with where the rectangle's left upper corner lies in it.
    pub fn with<T>(
        &self,
        rectangle: Rectangle,
        of: impl FnOnce(&Picture, (usize, usize)) -> T,
    ) -> Result<T, PictureError> {
        match self {
            Self::Decoded(picture) => Ok(of(picture, (rectangle.x, rectangle.y))),
            Self::Coded(content, index) => Ok(of(&content.crop(rectangle, index)?, (0, 0))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_is_kept_and_what_is_held_stays() {
        let folder = tempfile::tempdir().unwrap();
        let paths: Vec<PathBuf> = (0..3).map(|i| folder.path().join(format!("{i}.png"))).collect();
        for path in &paths {
            image::save_buffer(path, &[9; 10 * 10 * 3], 10, 10, image::ColorType::Rgb8).unwrap();
        }
        let cache = Cache::new(650);
        for path in &paths {
            cache.open(path).unwrap();
        }
        assert_eq!(cache.held.read().unwrap().pictures.len(), 2);
        for path in &paths {
            std::fs::remove_file(path).unwrap();
        }
        let found: Vec<bool> = paths.iter().map(|path| cache.open(path).is_ok()).collect();
        assert_eq!(found, [true, true, false]);
    }

    #[test]
    fn a_jpeg_beyond_the_budget_stays_coded_and_is_read_anew_when_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jpg");
        let write = |width: u32| {
            image::RgbImage::from_pixel(width, 40, image::Rgb([9, 90, 200]))
                .save(&path)
                .unwrap();
        };
        write(50);
        let cache = Cache::new(0);
        let rectangle = Rectangle {
            x: 30,
            y: 20,
            width: 16,
            height: 16,
        };
        for width in [50, 50, 70] {
            if width == 70 {
                write(70);
            }
            let opened = cache.open(&path).unwrap();
            assert!(matches!(opened, Opened::Coded(..)));
            assert_eq!(opened.size(), (width, 40));
            let whole = Picture::open(&path).unwrap();
            let crop = opened
                .with(rectangle, |picture, corner| (picture.clone(), corner))
                .unwrap();
            assert_eq!(crop, (whole.crop(30, 20, 16, 16), (0, 0)));
        }
        let before = cache.open(&path).unwrap();
        let Opened::Coded(_, index) = before else {
            panic!("it is coded")
        };
        write(60);
        let after = Content::read(&path).unwrap();
        let error = after.crop(rectangle, &index).unwrap_err();
        assert!(error.to_string().contains("changed"), "{error}");
    }
}
