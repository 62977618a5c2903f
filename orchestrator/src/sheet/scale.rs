//! The size in which a picture is shown on a sheet.

use image::RgbImage;
use image::imageops::{self, FilterType};
use perceive_datasets::picture::Picture;

/// The picture at most `side` pixels wide and high: reduced smoothly, or enlarged by the largest whole factor that fits.
pub fn to_fit(picture: &Picture, side: usize) -> Picture {
    let longer = picture.width.max(picture.height);
    if longer == 0 || longer == side || side == 0 {
        return picture.clone();
    }
    if longer < side {
        let factor = side / longer;
        return resized(
            picture,
            picture.width * factor,
            picture.height * factor,
            FilterType::Nearest,
        );
    }
    let reduced = |length: usize| ((length * side + longer / 2) / longer).max(1);
    resized(
        picture,
        reduced(picture.width),
        reduced(picture.height),
        FilterType::Triangle,
    )
}

fn resized(picture: &Picture, width: usize, height: usize, filter: FilterType) -> Picture {
    let Some(image) = RgbImage::from_raw(picture.width as u32, picture.height as u32, picture.rgb.clone()) else {
        return picture.clone();
    };
    Picture {
        width,
        height,
        rgb: imageops::resize(&image, width as u32, height as u32, filter).into_raw(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enlarging_repeats_each_pixel() {
        let small = Picture {
            width: 2,
            height: 1,
            rgb: vec![1, 2, 3, 201, 202, 203],
        };
        let large = to_fit(&small, 7);
        assert_eq!((large.width, large.height), (6, 3));
        for (i, pixel) in large.rgb.chunks_exact(3).enumerate() {
            let expected = if i % 6 < 3 { [1, 2, 3] } else { [201, 202, 203] };
            assert_eq!(pixel, expected);
        }
    }

    #[test]
    fn reducing_keeps_the_proportions_and_the_mean() {
        let (width, height) = (321, 481);
        let rgb = (0..width * height * 3)
            .map(|i| if i % 2 == 0 { 60 } else { 140 })
            .collect();
        let small = to_fit(&Picture { width, height, rgb }, 160);
        assert_eq!((small.width, small.height), (107, 160));
        let mean = small.rgb.iter().map(|level| f64::from(*level)).sum::<f64>() / small.rgb.len() as f64;
        assert!((mean - 100.0).abs() < 1.0, "mean {mean}");
    }
}
