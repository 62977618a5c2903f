//! Pictures by the endings of their files' names.

use std::path::Path;

/// Of the formats that are read.
const READ: [&str; 7] = ["png", "jpg", "jpeg", "bmp", "tif", "tiff", "webp"];

/// Whether files with this ending (without its dot, in either case) are read as pictures.
pub fn is_read(ending: &str) -> bool {
    READ.iter().any(|known| known.eq_ignore_ascii_case(ending))
}

/// Whether a file is a picture that is read, by its ending.
pub fn is_picture(path: &Path) -> bool {
    path.extension().and_then(|ending| ending.to_str()).is_some_and(is_read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_known_by_its_ending_in_either_case() {
        for name in ["a.png", "lab/A.JPG", "a.b.tif", "a.WebP"] {
            assert!(is_picture(Path::new(name)), "{name}");
        }
        for name in ["a.gif", "png", ".png", "a.png.txt", "a."] {
            assert!(!is_picture(Path::new(name)), "{name}");
        }
    }
}
