//! The size of a picture from its header alone: a scan reads some kilobytes of each file, not the file.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use image::metadata::Orientation;
use image::{ImageDecoder, ImageFormat, ImageReader};

use super::PictureError;
use super::decode::{name_fault, not_a_picture};
use super::jpeg::Segment;

/// Width and height as [`super::Picture::open`] would give them (EXIF orientation applied), in pixels.
///
/// The header alone is read, so a picture that is cut off further down has a size all the same.
pub fn probe(path: &Path) -> Result<(u32, u32), PictureError> {
    let unreadable = |source| PictureError::Read {
        path: path.to_path_buf(),
        source,
    };
    let mut file = File::open(path).map_err(unreadable)?;
    let mut head = Vec::with_capacity(4096);
    file.by_ref().take(4096).read_to_end(&mut head).map_err(unreadable)?;
    match image::guess_format(&head) {
        Ok(ImageFormat::Jpeg) => jpeg_size(file, head, path),
        Ok(format) => {
            file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
            let mut decoder = ImageReader::with_format(BufReader::new(file), format)
                .into_decoder()
                .map_err(|error| name_fault(error, &head, path))?;
            let size = decoder.dimensions();
            let orientation = decoder.orientation().map_err(|error| name_fault(error, &head, path))?;
            Ok(turned(size, orientation))
        }
        Err(_) => Err(not_a_picture(&head, path)),
    }
}

fn turned((width, height): (u32, u32), orientation: Orientation) -> (u32, u32) {
    match orientation {
        Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH => {
            (height, width)
        }
        Orientation::NoTransforms
        | Orientation::Rotate180
        | Orientation::FlipHorizontal
        | Orientation::FlipVertical => (width, height),
    }
}

/// The library reads a JPEG whole before it says its size; this reads as far as the frame header, twice as much each time.
fn jpeg_size(mut file: File, mut head: Vec<u8>, path: &Path) -> Result<(u32, u32), PictureError> {
    loop {
        match jpeg_header(&head) {
            Header::Found { size, orientation } => return Ok(turned(size, orientation)),
            Header::Broken(reason) => {
                return Err(PictureError::Decode {
                    path: path.to_path_buf(),
                    reason: reason.to_owned(),
                });
            }
            Header::More => {
                let more = head.len() as u64;
                let read = file.by_ref().take(more).read_to_end(&mut head);
                let read = read.map_err(|source| PictureError::Read {
                    path: path.to_path_buf(),
                    source,
                })?;
                if read == 0 {
                    return Err(PictureError::Truncated {
                        path: path.to_path_buf(),
                    });
                }
            }
        }
    }
}

enum Header {
    Found {
        size: (u32, u32),
        orientation: Orientation,
    },
    /// The bytes end before the frame header.
    More,
    Broken(&'static str),
}

/// Walks the marker segments (ITU T.81, annex B) to the frame header, noting the orientation in an EXIF segment.
fn jpeg_header(bytes: &[u8]) -> Header {
    let mut orientation = Orientation::NoTransforms;
    let mut at = 2;
    loop {
        let Some(segment) = Segment::at(bytes, at) else {
            return if bytes.get(at).is_some_and(|byte| *byte != 0xff) {
                Header::Broken("a JPEG segment does not begin with a marker")
            } else {
                Header::More
            };
        };
        let body = &bytes[segment.body.min(bytes.len())..segment.end.min(bytes.len())];
        match segment.marker {
            // Start of frame, of any kind; C4, C8 and CC are tables.
            0xc0..=0xcf if !matches!(segment.marker, 0xc4 | 0xc8 | 0xcc) => {
                let [_, h1, h0, w1, w0, ..] = body else {
                    return Header::More;
                };
                let size = (
                    u32::from(*w1) << 8 | u32::from(*w0),
                    u32::from(*h1) << 8 | u32::from(*h0),
                );
                return if size.0 == 0 || size.1 == 0 {
                    Header::Broken("a JPEG of no width or height")
                } else {
                    Header::Found { size, orientation }
                };
            }
            0xe1 if body.starts_with(b"Exif\0\0") => {
                if segment.end > bytes.len() {
                    return Header::More;
                }
                orientation = Orientation::from_exif_chunk(&body[6..]).unwrap_or(orientation);
            }
            0xd9 | 0xda => return Header::Broken("a JPEG without a frame header"),
            _ => {}
        }
        at = segment.end;
    }
}

#[cfg(test)]
mod tests {
    use super::super::Picture;
    use super::super::decode::tests::{jpeg, with_orientation};
    use super::*;

    #[test]
    fn the_size_agrees_with_the_decoded_picture_in_every_format() {
        let folder = tempfile::tempdir().unwrap();
        let picture = image::RgbImage::from_fn(37, 21, |x, y| image::Rgb([x as u8, y as u8, 9]));
        for ending in ["png", "jpg", "bmp", "tiff", "webp"] {
            let path = folder.path().join(format!("a.{ending}"));
            picture.save(&path).unwrap();
            assert_eq!(probe(&path).unwrap(), (37, 21), "{ending}");
        }
        let path = folder.path().join("turned.JPG");
        std::fs::write(&path, with_orientation(&jpeg(&picture), 8)).unwrap();
        let read = Picture::open(&path).unwrap();
        assert_eq!(probe(&path).unwrap(), (21, 37));
        assert_eq!((read.width, read.height), (21, 37));
    }

    #[test]
    fn a_frame_header_behind_a_long_comment_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let whole = jpeg(&image::RgbImage::new(9, 4));
        let mut bytes = whole[..2].to_vec();
        for _ in 0..3 {
            bytes.extend([0xff, 0xfe, 0xff, 0xff]);
            bytes.extend(vec![0x20; 0xfffd]);
        }
        bytes.extend(&whole[2..]);
        let path = folder.path().join("a.jpg");
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(probe(&path).unwrap(), (9, 4));
        std::fs::write(&path, &bytes[..70_000]).unwrap();
        assert!(matches!(probe(&path), Err(PictureError::Truncated { .. })));
    }

    #[test]
    fn a_missing_file_and_a_text_have_different_errors() {
        let folder = tempfile::tempdir().unwrap();
        let missing = probe(&folder.path().join("a.png")).unwrap_err();
        assert_eq!(missing.io_kind(), Some(std::io::ErrorKind::NotFound));
        let path = folder.path().join("b.png");
        std::fs::write(&path, "text").unwrap();
        assert!(matches!(probe(&path), Err(PictureError::NotAPicture { .. })));
    }
}
