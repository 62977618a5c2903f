//! Decoded pictures, kept while the budget lasts.
//!
//! Epochs visit every picture once in random order, and then the best a cache of any policy can do is to keep a fixed part: so
//! pictures are kept until the budget is full, and none is thrown out. (Least-recently-used would throw out each
//! picture just before its turn.)

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use crate::picture::{Picture, PictureError};

#[derive(Debug)]
pub struct Cache {
    budget: u64,
    held: RwLock<Held>,
}

#[derive(Debug, Default)]
struct Held {
    pictures: HashMap<PathBuf, Arc<Picture>>,
    bytes: u64,
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
    pub fn open(&self, path: &Path) -> Result<Arc<Picture>, PictureError> {
        if let Some(picture) = self
            .held
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .pictures
            .get(path)
        {
            return Ok(picture.clone());
        }
        let picture = Arc::new(Picture::open(path)?);
        let size = picture.rgb.len() as u64;
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        if held.bytes + size <= self.budget && !held.pictures.contains_key(path) {
            held.bytes += size;
            held.pictures.insert(path.to_path_buf(), picture.clone());
        }
        Ok(picture)
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
        assert_eq!(cache.held.read().unwrap().bytes, 600);
        for path in &paths {
            std::fs::remove_file(path).unwrap();
        }
        let found: Vec<bool> = paths.iter().map(|path| cache.open(path).is_ok()).collect();
        assert_eq!(found, [true, true, false]);
    }
}
