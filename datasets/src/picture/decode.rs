//! From the bytes of a file to 8-bit RGB.
//!
//! The format is told by the content, not by the file's ending. A sequential JPEG has libjpeg's levels (`jpeg/`), all else is
//! read by the library. What becomes of other depths and colours:
//! - 16 bits: `round(level / 257)`, so 65535 is 255 and every 8-bit level that was widened comes back unchanged;
//!   32-bit float (TIFF): clipped to \[0, 1\], times 255, rounded;
//! - grey: the same level thrice; palette: its colour (a palette TIFF is refused: the library cannot read it);
//! - alpha: dropped, the stored colour kept. This is what `PIL.Image.convert("RGB")` does in every published trainer, so
//!   levels agree with theirs; composing over white would alter WED, whose 32-bit BMPs hold an unused byte of zeros there;
//! - CMYK: converted by the library's plain formula; embedded colour profiles are not applied, as no trainer does;
//! - EXIF orientation (JPEG, PNG, WebP, TIFF): applied, so that a photograph stands as its photographer saw it.

use std::io::Cursor;
use std::path::Path;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, RgbImage};

use super::jpeg::{self, Jpeg};
use super::{Picture, PictureError};

impl Picture {
    /// The picture in `bytes`, the content of the file at `path` (which only serves to name it in an error).
    pub fn decode(bytes: &[u8], path: &Path) -> Result<Self, PictureError> {
        let format = image::guess_format(bytes).map_err(|_| not_a_picture(bytes, path))?;
        let (mut picture, orientation) = if format == ImageFormat::Jpeg {
            if !jpeg::is_whole(bytes) {
                // The library fills what is missing with grey and says nothing.
                return Err(PictureError::Truncated {
                    path: path.to_path_buf(),
                });
            }
            sequential_jpeg(bytes)
        } else {
            None
        }
        .map_or_else(|| by_the_library(bytes, format, path), Ok)?;
        picture.apply_orientation(orientation);
        let rgb = picture.into_rgb8();
        Ok(Self {
            width: rgb.width() as usize,
            height: rgb.height() as usize,
            rgb: rgb.into_raw(),
        })
    }
}

/// A JPEG of the common kind, as libjpeg decodes it.
fn sequential_jpeg(bytes: &[u8]) -> Option<(DynamicImage, Orientation)> {
    let jpeg = Jpeg::read(bytes)?;
    let Picture { width, height, rgb } = jpeg.decode()?;
    let rgb = RgbImage::from_raw(width as u32, height as u32, rgb)?;
    Some((DynamicImage::ImageRgb8(rgb), jpeg.orientation()))
}

fn by_the_library(bytes: &[u8], format: ImageFormat, path: &Path) -> Result<(DynamicImage, Orientation), PictureError> {
    let fault = |error| name_fault(error, bytes, path);
    let mut decoder = ImageReader::with_format(Cursor::new(bytes), format)
        .into_decoder()
        .map_err(fault)?;
    let orientation = decoder.orientation().map_err(fault)?;
    Ok((DynamicImage::from_decoder(decoder).map_err(fault)?, orientation))
}

/// What a file that is no picture looks like from its first bytes.
pub(super) fn not_a_picture(bytes: &[u8], path: &Path) -> PictureError {
    let found = match bytes {
        [] => "the file is empty",
        [b'P', b'K', 3, 4, ..] => "it is a zip archive",
        [0x1f, 0x8b, ..] => "it is a gzip archive",
        [b'G', b'I', b'F', b'8', ..] => "it is a GIF",
        [b'P', b'1'..=b'6', ..] => "it is a PNM",
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => "it is a HEIC, AVIF or film",
        [b'<', ..] => "it is a web page or XML",
        _ => "its first bytes are of no known format",
    };
    PictureError::NotAPicture {
        path: path.to_path_buf(),
        found,
    }
}

/// The library's error in our words: the end of the file reached too early, a format that is not built in, or a fault.
pub(super) fn name_fault(error: ImageError, bytes: &[u8], path: &Path) -> PictureError {
    let path = path.to_path_buf();
    match error {
        ImageError::IoError(source) if source.kind() == std::io::ErrorKind::UnexpectedEof => {
            PictureError::Truncated { path }
        }
        ImageError::IoError(source) => PictureError::Read { path, source },
        ImageError::Unsupported(unsupported)
            if matches!(unsupported.kind(), image::error::UnsupportedErrorKind::Format(_)) =>
        {
            not_a_picture(bytes, &path)
        }
        other => {
            let reason = other.to_string();
            let early = ["unexpected end", "UnexpectedEof", "failed to fill whole buffer", "EOF"];
            if early.iter().any(|word| reason.contains(word)) {
                PictureError::Truncated { path }
            } else {
                PictureError::Decode { path, reason }
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use image::codecs::jpeg::JpegEncoder;
    use image::{ExtendedColorType, ImageEncoder};

    fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Vec::new();
        picture.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
        bytes
    }

    fn decoded(bytes: &[u8]) -> Picture {
        Picture::decode(bytes, Path::new("picture")).unwrap()
    }

    fn chequered(width: u32, height: u32) -> image::RgbImage {
        image::RgbImage::from_fn(width, height, |x, y| image::Rgb([(x * 11) as u8, (y * 23) as u8, 200]))
    }

    /// A little-endian EXIF block whose only entry is the orientation.
    pub fn with_orientation(jpeg: &[u8], orientation: u8) -> Vec<u8> {
        let mut exif = b"Exif\0\0II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
        exif.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
        let mut out = jpeg[..2].to_vec();
        out.extend([0xff, 0xe1]);
        out.extend(((exif.len() + 2) as u16).to_be_bytes());
        out.extend(exif);
        out.extend(&jpeg[2..]);
        out
    }

    pub fn jpeg(picture: &image::RgbImage) -> Vec<u8> {
        let mut bytes = Vec::new();
        JpegEncoder::new_with_quality(&mut bytes, 95)
            .write_image(picture, picture.width(), picture.height(), ExtendedColorType::Rgb8)
            .unwrap();
        bytes
    }

    #[test]
    fn lossless_formats_keep_every_level() {
        let picture = chequered(7, 5);
        for format in [ImageFormat::Png, ImageFormat::Bmp, ImageFormat::Tiff, ImageFormat::WebP] {
            let read = decoded(&encoded(&DynamicImage::ImageRgb8(picture.clone()), format));
            assert_eq!((read.width, read.height), (7, 5), "{format:?}");
            assert_eq!(&read.rgb, picture.as_raw(), "{format:?}");
        }
    }

    #[test]
    fn sixteen_bits_are_rounded_to_the_nearest_level() {
        let levels = [0_u16, 128, 129, 257 * 7 + 128, 257 * 7 + 129, 65535];
        let picture = image::ImageBuffer::<image::Luma<u16>, _>::from_raw(6, 1, levels.to_vec()).unwrap();
        for format in [ImageFormat::Png, ImageFormat::Tiff] {
            let read = decoded(&encoded(&DynamicImage::ImageLuma16(picture.clone()), format));
            let grey: Vec<u8> = read.rgb.chunks_exact(3).map(|pixel| pixel[0]).collect();
            assert_eq!(grey, [0, 0, 1, 7, 8, 255], "{format:?}");
        }
    }

    #[test]
    fn grey_becomes_three_equal_channels() {
        let picture = image::GrayImage::from_fn(4, 3, |x, y| image::Luma([(x * 40 + y) as u8]));
        let read = decoded(&encoded(&DynamicImage::ImageLuma8(picture.clone()), ImageFormat::Png));
        for (pixel, level) in read.rgb.chunks_exact(3).zip(picture.as_raw()) {
            assert_eq!(pixel, [*level; 3]);
        }
    }

    #[test]
    fn alpha_is_dropped_and_the_stored_colour_kept() {
        let picture = image::RgbaImage::from_fn(3, 2, |x, _| image::Rgba([10, 20, 30, (x * 100) as u8]));
        for format in [ImageFormat::Png, ImageFormat::Tiff, ImageFormat::WebP] {
            let read = decoded(&encoded(&DynamicImage::ImageRgba8(picture.clone()), format));
            assert!(
                read.rgb.chunks_exact(3).all(|pixel| pixel == [10, 20, 30]),
                "{format:?}"
            );
        }
    }

    /// A 32-bit BMP of one row as WED has it: BITMAPINFOHEADER, no masks, the fourth byte zero.
    fn bmp32(height: i32, rows: &[[[u8; 4]; 2]]) -> Vec<u8> {
        let mut bytes = b"BM".to_vec();
        bytes.extend((54 + rows.len() as u32 * 8).to_le_bytes());
        bytes.extend([0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0, 2, 0, 0, 0]);
        bytes.extend(height.to_le_bytes());
        bytes.extend([1, 0, 32, 0]);
        bytes.extend([0; 24]);
        bytes.extend(rows.iter().flatten().flatten());
        bytes
    }

    #[test]
    fn a_bmp_of_32_bits_has_its_colours_whatever_its_fourth_byte() {
        let (red, blue) = ([0, 0, 255, 0], [255, 0, 0, 0]);
        let bottom_up = decoded(&bmp32(2, &[[red, red], [blue, blue]]));
        assert_eq!(bottom_up.rgb, [0, 0, 255, 0, 0, 255, 255, 0, 0, 255, 0, 0]);
        let top_down = decoded(&bmp32(-2, &[[red, red], [blue, blue]]));
        assert_eq!(top_down.rgb, [255, 0, 0, 255, 0, 0, 0, 0, 255, 0, 0, 255]);
    }

    #[test]
    fn exif_orientation_turns_the_picture_upright() {
        let picture = image::RgbImage::from_fn(32, 16, |x, _| image::Rgb([if x < 16 { 250 } else { 5 }; 3]));
        let lying = decoded(&jpeg(&picture));
        assert_eq!((lying.width, lying.height), (32, 16));
        let upright = decoded(&with_orientation(&jpeg(&picture), 6));
        assert_eq!((upright.width, upright.height), (16, 32));
        assert!(
            upright.rgb[0] > 200,
            "the left half comes to the top under a quarter turn clockwise"
        );
        assert!(upright.rgb[31 * 16 * 3] < 50);
    }

    #[test]
    fn a_file_that_is_cut_off_is_named_so() {
        let picture = chequered(64, 64);
        let mut wholes = vec![jpeg(&picture)];
        for format in [ImageFormat::Png, ImageFormat::Bmp, ImageFormat::Tiff, ImageFormat::WebP] {
            wholes.push(encoded(&DynamicImage::ImageRgb8(picture.clone()), format));
        }
        for whole in wholes {
            let head = whole[..4].to_vec();
            let cut = Picture::decode(&whole[..whole.len() * 2 / 3], Path::new("a.png"));
            assert!(cut.is_err(), "{head:?}");
            if head[0] != b'I' && head[0] != b'R' {
                assert!(matches!(cut, Err(PictureError::Truncated { .. })), "{head:?}: {cut:?}");
            }
        }
    }

    #[test]
    fn what_is_no_picture_is_named_with_what_it_is() {
        for (bytes, word) in [
            (&b""[..], "empty"),
            (b"PK\x03\x04....", "zip"),
            (b"GIF89a......", "GIF"),
            (b"<html></html>", "web page"),
            (b"hello, world", "no known format"),
        ] {
            let error = Picture::decode(bytes, Path::new("x/a.png")).unwrap_err();
            let text = error.to_string();
            assert!(matches!(error, PictureError::NotAPicture { .. }), "{text}");
            assert!(text.contains("x/a.png") && text.contains(word), "{text}");
        }
    }

    #[test]
    fn colours_agree_with_their_formats_on_real_pictures() {
        let Some(folder) = std::env::var_os("PERCEIVE_PICTURES") else {
            println!("skipped: PERCEIVE_PICTURES is not set");
            return;
        };
        let wed = Path::new(&folder).join("exploration_database_and_code/pristine_images");
        for (name, size) in [
            ("00081.bmp", (400, 400)),
            ("00246.bmp", (427, 370)),
            ("01574.bmp", (450, 286)),
            ("04477.bmp", (516, 350)),
        ] {
            let picture = Picture::open(&wed.join(name)).unwrap();
            assert_eq!((picture.width, picture.height), size, "{name}");
            let mean = picture.rgb.iter().map(|level| f64::from(*level)).sum::<f64>() / picture.rgb.len() as f64;
            assert!(
                (30.0..225.0).contains(&mean),
                "{name}: a mean level of {mean} is no photograph"
            );
        }
    }
}
