//! Writing a picture: whole under its name, or not at all.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

use super::{Picture, PictureError};

impl Picture {
    /// Writes an 8-bit RGB PNG. The file appears under `path` only when it is whole and on the disk: it is written beside
    /// under a temporary name, flushed, then renamed over what was there. On an error nothing is left behind, and
    /// [`PictureError::io_kind`] tells what the file system said (a full disk: `StorageFull`).
    pub fn save_png(&self, path: &Path) -> Result<(), PictureError> {
        let failed = |source| PictureError::Write {
            path: path.to_path_buf(),
            source,
        };
        let bytes = self.to_png().map_err(failed)?;
        let beside = temporary_name(path);
        let written = File::create(&beside)
            .and_then(|file| write_through(file, &bytes))
            .and_then(|()| std::fs::rename(&beside, path));
        written.map_err(|source| {
            // What cannot be removed was never created, or the disk is gone: the first error says more.
            let _ = std::fs::remove_file(&beside);
            failed(source)
        })
    }

    /// The picture as the bytes of a PNG file; the same picture gives the same bytes.
    fn to_png(&self) -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Adaptive)
            .write_image(
                &self.rgb,
                self.width as u32,
                self.height as u32,
                ExtendedColorType::Rgb8,
            )
            .map_err(std::io::Error::other)?;
        Ok(bytes)
    }
}

fn write_through(mut file: File, bytes: &[u8]) -> std::io::Result<()> {
    file.write_all(bytes)?;
    file.sync_all()
}

/// A name in the same folder (a rename across file systems is no rename) that no other process or thread uses.
fn temporary_name(path: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}-{count}.part", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind;

    fn gradient() -> Picture {
        let mut picture = Picture::new(19, 13);
        for (i, level) in picture.rgb.iter_mut().enumerate() {
            *level = (i * 7 % 256) as u8;
        }
        picture
    }

    #[test]
    fn a_saved_picture_reads_back_the_same_and_leaves_nothing_beside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.png");
        Picture::new(3, 3).save_png(&path).unwrap();
        gradient().save_png(&path).unwrap();
        assert_eq!(Picture::open(&path).unwrap(), gradient());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_failed_write_keeps_the_kind_of_error_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let error = gradient().save_png(&folder.path().join("no/such/out.png")).unwrap_err();
        assert_eq!(error.io_kind(), Some(ErrorKind::NotFound));
        let taken = folder.path().join("taken.png");
        std::fs::create_dir(&taken).unwrap();
        assert!(gradient().save_png(&taken).is_err(), "a folder stands in the way");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_told_as_such() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let source = write_through(full, &[0; 4096]).unwrap_err();
        assert_eq!(source.kind(), ErrorKind::StorageFull);
    }
}
